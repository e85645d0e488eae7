// What we owe a peer without being asked: the confirming end, the end that answers a late accept, and one receipt.

import type { IntendedSignal } from '../call/decision.ts'
import type { Log } from '../call/log.ts'
import type { Call } from '../call/replay.ts'
import { type Body, type Link, NOTHING, type SeqRange } from '../call/signal.ts'
import { type AdmissionPolicy, acquaintanceTest, mayCall } from './admission.ts'
import { lostCalls, markLostTold } from './orphans.ts'
import type { AuthorContext } from './record-signals.ts'
import { overSince } from './retention.ts'
import { hasPassed } from './retry.ts'
import { OPEN_AFTER_END, type State } from './state.ts'
import { beginTransaction } from './transaction.ts'

const PLAIN_END: Body = { type: 'end', text: '', expired: false }

/** Who may call, and whose calls are answered without asking. */
export type Policy = AdmissionPolicy & { autoAnswer: 'nobody' | 'trusted' }

/** How we introduce ourselves when we accept, and from whom we accept nothing yet (`mustReportLoss`). */
type Acceptance = { name: string; relays: string[]; mustReportLoss?: (peer: string) => boolean }

/** Seconds until an ack that no relay took is tried again, what is missing is asked for again, and a fork is told again. */
const REPEAT_AFTER = { ack: 60, missing: 300, forked: 60 }

/**
 * Calls with peers that were blocked meanwhile are ended: we hang up, or decline, without asking our agent. Nothing goes out to them, so
 * it is heard there only if they are unblocked while it is still owed.
 */
export function endBlockedCalls(calls: readonly Call[], isBlocked: (pubkey: string) => boolean): IntendedSignal[] {
  return calls.flatMap((call): IntendedSignal[] => {
    if (!isBlocked(call.peer) || (call.phase !== 'active' && call.phase !== 'ringing')) return []
    if (call.ends[call.role] !== undefined) return []
    const incoming = call.phase === 'ringing' && call.role === 'callee'
    const body: Body = incoming ? { type: 'reject', text: '', reason: 'declined' } : PLAIN_END
    return [{ to: call.peer, call: call.id, body }]
  })
}

/** The ends that the rules want from us now. They are numbered and owed like anything else that we say. */
export function endCallsAsOwed(calls: readonly Call[]): IntendedSignal[] {
  return calls.flatMap((call) => {
    const [own, theirs] =
      call.role === 'caller' ? [call.ends.caller, call.ends.callee] : [call.ends.callee, call.ends.caller]
    if (own !== undefined) return []
    const base = { to: call.peer, call: call.id }
    // A caller that has hung up and heard nothing from here waits for no end. And another machine of ours may have answered: then this one
    // has no key of the call, and its end, under the identities' key, would be offered for days, and never taken.
    if (call.role === 'callee' && call.own.seq === 0) return []
    // "Once the peer's `end` is taken, the program says its own at once" (docs/PROTOCOL.md, "The end").
    if (theirs !== undefined && (call.phase === 'ended' || call.phase === 'missed')) {
      return [{ ...base, body: PLAIN_END }]
    }
    // At glare: our own request is closed, which cancels it at the other side.
    if (call.phase === 'merged' && call.role === 'caller') return [{ ...base, body: PLAIN_END }]
    const late = call.lines.some((l) => l.late && l.signal.body.type === 'accept' && l.signal.from === call.peer)
    if (call.phase === 'missed' && call.role === 'caller' && late)
      return [{ ...base, body: { ...PLAIN_END, expired: true } }]
    return []
  })
}

/**
 * What is answered without asking our agent: a stranger whom the policy does not let in hears so, a call at glare takes in our own,
 * and a trusted peer is let in where the owner has said so.
 */
