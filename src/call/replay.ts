// A call is a fold over the set of its signals: any order of arrival, any repetition, one answer, the same on both sides.
// Both call each other at once ("glare"): one of the two calls becomes the conversation, without a further answer.
import { isHex32 } from '../nostr/crypto.ts'
import { cutOf, digestOf } from './digest.ts'
import { type Entries, type Log, memoize, signalOf } from './log.ts'
import { isOver, nextPhase, type Party, type Phase } from './rules.ts'
import { type Body, LIMIT, type SeqRange, type Signal } from './signal.ts'

export const EXPIRES = 7 * 24 * 3600

/** A signal at its place in the transcript. `late`: its sender could have known that the call was over. */
export type Line = { signal: Signal; party: Party; heard?: number; late: boolean; unasked: boolean }

export type Ends = Partial<Record<Party, Signal>>

export type Verification = true | false | 'pending'

export type Call = {
  id: string
  caller: string
  callee: string
  /** Who we are in it, and the other one's key. */
  mine: Party
  peer: string
  topic: string
  /** What the peer calls itself: its word, not ours. */
  peerName: string
  /** Where the peer says it reads. */
  peerRelays: string[]
  createdAt: number
  deadline: number
  phase: Phase
  /** Without those that lie in chapters. */
  lines: Line[]
  /** Highest Lamport clock seen or sent. */
  lc: number
  /** Our own last seq. */
  seq: number
  /** The peer's last seq without a gap before it, and what is missing after it. */
  ack: number
  gaps: SeqRange[]
  ends: Ends
  digest: string | undefined
  verified: Verification
  last: number
}

/** How other calls decided this one when both parties called at once. */
export type Glare = 'won' | 'lost' | undefined

/** Undefined while the request itself has not come. */
export function replay(log: Log, me: string, now: number, glare: Glare = undefined): Call | undefined {
  const known = memoize(foldedCalls, log, () => new Map())
  const key = `${me} ${log.missed !== undefined} ${glare}`
  const call = known.has(key) ? known.get(key) : foldLog(log, me, glare)
  known.set(key, call)
  return call && { ...call, phase: withExpiry(call.phase, call.last, now) }
}

/**
 * The signals of a log in transcript order: (lc, sender's pubkey), which no relay and no clock can change. Two rumors
 * under one seq: the smaller (lc, id) stays, whichever came first.
 */
export function transcriptOrder(log: Log): readonly Signal[] {
  return memoize(transcriptOrders, log, () => {
    const taken = new Map<string, Map<number, Signal>>()
    for (const id of Object.keys(log.entries)) {
      const signal = signalOf(log, id)
      if (signal === undefined) continue
      const theirs = taken.get(signal.from) ?? new Map<number, Signal>()
      const rival = theirs.get(signal.seq)
      if (rival === undefined || precedes(signal, rival)) theirs.set(signal.seq, signal)
      taken.set(signal.from, theirs)
    }
    const signals = [...taken.values()].flatMap((theirs) => [...theirs.values()])
    return signals.sort((a, b) => a.lc - b.lc || compare(a.from, b.from) || a.seq - b.seq)
  })
}

/**
 * The Lamport clock of whatever is said next. The attack: a peer that says the last number there is, so that nothing more
 * could be said; then the order is by sender and seq.
 */
export function nextClock({ lc }: Pick<Call, 'lc'>): number {
  return Math.min(lc + 1, LIMIT.seq)
}

/** Whether `a` keeps a seq that both claim. */
export function precedes(a: Signal, b: Signal): boolean {
  return a.lc < b.lc || (a.lc === b.lc && a.id < b.id)
}

// A command asks for the same calls many times, and they are long.
const foldedCalls = new WeakMap<Entries, Map<string, Call | undefined>>()
const transcriptOrders = new WeakMap<Entries, readonly Signal[]>()

/** The call as it would be if time stood still. */
function foldLog(log: Log, me: string, glare: Glare): Call | undefined {
  const signals = transcriptOrder(log)
  const { past } = log
  const request = signals.find((s) => s.id === log.id)
  if (request === undefined || request.body.type !== 'request') return undefined
  const { from: caller, to: callee } = request
  // Of a request that came in we are the receiver; what a damaged disk makes of our own is nobody's key.
  if (!isHex32(callee)) return undefined
  const mine: Party = me === caller ? 'caller' : 'callee'
  const peer = mine === 'caller' ? callee : caller
  const ends = endsOf(signals, caller)
  const theirs = signals.filter((s) => s.from === peer)
  const held = contiguousSeq(theirs, past?.seqs[peer] ?? 0)
  const introduced = theirs.findLast((s) => s.body.type === 'request' || s.body.type === 'accept')
  const intro = introduced?.body.type === 'request' || introduced?.body.type === 'accept' ? introduced.body : undefined
  return {
    id: log.id,
    caller,
    callee,
    mine,
    peer,
    topic: request.body.text,
    peerName: intro?.name ?? '',
    peerRelays: intro?.relays ?? [],
    createdAt: request.at,
    deadline: request.body.deadline,
    ...foldPhases(signals, ends, caller, initialPhase(log, glare), log),
    lc: Math.max(signals.at(-1)?.lc ?? 0, past?.lc ?? 0),
    seq: signals.reduce((most, s) => (s.from === me && s.seq > most ? s.seq : most), past?.seqs[me] ?? 0),
    ack: held,
    gaps: gapsOf(theirs, held, ends[mine === 'caller' ? 'callee' : 'caller']),
    ends,
    ...verify(ends, signals, mine),
  }
}

// Who has won against a call made at the same time is in conversation, also if one of the two had given up by then.
function initialPhase(log: Log, glare: Glare): Phase {
  if (glare === 'won') return 'active'
  if (glare === 'lost') return 'merged'
  return log.missed === undefined ? 'ringing' : 'missed'
}

