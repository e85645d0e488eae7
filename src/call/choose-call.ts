// Which call a command speaks in: the one that fits, the one that was named, or a refusal with the candidates.
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { type AgentDirectory, shortNpub } from './agents.ts'
import type { Call } from './replay.ts'
import { isOver, nextPhase, type Phase } from './rules.ts'
import { resolveSelector, type SelectorDirectory } from './selector.ts'
import type { SignalType } from './signal.ts'

/**
 * What the choice of a call depends on. `directory`: what the selector may mean; `lastOver`: the last call that is over, where `calls`
 * may lack it; `isUnread`: whether our agent has still to be shown a signal of a call, or a mark of it such as `forked`.
 */
export type CallChoice = {
  calls: readonly Call[]
  people: AgentDirectory
  directory: SelectorDirectory
  selector: string | undefined
  lastOver?: (peer?: string) => PastCall | undefined
  isUnread: (call: string, item: string) => boolean
}

/** A call that is over. */
export type PastCall = { id: string; peer: string; phase: Phase }

/** The call that a command speaks in, or why there is none. The table that judges what comes in decides where it may be said. */
export function chooseCall(verb: string, type: SignalType, context: CallChoice): Call | Failure {
  const { calls, people, directory, selector } = context
  const meant = callsMatching(calls, selector, directory)
  if (meant instanceof Failure) return meant
  const fitting = meant.filter((c) => mayStill(c) && nextPhase(c.phase, type, c.role) !== undefined)
  // A conversation goes before a call that still rings: `end` ends the one that is spoken in.
  const active = fitting.filter((c) => c.phase === 'active')
  const call = onlyCall(active.length > 0 ? active : fitting, people, () => noCallFailure(verb, meant, context))
  if (call instanceof Failure || selector !== undefined) return call
  // The attack, or the accident: the call that our agent means is hung up unseen, and its words go to somebody else.
  const gone = meant.find((c) => isOverUnseen(c, type, context))
  return gone === undefined ? call : callGoneFailure(gone, call, people)
}

/** Whether a call fitted when our agent last looked, and is over now. */
function isOverUnseen({ id, role, phase, ends, lines }: Call, type: SignalType, { isUnread }: CallChoice): boolean {
  const end = ends[role === 'caller' ? 'callee' : 'caller']
  if (!isUnread(id, 'forked') && (end === undefined || !isUnread(id, end.id))) return false
  // Our agent cannot mean a call that it had not been shown.
  if (type === 'accept' || type === 'reject') return role === 'callee' && phase === 'cancelled' && !isUnread(id, id)
  const accept = lines.find(({ signal: { body } }) => body.type === 'accept')
  return (phase === 'ended' || phase === 'forked') && (accept === undefined || !isUnread(id, accept.signal.id))
}

function callGoneFailure(gone: Call, call: Call, people: AgentDirectory): Failure {
  const [was, is] = [gone, call].map((c) => `${c.id.slice(0, 8)} (with ${peerLabel(c, people)})`)
  return new Failure(
    'SEVERAL_CALLS',
    `call ${was} is over, which you had not been shown; nothing was said in ${is}`,
    `add --call ${call.id.slice(0, 8)} if you mean that one`,
  )
}

/** Whether our agent may still say something in a call: not once a side has ended it or it was missed, and not while it is held at glare. */
export function mayStill(call: Call): boolean {
  return call.ends[call.role] === undefined && call.phase !== 'ended' && call.phase !== 'missed' && !call.held
}

