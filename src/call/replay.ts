// A call is a fold over the set of its signals: any order of arrival, any repetition, one answer, the same on both sides.
import { isHex32 } from '../nostr/crypto.ts'
import { digestOf, isConfirmingEnd } from './digest.ts'
import { type Entries, type Fork, type Log, memoize, parsedSignal, signalOf, timeOf } from './log.ts'
import { type OrderedSignal, orderSignals } from './order.ts'
import { isOver, nextPhase, type Party, type Phase } from './rules.ts'
import { type Body, LIMIT, type Link, NOTHING, type SeqRange, type Signal } from './signal.ts'

/** Seconds after which a call in which nobody says anything has expired. */
export const EXPIRES = 7 * 24 * 3600

/** The longest ring that can be set (call.ring), in seconds. */
export const LONGEST_RING = 24 * 3600

/**
 * A signal at its place in the transcript. `late`: the other side had ended the call without having it. `effective`: the rules let
 * its sender say it there; anything else is one line without effect. `unseen`: what is above it that its author had not
 * taken. `hadAcked`: up to where its author had acknowledged us before, where it says less itself.
 */
export type Line = {
  signal: Signal
  party: Party
  clock: number
  heard?: number
  late: boolean
  effective: boolean
  unseen?: SeqRange
  hadAcked?: number
}

/** The first end of each side. */
export type Ends = Partial<Record<Party, Signal>>

/** Whether a call is verified; false where it has forked, else 'pending', also in a call that never became a conversation. */
export type Verification = true | false | 'pending'

/** A call, folded from its log. */
export type Call = {
  id: string
  caller: string
  callee: string
  /** Who we are in it, and the other one's key. */
  role: Party
  peer: string
  topic: string
  /** What the peer calls itself: its word, not ours. */
  peerName: string
  /** Where the peer says it reads. */
  peerRelays: string[]
  /** When the call was asked for, unix seconds: as its request is dated, or when that came in, where it is dated ahead of our clock. */
  createdAt: number
  deadline: number
  phase: Phase
  /** In transcript order, without those that lie in the archive. */
  lines: Line[]
  /** What came before something that it follows, by number. */
  waiting: Signal[]
  /** Our own last signal, and the peer's last that we have taken. */
  own: Link
  taken: Link
  /** Numbers of the peer that are missing. */
  gaps: SeqRange[]
  /** Up to where the peer has taken ours, and up to where somebody there has looked. */
  acked: number
  peerRead: number
  ends: Ends
  /** SHA-256, hex, once the call is verified. */
  digest: string | undefined
  verified: Verification
  fork: Fork | undefined
  /** At glare: it does not ring while our own request does; or which request of ours it takes in, and so is accepted by itself. */
  held: boolean
  merges: string | undefined
  /** When the peer said that it does not have this call, unix seconds. */
  lost: number | undefined
  /** When anything was last said or heard, unix seconds. */
  last: number
}

/**
 * The call that a log tells at `now`, unix seconds, for `me`: a fold over its signals. Undefined while the request itself has not
 * come.
 */
export function replay(log: Log, me: string, now: number): Call | undefined {
  const known: FoldedCall[] = memoize(foldedCalls, log, () => [])
  let folded = known.find(
    ({ me: whose, beside }) => whose === me && FOLDED_FIELDS.every((f, n) => beside[n] === log[f]),
  )
  if (folded === undefined) {
    folded = { me, beside: FOLDED_FIELDS.map((field) => log[field]), call: foldLog(log, me) }
    known.push(folded)
  }
  const { call } = folded
  if (call === undefined) return undefined
  const phase = withExpiry(call.phase, call.last, now)
  return phase === call.phase ? call : { ...call, phase }
}

/** The signals of a log in transcript order. */
function transcriptOrder(log: Log): readonly OrderedSignal[] {
  return memoize(transcriptOrders, log, () => {
    const signals = Object.keys(log.entries).flatMap((id) => signalOf(log, id) ?? [])
    return orderSignals(signals, log.archive)
  })
}