export function answerByPolicy(
  calls: readonly Call[],
  admission: Policy,
  { mustReportLoss = () => false, ...self }: Acceptance,
): IntendedSignal[] {
  return calls.flatMap((call): IntendedSignal[] => {
    if (call.phase !== 'ringing' || call.role !== 'callee' || call.held) return []
    const trust = admission.trust(call.peer)
    const base = { to: call.peer, call: call.id }
    if (!mayCall(admission, trust)) {
      // An agent that was blocked while it rang hears nothing any more.
      const body: Body = { type: 'reject', text: '', reason: 'policy' }
      return admission.silent || trust === 'blocked' ? [] : [{ ...base, body }]
    }
    if (mustReportLoss(call.peer)) return []
    const accept = { type: 'accept' as const, text: '', ...self }
    if (call.merges !== undefined) return [{ ...base, body: { ...accept, merged: call.merges } }]
    const takes = admission.autoAnswer === 'trusted' && (trust === 'trusted' || trust === 'owner')
    return takes ? [{ ...base, body: accept, unasked: true }] : []
  })
}

/** A receipt to send: what is taken and what was looked at, what is missing; or that the call has forked, or is lost here. */
export type PendingReceipt = {
  /** Undefined for a `lost` that names no call. */
  call: string | undefined
  to: string
  ack: Link
  read?: number
  missing: SeqRange[]
  fork?: Link
  lost?: true
}

/** Most receipts of one run: as many as a relay takes at once. The rest goes out with the next, so that no command waits for them. */
const MAX_RECEIPTS = 10

/** Most strangers who are told in one run that their call rings; the others hear it in the next runs. */
const MAX_RINGING_RECEIPTS = 8

/** Receipts of calls that nobody has answered: to one stranger, and to all strangers in a day. */
const RINGING_RECEIPTS = { peer: 2, day: 40 }

/** `now`: unix seconds; `tellRead`: whether peers are told up to where our agent has looked. */
export type ReceiptContext = {
  /** Calls in which this run took in something that wants an answer, and those in which it says something. */
  callsHeard: readonly string[]
  speaking: readonly string[]
  now: number
  admission: AdmissionPolicy
  tellRead?: boolean
}

/** The receipts to send: at most one a call, none where something numbered goes out anyway (it carries the ack). */
export function receiptsDue(state: State, calls: readonly Call[], context: ReceiptContext): PendingReceipt[] {
  const { speaking, admission, now } = context
  const lost = lostCalls(state, { now, admission }).map(
    ({ call, to }): PendingReceipt => ({ call, to, ack: NOTHING, missing: [], lost: true }),
  )
  const isKnown = acquaintanceTest(state.index, admission)
  let ringing = 0
  // The latest first: who has just called is there to hear it.
  const receipts = calls.toReversed().flatMap((call): PendingReceipt[] => {
    const log = state.logs[call.id]
    if (log === undefined || speaking.includes(call.id) || admission.trust(call.peer) === 'blocked') return []
    if (log.fork !== undefined) return forkReceipt(log, call, context)
    const receipt = receiptFor(log, call, context)
    if (receipt === undefined || !hasNotAnswered(call)) return receipt === undefined ? [] : [receipt]
    const isStranger = !isKnown(call.peer)
    if (!mayTellRinging(state, call, admission, isStranger)) return []
    // The attack: thousands of calls, so that we write to thousands of relays that their callers have chosen.
    if (isStranger && ++ringing > MAX_RINGING_RECEIPTS) return []
    return [receipt]
  })
  // The attack: strangers speak in calls that never were, and what contacts are to hear waits for them.
  const strangers = lost.filter(({ to }) => !isKnown(to))
  return [...lost.filter(({ to }) => isKnown(to)), ...receipts, ...strangers].slice(0, MAX_RECEIPTS)
}

function receiptFor(
  log: Log,
  call: Call,
  { callsHeard, now, tellRead = true }: ReceiptContext,
): PendingReceipt | undefined {
  const { receipts, read } = log
  const isDue = callsHeard.includes(call.id) || hasPassed(receipts.missingAskedAt, REPEAT_AFTER.missing, now)
  const asks = call.gaps.length > 0 && isDue && isKeptThere(call, now)
  const looked = tellRead && read > receipts.readTold && hasPassed(receipts.ackTriedAt, REPEAT_AFTER.ack, now)
  if (!asks && !looked && !owesAck(log, call, now)) return undefined
  return { call: call.id, to: call.peer, ack: call.taken, missing: call.gaps, ...(tellRead && read > 0 && { read }) }
}

