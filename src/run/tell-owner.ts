// Telling the owner: everything due, through every channel at once, and what came of it.
import { defuseMarkup, type Escalation, escalationText } from '../call/escalation.ts'
import { relaySaid } from '../call/wording.ts'
import type { OwnerChannel } from '../io/owner/channels.ts'
import { type DueEscalation, type OwnerTold, recordOwnerTold } from '../state/escalations.ts'
import { delivery } from '../state/outbox.ts'
import type { State } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { howToAnswer } from './escalate.ts'
import type { StepResult } from './step.ts'

/** One way in which somebody was to be told, and why it did not work where it did not. */
export type ChannelResult = { channel: 'peer' | 'nostr' | OwnerChannel | 'log'; ok: boolean; error?: string }

export type EscalationResult = { id: string; channels: ChannelResult[] }

/** The share of the network budget that a channel has: 5 s of the usual 8. */
const CHANNEL_SHARE = 5 / 8

const CHANNEL_MAX = 60_000

/** Relays that took all the time there was must not keep the owner from being told, in ms. */
const CHANNEL_MIN = 3_000

/** Tells the owner what is due. Never rejects. */
export async function tellOwner(context: RunContext, { appeals }: StepResult): Promise<OwnerTold[]> {
  const { owner } = context.environment
  const ms = channelTimeout(context)
  return await Promise.all(
    appeals.map(async ({ escalation, channels }) => {
      const text = defuseMarkup(escalationText(escalation, howToAnswer(context.environment.config.owner.npub)))
      const notice = { id: escalation.id, facts: escalation, text }
      const now = owner.channels.filter((channel) => channels.includes(channel))
      const results = await Promise.all(now.map(async (channel) => [channel, await owner.tell(channel, notice, ms)]))
      return { id: escalation.id, results: Object.fromEntries(results) }
    }),
  )
}

/** Writes down what came of it: the log's line of each new escalation, and what is to be tried again. */
export async function recordOwnerAnswers(
  context: RunContext,
  { appeals, asked }: StepResult,
  state: State,
  answers: readonly OwnerTold[],
): Promise<{ state: State; escalation: EscalationResult | undefined }> {
  if (appeals.length === 0) return { state, escalation: undefined }
  const { environment, now } = context
  const logged = appeals.filter((due) => due.fresh).map((due) => logEscalation(context, due, state, answers))
  const change = (fresh: State) => recordOwnerTold(fresh, answers, environment.owner.channels, now)
  await environment.store.update([], (fresh) => ({ snapshot: change(fresh), value: undefined }))
  return { state: change(state), escalation: logged.find(({ id }) => id === asked?.id) }
}

function channelTimeout({ environment, deadline }: RunContext): number {
  const share = Math.min(CHANNEL_MAX, environment.budget * CHANNEL_SHARE)
  return Math.max(Math.min(share, CHANNEL_MIN), Math.min(share, deadline - environment.clock()))
}

function logEscalation(
  context: RunContext,
  due: DueEscalation,
  state: State,
  answers: readonly OwnerTold[],
): EscalationResult {
  const { escalation, channels } = due
  const results = answers.find((a) => a.id === escalation.id)?.results ?? {}
  const { owner } = context.environment
  const told: ChannelResult[] = [
    ...peerResult(escalation, state),
    ...nostrResult(context, due, state),
    ...owner.channels.filter((c) => channels.includes(c)).map((channel) => channelResult(channel, results[channel])),
  ]
  const error = owner.log({ ...escalation, channels: told })
  return { id: escalation.id, channels: [...told, channelResult('log', error)] }
}

function peerResult({ id, call }: Escalation, state: State): ChannelResult[] {
  const log = state.logs[call]
  if (call === '' || log?.entries[id] === undefined) return []
  const queued = delivery(log, id).state === 'queued'
  return [channelResult('peer', queued ? 'no relay took it; it goes out with the next command' : undefined)]
}

function nostrResult({ environment }: RunContext, { letter }: DueEscalation, state: State): ChannelResult[] {
  if (letter === undefined) {
    const own = environment.ownerKey === environment.keys.pubkey
    return own ? [channelResult('nostr', "owner.npub is this agent's own key; set it to the key of its owner")] : []
  }
  const held = state.index.letters[letter]
  if (held === undefined) return [channelResult('nostr', undefined)]
  const why = held.posting.failed.map(relaySaid).join('; ')
  return [channelResult('nostr', `no relay took it; it goes out with the next command${why === '' ? '' : ` (${why})`}`)]
}

function channelResult(channel: ChannelResult['channel'], error: string | undefined): ChannelResult {
  return error === undefined ? { channel, ok: true } : { channel, ok: false, error }
}
