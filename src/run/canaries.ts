// Canaries: `announce` writes a small wrap to ourselves into each of our inbox relays now and then, and the next replay reads it
// back. They go over connections that are open, and nobody waits for them.
import type { PublishAnswer } from '../io/relay/publish.ts'
import { rumorOf } from '../nostr/event.ts'
import { CANARY_LIFETIME, canaryRelays, recordCanaries } from '../state/canaries.ts'
import { type CanaryBody, canaryTemplate, countCanary } from '../state/machine.ts'
import type { State } from '../state/state.ts'
import type { Action, Executor } from './action.ts'
import { envelopeTimes, publishTime, type RunContext } from './context.ts'

/** The canaries that are due, and the state in which they are counted. Pure. */
export function canaryActions(state: State, context: RunContext): { state: State; actions: Action[] } {
  const { environment, now } = context
  const relays = canaryRelays(state.index, environment.relays.inbox, now)
  if (relays.length === 0) return { state, actions: [] }
  const { state: counted, body } = countCanary(state, environment.random)
  return { state: counted, actions: [{ type: 'canary', body, relays }] }
}

export const publishCanary: Executor<'canary'> = {
  async execute(action, context) {
    const { body, relays } = action
    const first = await publishTo(relays, body, context, false)
    // A relay that refuses backdated stamps is tried once more with a stamp of now.
    const strict = first.filter(({ reason }) => reason === 'timestamp').map(({ relay }) => relay)
    const again = strict.length === 0 ? [] : await publishTo(strict, body, context, true)
    const answers = [...first.filter(({ relay }) => !strict.includes(relay)), ...again]
    // A replay that began before a relay had it proves nothing.
    const at = Math.ceil(context.environment.clock() / 1000)
    const sent = answers.map(({ relay, event, accepted }) => ({ relay, at, ...(accepted && { wrap: event }) }))
    return { type: 'canary', action, sent }
  },
  record: (state, done) =>
    recordCanaries(
      state,
      done.flatMap(({ sent }) => sent),
    ),
}

/** A wrap of its own to each relay: what one relay gives back must not speak for another. */
async function publishTo(
  relays: readonly string[],
  body: CanaryBody,
  context: RunContext,
  recent: boolean,
): Promise<PublishAnswer[]> {
  const { environment, deadline } = context
  const me = environment.keys.pubkey
  const rumor = rumorOf(canaryTemplate(body, me, publishTime(context)), me)
  const wrapped = () =>
    environment.wrapRumor(rumor, me, {
      ...{ ...envelopeTimes(context), callKey: undefined, keptFor: CANARY_LIFETIME },
      ...(recent && { recent }),
    })
  const jobs = relays.map((url) => ({ event: wrapped(), relays: [url], background: true }))
  return await environment.pool.publish(jobs, { deadline })
}
