// The end of a change: the index says of every call what its log says, and whether every command must look at it.

import { type Agreement, agreementsOf, callOutcome } from '../call/agreements.ts'
import type { PastCall } from '../call/choose-call.ts'
import { isComing } from '../call/file-transfer.ts'
import { countsAsUnread, isShown } from '../call/inbox-items.ts'
import { deliveryStateOf, type Log, type LogEntry, signalOf } from '../call/log.ts'
import { type Call, replay } from '../call/replay.ts'
import { isOver, UNCONNECTED_PHASES } from '../call/rules.ts'
import { isHungUpUnderIdentityKey, secrecyIn } from '../call/secrecy.ts'
import { amountOf, awaitsUntil } from './early-seals.ts'
import { overSince } from './retention.ts'
import { type CallSummary, type Index, OPEN_AFTER_END, type State } from './state.ts'
import type { Transaction } from './transaction.ts'

/** Ends a transaction: the index is brought up to date with the logs that were changed. @returns the new state */
export function commitCalls(edit: Transaction, { me, now }: { me: string; now: number }): State {
  // First, so that what is derived from entries that nobody writes to any more is kept for the rest of the run.
  const state = edit.commit()
  for (const id of edit.changed()) indexCall(edit, id, me, now)
  return state
}

/**
 * Brings the index up to date with calls that time has closed, and with logs that it does not know: those of a run that died between
 * writing the call files and the index.
 */
export function catchUp(edit: Transaction, { me, now }: { me: string; now: number }): void {
  for (const [id, log] of Object.entries(edit.state.logs)) {
    const known = edit.index.calls[id]
    const call = replay(log, me, now)
    if (call === undefined) continue
    const isStale = known?.phase !== call.phase || known.open !== isOpen(call, log, now)
    if (isStale || unshownIn(log, call).size > 0) indexCall(edit, id, me, now)
  }
}

function indexCall(edit: Transaction, id: string, me: string, now: number): void {
  const held = edit.state.logs[id]
  const call = held && replay(held, me, now)
  if (!held || !call) return
  const unshown = unshownIn(held, call)
  const log = unshown.size === 0 ? held : edit.log(id)
  if (unshown.size > 0) log.unread = log.unread.filter((mark) => !unshown.has(mark))
  edit.table('calls')[id] = summariseCall(call, log, now, edit.index.calls[id])
}

// Unread lines that nobody is ever shown. The attack: an `accept` in the middle of a call is a line without effect: unread for ever, it
// would keep the call open, and hold back how far our agent has looked.
function unshownIn({ unread }: Log, { lines, peer }: Call): ReadonlySet<string> {
  if (unread.length === 0) return NOTHING_UNSHOWN
  const marks = new Set(unread)
  const unshown = lines.filter((line) => line.signal.from === peer && marks.has(line.signal.id) && !isShown(line))
  return new Set(unshown.map(({ signal }) => signal.id))
}

const NOTHING_UNSHOWN: ReadonlySet<string> = new Set()

/**
 * What the index says of a call.
 * @param now unix seconds by our own clock; 0 where the index is rebuilt without one
 * @param before what the index said of it before
 */
export function summariseCall(call: Call, log: Log, now: number, before?: CallSummary): CallSummary {
  const [agreements, went] = [rememberedAgreements(call), callOutcome(call)]
  const secrecy = secrecyIn(log)?.sealedWith
  const over = overAt(call, log, now, before)
  const awaits = awaitsUntil(call, log)
  return {
    peer: call.peer,
    ...(call.peerName === '' ? {} : { name: call.peerName }),
    direction: call.role === 'caller' ? 'outgoing' : 'incoming',
    topic: call.topic,
    createdAt: call.createdAt,
    deadline: call.role === 'callee' ? (log.ringsUntil ?? call.deadline) : call.deadline,
    phase: call.phase,
    unread: unreadCount(log),
    own: ownOf(call, log),
    open: isOpen(call, log, now),
    last: call.last,
    ...(log.heldForGlare === true ? { held: true } : {}),
    ...(log.verified === undefined ? {} : { verified: true }),
    ...(agreements.length === 0 ? {} : { agreements }),
    ...(went === undefined ? {} : { outcome: went.outcome, outcomeBy: went.by }),
    ...(secrecy === undefined ? {} : { secrecy }),
    ...(secrecy === 'call' && isHungUpUnderIdentityKey(call.ends) ? { hungUp: true } : {}),
    ...(over === undefined ? {} : { overAt: over, endCount: endsOf(call) }),
    ...(awaits === undefined ? {} : { awaitsAcceptUntil: awaits }),
    ...(log.earlySeals === undefined ? {} : { earlySeals: amountOf(log.earlySeals) }),
  }
}