/** The last taken signal of an author: in the log, or in the archive where the log has no later one. */
export function lastSignal(log: Log, author: string): Link {
  let last: Link = log.archive?.tails[author] ?? NOTHING
  for (const id of Object.keys(log.entries)) {
    const signal = signalOf(log, id)
    if (signal?.from === author && signal.seq > last.seq) last = { seq: signal.seq, id }
  }
  return { seq: last.seq, id: last.id }
}

/** What a call's digest would be now; undefined until both sides have ended it. */
export function digestNow(log: Log): string | undefined {
  const signals = transcriptOrder(log).map(({ signal }) => signal)
  const enders = new Set(signals.filter(({ body }) => body.type === 'end').map(({ from }) => from))
  return enders.size < 2 ? undefined : digestOf(signals)
}

/** A call with what it was folded from beside the entries. Objects among that are never changed in place, only replaced. */
type FoldedCall = { me: string; beside: readonly unknown[]; call: Call | undefined }

const FOLDED_FIELDS = [
  'missedAt',
  'mergedInto',
  'merges',
  'heldForGlare',
  'fork',
  'verified',
  'ackedAtPeerEnd',
  'peerAcked',
  'peerRead',
  'peerLostAt',
  'waiting',
] as const satisfies (keyof Log)[]

// A command asks for the same calls many times, and they are long.
const foldedCalls = new WeakMap<Entries, FoldedCall[]>()
const transcriptOrders = new WeakMap<Entries, readonly OrderedSignal[]>()

/** The call as it would be if time stood still. */
function foldLog(log: Log, me: string): Call | undefined {
  const ordered = transcriptOrder(log)
  const request = ordered.find(({ signal }) => signal.id === log.id)?.signal
  const heard = log.entries[log.id]?.heard
  if (request === undefined || request.body.type !== 'request') return undefined
  const { from: caller, to: callee } = request
  // A damaged disk can turn the receiver of our own request into something that is no key.
  if (!isHex32(callee)) return undefined
  const role: Party = me === caller ? 'caller' : 'callee'
  const peer = role === 'caller' ? callee : caller
  const signals = ordered.map(({ signal }) => signal)
  const ends = endsOf(signals, caller)
  const taken = lastSignal(log, peer)
  const intro = introductionOf(signals, peer)
  const waiting = waitingSignals(log)
  const { phase, lines, last } = foldPhases(ordered, { log, ends, caller, role })
  return {
    id: log.id,
    ...{ caller, callee, role, peer },
    topic: request.body.text,
    peerName: intro?.name ?? '',
    peerRelays: intro?.relays ?? [],
    createdAt: timeOf(request.at, heard),
    deadline: request.body.deadline,
    ...{ phase, lines, last, waiting },
    own: lastSignal(log, me),
    taken,
    gaps: gapsBefore(waiting, taken.seq),
    acked: log.peerAcked.seq,
    peerRead: log.peerRead,
    ends,
    digest: log.verified?.digest,
    verified: log.verified !== undefined ? true : log.fork !== undefined ? false : 'pending',
    fork: log.fork,
    held: log.heldForGlare === true,
    merges: log.merges,
    lost: log.peerLostAt,
  }
}

// The last one by the peer's own numbers, not by place: where one of two accepts stood is no longer known once the words around it are
// in the archive.
function introductionOf(signals: readonly Signal[], peer: string) {
  let [last, seq]: [Extract<Body, { type: 'request' | 'accept' }> | undefined, number] = [undefined, 0]
  for (const { from, body, seq: n } of signals)
    if (from === peer && n > seq && (body.type === 'request' || body.type === 'accept')) [last, seq] = [body, n]
  return last
}

function endsOf(signals: readonly Signal[], caller: string): Ends {
  const ends: Ends = {}
  for (const signal of signals)
    if (signal.body.type === 'end') ends[signal.from === caller ? 'caller' : 'callee'] ??= signal
  return ends
}

type FoldContext = { log: Log; ends: Ends; caller: string; role: Party }