// A sender keeps every signal until the call is over for 7 days. The attack: a gap that nobody ever fills makes us ask with every command
// forever.
function isKeptThere({ phase, last }: Call, now: number): boolean {
  const over = overSince(phase, last)
  return over === undefined || now - over < OPEN_AFTER_END
}

function owesAck({ receipts }: Log, { taken }: Call, now: number): boolean {
  if (taken.seq <= receipts.ackTaken) return false
  return taken.seq > receipts.ackTried || hasPassed(receipts.ackTriedAt, REPEAT_AFTER.ack, now)
}

// Told to whoever still speaks in the call, at most once a minute.
function forkReceipt(log: Log, { id, peer }: Call, { callsHeard, now }: ReceiptContext): PendingReceipt[] {
  const { fork, receipts } = log
  if (fork === undefined || !callsHeard.includes(id)) return []
  if (!hasPassed(receipts.forkToldAt, REPEAT_AFTER.forked, now)) return []
  return [{ call: id, to: peer, ack: NOTHING, missing: [], fork: { seq: fork.seq, id: fork.id } }]
}

// A call in which we have said nothing.
function hasNotAnswered({ role, own }: Call): boolean {
  return role === 'callee' && own.seq === 0
}

// Before an answer two receipts tell a caller that its call rings and that somebody has looked: to strangers no more than two each and 40
// in all a day, and none with `policy.silent` or to those whom the policy refuses.
function mayTellRinging(
  { index }: State,
  { phase, peer, held }: Call,
  admission: AdmissionPolicy,
  isStranger: boolean,
): boolean {
  if (held || admission.silent || !mayCall(admission, admission.trust(peer))) return false
  // Whom we know is told as well when nobody has answered its call: it offers its request until somebody says that it has come.
  if (!isStranger) return true
  if (phase !== 'ringing') return false
  const { rang = {} } = index.meter
  const all = Object.values(rang).reduce((sum, n) => sum + n, 0)
  return (rang[peer] ?? 0) < RINGING_RECEIPTS.peer && all < RINGING_RECEIPTS.day
}

/** What a receipt, or a signal that carries the ack, tells the peer. */
export type ToldPeer = Pick<PendingReceipt, 'call' | 'to' | 'ack' | 'missing'> & Partial<PendingReceipt>

/** Notes what this run is about to tell peers, by receipt or by what it says. */
export function markReceiptsTried(
  state: State,
  all: readonly ToldPeer[],
  { now }: AuthorContext,
  isStranger: (pubkey: string) => boolean = () => false,
): State {
  if (all.length === 0) return state
  const lost = all.filter((one) => one.lost === true).map(({ call, to }) => ({ call, to }))
  const edit = beginTransaction(markLostTold(state, lost, now))
  for (const { call, to, ack, read, missing, fork } of all) {
    if (call === undefined || edit.state.logs[call] === undefined) continue
    const log = edit.log(call)
    const { receipts } = log
    if (fork !== undefined) {
      log.receipts = { ...receipts, forkToldAt: now }
      continue
    }
    log.receipts = {
      ...receipts,
      ackTried: Math.max(ack.seq, receipts.ackTried),
      ackTriedAt: now,
      missingAskedAt: missing.length > 0 ? now : receipts.missingAskedAt,
      readTold: Math.max(read ?? 0, receipts.readTold),
    }
    const { meter } = edit.index
    const isRing = Object.values(log.entries).every(({ rumor }) => rumor.pubkey === to)
    if (isRing && isStranger(to)) {
      edit.index.meter = { ...meter, rang: { ...meter.rang, [to]: (meter.rang?.[to] ?? 0) + 1 } }
    }
  }
  return edit.commit()
}

/** Notes the highest ack of each call that a relay has taken. */
export function recordAcksTaken(state: State, acks: readonly { call: string; ack: number }[]): State {
  const news = acks.filter(({ call, ack }) => ack > (state.logs[call]?.receipts.ackTaken ?? ack))
  if (news.length === 0) return state
  const edit = beginTransaction(state)
  for (const { call, ack } of news) {
    const log = edit.log(call)
    log.receipts = { ...log.receipts, ackTaken: Math.max(ack, log.receipts.ackTaken) }
  }
  return edit.commit()
}