function endsOf(signals: readonly Signal[], caller: string): Ends {
  const ends: Ends = {}
  for (const signal of signals)
    if (signal.body.type === 'end') ends[signal.from === caller ? 'caller' : 'callee'] ??= signal
  return ends
}

function foldPhases(
  signals: readonly Signal[],
  ends: Ends,
  caller: string,
  start: Phase,
  { entries, past }: Log,
): Pick<Call, 'phase' | 'lines' | 'last'> {
  let [phase, last] = [start, past?.last ?? 0]
  const gone: Partial<Record<Party, true>> = {}
  const lines: Line[] = []
  for (const signal of signals) {
    const party = signal.from === caller ? 'caller' : 'callee'
    const { type } = signal.body
    // Nothing follows one's own end.
    const after = gone[party] ? undefined : nextPhase(phase, type, party)
    const out = type !== 'request' && after === undefined
    const late = (out && isOver(phase)) || pastCut(signal, ends)
    // A caller may not talk into a call that nobody has accepted: counted, so that no gap stays, but shown to nobody.
    const unasked = out && party === 'caller' && phase === 'ringing'
    const heard = entries[signal.id]?.heard
    lines.push(heard === undefined ? { signal, party, late, unasked } : { signal, party, heard, late, unasked })
    last = Math.max(last, heard === undefined ? signal.at : Math.min(signal.at, heard))
    if (type === 'end') gone[party] = true
    phase = after ?? phase
  }
  return { phase, lines, last }
}

// What the other side said past the cut of the first end was on its way when that end was said.
function pastCut(signal: Signal, { caller, callee }: Ends): boolean {
  const callerFirst = callee === undefined || (caller !== undefined && comesBefore(caller, callee))
  const first = callerFirst ? caller : callee
  if (first === undefined || signal.from === first.from || signal.body.type === 'end') return false
  return signal.seq > (cutOf(first)?.[1] ?? signal.seq)
}

function comesBefore(a: Signal, b: Signal): boolean {
  return a.lc < b.lc || (a.lc === b.lc && a.from < b.from)
}

function withExpiry(phase: Phase, last: number, now: number): Phase {
  return phase === 'active' && now - last > EXPIRES ? 'expired' : phase
}

function contiguousSeq(signals: readonly Signal[], before: number): number {
  const have = new Set(signals.map((s) => s.seq))
  let n = before
  while (have.has(n + 1)) n++
  return n
}

// The peer's end says how much it has said, so what is missing before it is known even if nothing came after.
function gapsOf(signals: readonly Signal[], held: number, end: Signal | undefined): SeqRange[] {
  const said = cutOf(end)?.[0]
  const beyond = signals.map((s) => s.seq).filter((n) => n > held)
  const known = [...beyond, ...(said === undefined || said < held ? [] : [said + 1])].sort((a, b) => a - b)
  const gaps: SeqRange[] = []
  let reached = held
  for (const n of known) {
    if (n > reached + 1) gaps.push([reached + 1, n - 1])
    reached = Math.max(reached, n)
  }
  return gaps.slice(0, LIMIT.missing)
}

function verify(
  ends: Ends,
  signals: readonly Signal[],
  mine: Party,
): { digest: string | undefined; verified: Verification } {
  const theirs = ends[mine === 'caller' ? 'callee' : 'caller']
  const own = ends[mine]
  if (theirs === undefined || own === undefined) return { digest: undefined, verified: 'pending' }
  const checked = digestOf([theirs], signals)
  if (checked === undefined) return { digest: undefined, verified: 'pending' }
  const union = digestOf([theirs, own], signals)
  if (union === undefined) return { digest: undefined, verified: 'pending' }
  return { digest: union, verified: theirs.body.type === 'end' && theirs.body.digest === checked }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What the contest makes of the first of the two calls; undefined when there is none. */
export type GlareResult = 'won' | 'lost' | undefined

type Request = Signal & { body: Extract<Body, { type: 'request' }> }

/**
 * Two calls of the same pair, each way round, are at glare when both rang at the same time and neither caller had heard
 * of the other call before making its own. The smaller id wins.
 *
 * It depends on the two requests, which both sides hold before they say anything in either call: what comes later cannot
 * take a conversation back that somebody has spoken in by then.
 */
export function judgeGlare(log: Log, rival: Log): GlareResult {
  const [a, b] = [requestOf(log), requestOf(rival)]
  if (a === undefined || b === undefined || a.from !== b.to || a.to !== b.from) return undefined
  if (a.at >= b.body.deadline || b.at >= a.body.deadline) return undefined
  if (follows(a, b, rival) || follows(b, a, log)) return undefined
  return a.id < b.id ? 'won' : 'lost'
}

/** What several contests make of one call: whoever loses one is not the conversation. */
export function combineGlare(contests: readonly GlareResult[]): GlareResult {
  if (contests.includes('lost')) return 'lost'
  return contests.includes('won') ? 'won' : undefined
}

function requestOf(log: Log): Request | undefined {
  const signal = signalOf(log, log.id)
  return signal?.body.type === 'request' ? { ...signal, body: signal.body } : undefined
}

// A call back names the call that it follows. One by an author that does not name it follows it when its author had
// answered by then, by its own clock; nobody answers a call at glare.
function follows(request: Request, other: Request, log: Log): boolean {
  if (request.body.after?.includes(other.id)) return true
  return Object.keys(log.entries).some((id) => {
    const signal = signalOf(log, id)
    const answer = signal?.body.type === 'accept' || signal?.body.type === 'reject'
    return answer && signal.from === request.from && signal.at <= request.at
  })
}