function foldPhases(
  ordered: readonly OrderedSignal[],
  { log, ends, caller, role }: FoldContext,
): Pick<Call, 'phase' | 'lines' | 'last'> {
  let [phase, last] = [initialPhase(log), log.archive?.last ?? 0]
  const lines: Line[] = []
  const above: Record<Party, number> = { caller: 0, callee: 0 }
  for (const { signal, clock, ack } of ordered) {
    const party: Party = signal.from === caller ? 'caller' : 'callee'
    const other: Party = party === 'caller' ? 'callee' : 'caller'
    const { heard, hadAcked } = log.entries[signal.id] ?? {}
    const kept = log.archive?.kept?.[signal.id]
    // Two who speak at once cross, and a peer that claims it gains nothing.
    const crossed: SeqRange | undefined = above[other] > ack ? [ack + 1, above[other]] : undefined
    const unseen = kept === undefined ? crossed : kept.unseen
    const after = signal.body.type === 'request' ? phase : nextPhase(phase, signal.body.type, party)
    lines.push({
      signal,
      party,
      clock,
      ...(heard === undefined ? {} : { heard }),
      late: isLate(signal, party === role, ends[other], log) || (after === undefined && isLateAnswer(signal, phase)),
      effective: after !== undefined,
      ...(unseen === undefined ? {} : { unseen }),
      ...(hadAcked === undefined ? {} : { hadAcked }),
    })
    above[party] = Math.max(above[party], signal.seq)
    last = Math.max(last, timeOf(signal.at, heard))
    phase = after ?? phase
    if (signal.body.type === 'end' && isCancel(signal, party, ends, log, role)) phase = 'cancelled'
  }
  if (log.fork !== undefined && log.verified === undefined && phase !== 'merged') phase = 'forked'
  return { phase, lines, last }
}

function initialPhase(log: Log): Phase {
  if (log.mergedInto !== undefined) return 'merged'
  return log.missedAt === undefined ? 'ringing' : 'missed'
}

// "*Late* is what nothing of the ender had acknowledged when its `end` was taken" (docs/PROTOCOL.md, "Order").
function isLate({ seq, body }: Signal, own: boolean, otherEnd: Signal | undefined, log: Log): boolean {
  if (otherEnd === undefined || body.type === 'end' || body.type === 'request') return false
  return seq > (own ? (log.ackedAtPeerEnd ?? otherEnd.ack.seq) : otherEnd.ack.seq)
}

// An answer to a ring that has run out, with what was said behind it; and a farewell that crossed a hang-up.
function isLateAnswer({ body }: Signal, phase: Phase): boolean {
  if (phase === 'missed') return body.type !== 'file'
  return (body.type === 'accept' || body.type === 'reject' || body.type === 'end') && isOver(phase)
}

// "An `end` that is the caller's `seq` 2 and whose `ack` (its receipts counted) does not cover the accept cancels the call, whatever
// stands above it; the accept stays as a late line" (docs/PROTOCOL.md, "The rules").
function isCancel({ seq, ack }: Signal, party: Party, ends: Ends, log: Log, role: Party): boolean {
  if (party !== 'caller' || seq !== 2 || log.missedAt !== undefined || log.mergedInto !== undefined) return false
  const acked = role === 'callee' ? Math.max(ack.seq, log.ackedAtPeerEnd ?? 0) : ack.seq
  return ends.caller?.seq === 2 && acked < 1
}

function withExpiry(phase: Phase, last: number, now: number): Phase {
  return phase === 'active' && now - last > EXPIRES ? 'expired' : phase
}

/** What waits behind a gap, by number and then in the order of arrival. */
function waitingSignals(log: Log): Signal[] {
  const signals = Object.values(log.waiting).flatMap(({ rumor }) => parsedSignal(rumor) ?? [])
  return signals.sort((a, b) => a.seq - b.seq)
}

function gapsBefore(waiting: readonly Signal[], taken: number): SeqRange[] {
  const gaps: SeqRange[] = []
  let reached = taken
  for (const { seq } of waiting) {
    if (seq > reached + 1) gaps.push([reached + 1, seq - 1])
    reached = Math.max(reached, seq)
  }
  return gaps.slice(0, LIMIT.missing)
}

/** Whether an end only confirms that of the other side. */
export function isConfirming(end: Signal, { ends }: Pick<Call, 'ends'>): boolean {
  return isConfirmingEnd(
    end,
    [ends.caller, ends.callee].flatMap((one) => one ?? []),
  )
}
