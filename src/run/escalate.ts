// `escalate` within a turn: the question is written down for every channel before any of them hears of it.
// Telling the owner: everything due, through every channel at once, and what came of it.
import { agentOf } from '../call/agents.ts'
import type { Decision } from '../call/decide.ts'
import { type Escalation, escalationOf, escalationText } from '../call/escalation.ts'
import type { Intent } from '../call/intent.ts'
import type { Call } from '../call/replay.ts'
import { sha256, toHex } from '../nostr/crypto.ts'
import { openEscalation } from '../state/escalations.ts'
import { directMessage, oweLetter } from '../state/letters.ts'
import { namesOf } from '../state/peer-memory.ts'
import type { RecordedSignal } from '../state/say.ts'
import type { State } from '../state/state.ts'
import { type RunContext, speakerOf } from './context.ts'

export type EscalateInput = {
  intent: Intent
  verdict: Decision
  said: readonly RecordedSignal[]
  calls: readonly Call[]
}

/** `asked`: the escalation, when the command is one. */
export function escalate(
  state: State,
  context: RunContext,
  asking: EscalateInput,
): { state: State; asked: Escalation | undefined } {
  const asked = escalationIn(state, context, asking)
  if (asked === undefined) return { state, asked }
  const { environment } = context
  const letter = escalationLetter(context, asked)
  const owed = letter === undefined ? state : oweLetter(state, letter.rumor, letter.to)
  return { state: openEscalation(owed, asked, environment.owner.channels, letter?.rumor.id), asked }
}

/** How the owner answers where it does not read us on Nostr. */
export function howToAnswer(ownerNpub: string | undefined): string {
  return ownerNpub === undefined
    ? 'To answer, tell it so where you usually do.'
    : 'To answer, reply to the direct message it has sent you on Nostr, or tell it so where you usually do.'
}

function escalationIn(
  state: State,
  { environment, now, people }: RunContext,
  { intent, verdict, said, calls }: EscalateInput,
): Escalation | undefined {
  if (intent.type !== 'escalate' || verdict.refusal !== undefined) return undefined
  const own = verdict.say.length > 0 ? said.at(-1) : undefined
  const call = calls.find((c) => c.id === own?.call)
  const known = { ...people, names: namesOf(state) }
  const me = { ...agentOf(known, environment.keys.pubkey), name: environment.config.name }
  const peer = call === undefined ? undefined : agentOf(known, call.peer, call.peerName)
  const id = own?.rumor.id ?? toHex(sha256(Buffer.from(`${me.pubkey} ${now} ${environment.pid} ${intent.text}`)))
  return escalationOf(intent.text, { id, at: now, me, call, peer })
}

// An owner's key that is our own would be told by itself: nobody would be told, and it would look as if somebody had been.
function escalationLetter(context: RunContext, asked: Escalation) {
  const to = context.environment.ownerKey
  if (to === undefined || to === context.environment.keys.pubkey) return undefined
  return {
    to,
    rumor: directMessage(escalationText(asked, 'To answer, just reply to this message.'), to, speakerOf(context)),
  }
}