// By our own clock: by a peer's dates, or by relays that call our clock wrong, others would choose when its key is deleted. Where the call
// was over before anybody had ended it, the first end counts anew, since what answers that must be readable. The attack: a peer that never
// ends a call and goes on speaking in it, or ends it on the last day, so that its key lives on.
function overAt(call: Call, log: Log, now: number, before: CallSummary | undefined): number | undefined {
  if (!isOver(call.phase)) return undefined
  if (before?.overAt !== undefined && (before.endCount !== 0 || endsOf(call) === 0)) return before.overAt
  const last = closedByOurClock(call, log)
  if (now === 0) return last
  return call.phase === 'expired' ? Math.min(now, overSince(call.phase, last) ?? now) : now
}

function endsOf({ ends }: Call): number {
  return Object.keys(ends).length
}

/** When a call was closed, by its log alone; where nobody has closed it, when anything last came in or was said. */
function closedByOurClock({ phase, ends }: Call, log: Log): number {
  const rejects = phase === 'rejected' ? Object.keys(log.entries).filter((id) => isReject(log, id)) : []
  const closing = [...[ends.caller, ends.callee].flatMap((end) => end?.id ?? []), ...rejects]
  const times = closing.flatMap((id) => timeOf(log.entries[id]) ?? [])
  if (times.length > 0 && phase !== 'expired') return Math.min(...times)
  if (log.fork !== undefined) return log.fork.at
  return Math.max(
    log.archive?.last ?? 0,
    log.missedAt ?? 0,
    ...Object.values(log.entries).map((entry) => timeOf(entry) ?? 0),
  )
}

function isReject(log: Log, id: string): boolean {
  return signalOf(log, id)?.body.type === 'reject'
}

function timeOf(entry: LogEntry | undefined): number | undefined {
  return entry === undefined ? undefined : (entry.heard ?? entry.rumor.created_at)
}

/** Most characters of each text of an agreement in the index; the call's own file has all of them. */
const MAX_REMEMBERED = 300

// Their number needs no bound: to each of them our own agent has said its part.
function rememberedAgreements(call: Call): Agreement[] {
  return agreementsOf(call).map((one) => {
    const { text, answer } = one
    if (Math.max(text.length, answer.text.length) <= MAX_REMEMBERED) return one
    const [mine, theirs] = [text.slice(0, MAX_REMEMBERED), answer.text.slice(0, MAX_REMEMBERED)]
    return { ...one, text: mine, answer: { ...answer, text: theirs }, cut: true as const }
  })
}

/** How many of our signals the other side has confirmed that it has, of how many. */
export function confirmedOf({ own }: Pick<CallSummary, 'own'>): { n: number; of: number } {
  const n = own.delivered + own.read
  return { n, of: own.queued + own.relayed + n }
}

/** Whether every command must look at a call: it is not over, or something is still owed, unread, coming or unconfirmed. */
export function isOpen(call: Call, log: Log, now: number): boolean {
  if (!isOver(call.phase)) return true
  // What is unread of a call that came to nothing is news for 7 days; what was said in a conversation is shown however late.
  if (now - call.last >= OPEN_AFTER_END) return log.unread.length > 0 && !UNCONNECTED_PHASES.includes(call.phase)
  if (Object.keys(log.outbox).length > 0 || log.unread.length > 0 || log.earlySeals !== undefined) return true
  const unconfirmed = call.phase === 'ended' && call.verified === 'pending'
  return unconfirmed || call.phase === 'forked' || call.lines.some((line) => isComing(line, log, call.peer))
}

/** How many things of a call count as unread. */
function unreadCount(log: Log): number {
  return log.unread.filter((id) => countsAsUnread(signalOf(log, id)?.body ?? { type: '' })).length
}

function ownOf(call: Call, log: Log): CallSummary['own'] {
  const archived = log.archive?.own ?? 0
  const own = { queued: 0, relayed: 0, delivered: archived, read: 0 }
  for (const { signal, party } of call.lines) if (party === call.role) own[deliveryStateOf(log, signal.id)]++
  // Our numbers have no gaps: those that were read and are not among the lines lie in the archive.
  const readUpTo = Math.min(log.peerAcked.seq, log.peerRead)
  const archivedRead = Math.max(0, Math.min(archived, readUpTo - own.read))
  return { ...own, delivered: own.delivered - archivedRead, read: own.read + archivedRead }
}

/** Of the calls that are over, or of those with one peer, the one in which somebody spoke last. */
export function lastOver(index: Index, peer?: string): PastCall | undefined {
  const isMeant = (one: CallSummary) => isOver(one.phase) && (peer === undefined || one.peer === peer)
  const last = latestFirst(index).find(([, one]) => isMeant(one))
  return last && { id: last[0], peer: last[1].peer, phase: last[1].phase }
}

/** The calls, by id: first the one in which somebody spoke last; of those of the same second the one that was asked for, or came in, last. */
export function latestFirst({ calls }: Pick<Index, 'calls'>): [string, CallSummary][] {
  return Object.entries(calls)
    .reverse()
    .sort(([, a], [, b]) => b.last - a.last || b.createdAt - a.createdAt)
}
