// One turn under the lock: merge what was heard into the newest state, decide, and write down what is to be said.
// Applied to whatever is on disk by then, so parallel commands take turns and none overwrites another.

import { trustOf } from '../call/agents.ts'
import type { Escalation } from '../call/escalation.ts'
import type { Intent } from '../call/intent.ts'
import { recordLook } from '../state/announced.ts'
import { type DueEscalation, dueEscalations } from '../state/escalations.ts'
import { lettersDue } from '../state/letters.ts'
import { rememberPeers } from '../state/peer-memory.ts'
import { recordClock, recordMailboxAnswers, recordObservations } from '../state/relay-memory.ts'
import { callsOf, type State } from '../state/state.ts'
import { callsIn, type StepContext, type StepOutput, step } from '../state/step.ts'
import { beginTransaction } from '../state/transaction.ts'
import { type RunContext, speakerOf } from './context.ts'
import { escalate } from './escalate.ts'
import { NOTHING_HEARD, type PeerLookup, type SyncResult } from './sync.ts'

export type StepResult = StepOutput & {
  /** What the owner is to be told, and what the command itself asks it. */
  appeals: DueEscalation[]
  asked: Escalation | undefined
}

/**
 * What came of what a result said, still to be written down: `note` puts it into whatever is on disk by then. `callsOnly`: the
 * index has nothing to say of it.
 */
export type DeliveryResult = { touched: string[]; note: (fresh: State) => State; callsOnly: boolean }

/**
 * @param listened what was heard; undefined when the command speaks before it has heard anything
 * @param before what it said then: what came of that is written down with the rest
 */
export async function runStep(
  context: RunContext,
  intent: Intent,
  listened: SyncResult | undefined,
  looked: PeerLookup,
  before?: DeliveryResult,
): Promise<StepResult> {
  const { environment, now } = context
  const speaker = speakerOf(context)
  const seat = stepContext(context, looked.peer)
  const heard = listened ?? NOTHING_HEARD
  const { opened, replayed } = heard
  const mail = { opened, replayed, deep: intent.type === 'inbox' && intent.deep, unheard: listened === undefined }
  const mailboxes = heard.answers.filter((a) => a.name === 'inbox')
  const sightings = { ...looked, looked: looked.peers, public: heard.public }
  const calls = [...callsIn(opened, environment.store.read().index, context.selector), ...(before?.touched ?? [])]
  return await environment.store.update(calls, (fresh) => {
    const seen = intent.type === 'announce' || heard.answers.length === 0 ? fresh : recordLook(fresh, now)
    const met = recordObservations(withAgent(seen, speaker.me), environment.pool.observed(), now)
    const asked = recordMailboxAnswers(met, mailboxes, now)
    const known = rememberPeers(recordClock(asked, heard.answers, heard.clockAhead), sightings, now)
    const turned = step(known, intent, mail, seat)
    // Of what a command says before it has listened the index knows nothing that the call does not: it is written afterwards.
    if (listened === undefined) return { snapshot: turned.state, value: withoutOwner(turned), callsOnly: true }
    const { verdict, said } = turned
    const asking = escalate(turned.state, context, {
      intent,
      verdict,
      said,
      calls: callsOf(turned.state, speaker.me, now),
    })
    const letters = lettersDue(asking.state, speaker, environment.alive)
    const appeals = dueEscalations(letters.state, environment.owner.channels, speaker, environment.alive)
    // Last: while this process holds its claim on what it has just said, that is not due once more.
    const state = before === undefined ? appeals.state : before.note(appeals.state)
    const owed = { dues: [...letters.dues, ...turned.dues], appeals: appeals.dues, asked: asking.asked }
    return { snapshot: state, value: { ...turned, ...owed, state } }
  })
}

/** A turn in which the owner is told nothing. */
function withoutOwner(turned: StepOutput): StepResult {
  return { ...turned, appeals: [], asked: undefined }
}

/** What a decision depends on in this context. @param peer the agent that `call` names */
export function stepContext(context: RunContext, peer: string | undefined): StepContext {
  const { environment, people, selector } = context
  const { config } = environment
  return {
    ...speakerOf(context),
    ...{ people, selector, peer, name: config.name, inbox: environment.relays.inbox, alive: environment.alive },
    ...{ ring: config.call.ring, inlineMax: config.file.inlineMax },
    policy: { ...config.policy, trust: (pubkey: string) => trustOf(people, pubkey) },
  }
}

// A state belongs to one key: cursors, seen ids and calls mean nothing to another.
function withAgent(state: State, me: string): State {
  if (state.index.agent === me) return state
  const edit = beginTransaction(state)
  edit.index.agent = me
  return edit.state
}