/** Why there is no call to say something in, and what to type instead. `meant`: the calls that were meant. */
export function noCallFailure(verb: string, meant: readonly Call[], choice: CallChoice): Failure {
  const { people, selector } = choice
  const dialing = meant.find((c) => c.phase === 'ringing' && c.role === 'caller')
  const ringing = meant.find((c) => c.phase === 'ringing' && c.role === 'callee')
  const code = 'NO_CALL'
  const last = lastOverOf(meant, choice)
  if (selector !== undefined && meant.length === 0 && last === undefined)
    return new Failure('NO_SUCH_CALL', `no call fits "${selector}"`, `\`${P2P} transcript\` lists the calls there are`)
  const over = selector === undefined || meant.some((c) => !isOver(c.phase)) ? undefined : last
  if (verb === 'answer' && over === undefined) {
    if (dialing !== undefined)
      return new Failure(
        code,
        `nobody is calling you; you are calling ${peerLabel(dialing, people)}`,
        `\`${P2P} wait --call ${dialing.id.slice(0, 8)}\` waits for the answer`,
      )
    const taken = meant.find((c) => c.phase === 'active' && c.role === 'callee')
    if (taken !== undefined) {
      const id = taken.id.slice(0, 8)
      return new Failure(
        code,
        `nobody is calling you; you have accepted call ${id} from ${peerLabel(taken, people)}, and it is open`,
        `\`${P2P} send "…" --call ${id}\` speaks in it, \`${P2P} end "…" --call ${id}\` ends it`,
      )
    }
    // Whoever has been shown that it rang must not wait for that one.
    if (last?.phase === 'missed' || last?.phase === 'cancelled')
      return new Failure(
        code,
        `nobody is calling you; the last call, ${last.id.slice(0, 8)} with ${peerLabel(last, people)}, is over (${last.phase})`,
        `\`${P2P} call ${npubEncode(last.peer)} "<topic>"\` calls, \`${P2P} wait --for request\` waits for a call`,
      )
    return new Failure(code, 'nobody is calling you', `\`${P2P} wait --for request\` waits for a call`)
  }
  if (ringing !== undefined) {
    const which = `--call ${ringing.id.slice(0, 8)}`
    const option =
      verb === 'end'
        ? `\`${P2P} answer reject "…" ${which}\` declines it`
        : `\`${P2P} answer accept ${which}\` takes it`
    return new Failure(code, `the call from ${peerLabel(ringing, people)} is not answered yet`, option)
  }
  if (dialing !== undefined)
    return new Failure(
      code,
      `${peerLabel(dialing, people)} has not answered yet; nothing was said, and nothing is kept`,
      `\`${P2P} wait --call ${dialing.id.slice(0, 8)}\` waits for the answer; \`${P2P} send "…" --to ${npubEncode(dialing.peer)}\` leaves a letter`,
    )
  if (over !== undefined)
    return new Failure(
      code,
      `the call ${over.id.slice(0, 8)} is over (${over.phase})`,
      `\`${P2P} transcript ${over.id.slice(0, 8)}\` shows it, \`${P2P} call ${npubEncode(over.peer)} "<topic>"\` calls again`,
    )
  if (last !== undefined) {
    const id = last.id.slice(0, 8)
    return new Failure(
      code,
      `no call is active; the last one, ${id} with ${peerLabel(last, people)}, is over (${last.phase})`,
      `\`${P2P} transcript ${id}\` shows it, \`${P2P} call <agent> "<topic>"\` calls`,
    )
  }
  return new Failure(
    code,
    'no call is active',
    `\`${P2P} list\` shows whom you can call, \`${P2P} call <agent> "<topic>"\` calls`,
  )
}

/** Of the calls that were meant, the last one that is over. `meant` may lack it, since not all calls are loaded. */
function lastOverOf(meant: readonly Call[], { selector, directory, lastOver }: CallChoice): PastCall | undefined {
  const known = meant.findLast((c) => isOver(c.phase))
  if (selector === undefined) return lastOver?.() ?? known
  const selection = resolveSelector(selector, directory)
  const isAgent = !(selection instanceof Failure) && selection.type === 'agent'
  return (isAgent ? lastOver?.(selection.pubkey) : undefined) ?? known
}

/** The calls that a selector means: that call, or all with that agent; without a selector all calls. Or why it means none. */
export function callsMatching(
  calls: readonly Call[],
  selector: string | undefined,
  directory: SelectorDirectory,
): Call[] | Failure {
  if (selector === undefined) return [...calls]
  const meant = resolveSelector(selector, directory)
  if (meant instanceof Failure) return asCall(meant)
  if (meant.type === 'call') return calls.filter((c) => c.id === meant.id)
  return meant.type === 'agent' ? calls.filter((c) => c.peer === meant.pubkey) : []
}

/** The same failure of a word that was to name a call: it is no call, rather than no agent. */
export function asCall(failure: Failure): Failure {
  if (failure.code !== 'BAD_AGENT') return failure
  return new Failure('NO_SUCH_CALL', `no call fits: ${failure.message}`, failure.hint)
}

/** The one call among the candidates, or why there is none. `none` says what to do when there is no candidate. */
export function onlyCall(candidates: readonly Call[], people: AgentDirectory, none: () => Failure): Call | Failure {
  const [call, second] = candidates
  if (call === undefined) return none()
  if (second === undefined) return call
  const list = candidates.map((c) => `${c.id.slice(0, 8)} (with ${peerLabel(c, people)})`).join(', ')
  return new Failure(
    'SEVERAL_CALLS',
    `${candidates.length} calls fit: ${list}`,
    // To suggest one of them is to have the words said to whoever comes first.
    'add --call with the id of the one that you mean',
  )
}

/** A peer in a sentence of ours: a petname of ours, or its short key. Never the name that it gives itself. */
export function peerLabel(call: Pick<Call, 'peer'>, people: AgentDirectory): string {
  const contact = people.contacts.find((c) => c.pubkey === call.peer)
  return contact?.petname ?? shortNpub(npubEncode(call.peer))
}
