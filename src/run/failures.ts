// Why a command that ran has not done its job: nobody could be reached, no relay took it, or the rules forbid it.

import { type KeptEscalation, ownerChannels } from '../call/escalation.ts'
import { type Call, replay } from '../call/replay.ts'
import { foreignRefusal, inQuotes, quoteRelayReason } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { type Foreign, foreign, matches } from '../sanitize.ts'
import { deliveryOf } from '../state/outbox.ts'
import type { RecordedSignal } from '../state/record-signals.ts'
import { type ActionResult, resultsOf } from './action.ts'
import type { RunContext } from './context.ts'
import type { FinishedRun } from './finished-run.ts'
import { isRelayThere } from './sync-result.ts'

/** Why the command has failed though the run went well: refused, nothing taken, the owner not told; undefined where it has not. */
export function failureOf(finished: FinishedRun): Failure | undefined {
  const { needs, decided, state, done } = finished
  if (decided?.refusal !== undefined) return decided.refusal
  const escalation = state.index.escalations[decided?.asked?.id ?? '']
  if (escalation !== undefined) return ownerNotToldFailure(escalation, finished)
  // The output says which relays are away.
  if (needs.unattended === true) return undefined
  if (decided?.letter !== undefined) {
    const { accepted, failed } = relaysOfLetter(decided.letter.rumor.id, done)
    return accepted.length > 0 ? undefined : notTakenFailure(failed)
  }
  return decided !== undefined && decided.said.length > 0
    ? undeliveredFailure(decided.said, finished)
    : noAnswerFailure(finished)
}

function undeliveredFailure(
  parts: readonly RecordedSignal[],
  { context, state, done }: FinishedRun,
): Failure | undefined {
  const [said] = parts
  const log = said === undefined ? undefined : state.logs[said.call]
  if (said === undefined || log === undefined) return undefined
  if (isLate(said.rumor.id, replay(log, context.environment.keys.pubkey, context.now))) return lateFailure(said.call)
  const { state: delivery, failed } = deliveryOf(
    log,
    parts.map((p) => p.rumor.id),
  )
  if (delivery !== 'queued') return undefined
  return callsWithoutKey(done).includes(said.call) ? keyLostFailure(said.call, context) : notTakenFailure(failed)
}

/** Which relays have taken a letter in this run, and which have not. `id`: that of its rumor. */
export function relaysOfLetter(
  id: string,
  done: readonly ActionResult[],
): { accepted: string[]; failed: { url: string; reason: Foreign }[] } {
  const answers = resultsOf('letter', done).flatMap(({ action, oks }) => (action.due.rumor.id === id ? [...oks] : []))
  const accepted = [...new Set(answers.filter((r) => r.accepted).map((r) => r.relay))]
  const failed = answers.filter((r) => !accepted.includes(r.relay))
  return {
    accepted,
    failed: failed.map((r) => ({ url: r.relay, reason: foreignRefusal(r) })),
  }
}

function notTakenFailure(failed: readonly { url: string; reason: Foreign }[]): Failure {
  const why = failed.map(quoteRelayReason).join('; ')
  const told = why === '' ? '' : ` (${why})`
  if (failed.length > 0 && failed.every((f) => matches(f.reason, /^(auth-required|restricted|blocked)/))) {
    return new Failure(
      'REFUSED',
      `every relay refused it${told}`,
      `it is kept and offered again with the next command; \`${P2P} config set relays.inbox …\` changes your relays`,
    )
  }
  return new Failure(
    'UNREACHABLE',
    `no relay took it${told}`,
    `it is kept and goes out with the next command (\`${P2P} status\` will do), so do not say it again; \`${P2P} doctor\` finds out what is broken`,
  )
}

/** The calls in which a signal could not be sealed, since the call key is not here. */
export function callsWithoutKey(done: readonly ActionResult[]): string[] {
  const all = resultsOf('signal', done).flatMap(({ wrap, action }) => (wrap === undefined ? [action.due.call] : []))
  return [...new Set(all)]
}

// It is not sealed with the identities' key instead: whoever steals an identity later could read it, and the call promises otherwise.
function keyLostFailure(call: string, { environment }: RunContext): Failure {
  const path = `${environment.home.calls}/${call}.key`
  return new Failure(
    'CALL_KEY_LOST',
    `the key of call ${call.slice(0, 8)} is missing or damaged (${path}), so nothing can be said in it`,
    `put a copy of the file in its place, and the next command sends what you said; without one a new \`${P2P} call <agent> "<topic>"\` begins anew`,
  )
}

// It was said before the mailbox was read, which has shown that the other side had ended the call by then.
function isLate(rumor: string, call: Call | undefined): boolean {
  return call?.lines.findLast((line) => line.signal.id === rumor)?.late === true
}

function lateFailure(call: string): Failure {
  const id = call.slice(0, 8)
  return new Failure(
    'LATE',
    `the call ${id} had ended before this was said: both transcripts show it, marked late`,
    `\`${P2P} transcript ${id}\` shows the call; \`${P2P} call <agent> "<topic>"\` calls again`,
  )
}

// Nothing may be answered from memory as if it were news.
function noAnswerFailure({ heard }: FinishedRun): Failure | undefined {
  // A relay that has answered about our own list has not answered about our mailbox.
  const answers = heard.answers.filter(({ name }) => name !== 'own-list')
  if (answers.length === 0 || answers.some(isRelayThere)) return undefined
  const why = answers.map((a) =>
    quoteRelayReason({ url: a.relay, reason: a.text ?? foreign`${a.reason ?? 'no answer'}` }),
  )
  const told = [...new Set(why)].join('; ')
  if (answers.every((a) => a.reason === 'auth-required' || a.reason === 'restricted' || a.reason === 'blocked')) {
    return new Failure('REFUSED', `every relay refused us (${told})`, `\`${P2P} doctor\` finds out why, relay by relay`)
  }
  return new Failure(
    'UNREACHABLE',
    `no relay answered (${told})`,
    `try again; \`${P2P} doctor\` finds out what is broken`,
  )
}

function ownerNotToldFailure(
  { escalation, channels: all }: KeptEscalation,
  { context }: FinishedRun,
): Failure | undefined {
  const channels = ownerChannels(all)
  const answered = `escalate --answered "…" --id ${escalation.id.slice(0, 8)}`
  // "Ends with 6 also in a call: the owner was *not* told, whatever the peer was."
  if (channels.length === 0) {
    return new Failure(
      'NO_OWNER_CHANNEL',
      'your owner was NOT told: no channel to your owner is configured',
      `ask in your own conversation, then \`${P2P} ${answered}\` writes the answer down; \`${P2P} config set owner.npub <npub>\`, or owner.webhook, owner.openclaw.target, owner.command, lets p2p ask`,
    )
  }
  if (channels.some((c) => c.ok)) return undefined
  const why = channels
    .map((c) => `${c.channel}: ${c.error === undefined ? 'failed' : inQuotes(c.error, 200)}`)
    .join('; ')
  return new Failure(
    'OWNER_NOT_REACHED',
    `your owner was NOT told yet (${why})`,
    `it is kept and tried again with the next command after a minute: \`${P2P} status\`; \`${P2P} ${answered}\` writes down what your owner says elsewhere; it is also in ${context.environment.home.escalations}`,
  )
}
