// A call is a fold over the set of its signals: any order of arrival, any repetition, one answer, the same on both sides.
import { cutOf, digestOf } from './digest.ts'
import { type Log, signalOf } from './log.ts'
import { isOver, next, type Party, type Phase } from './rules.ts'
import { LIMIT, type Range, type Signal } from './signal.ts'

export const EXPIRES = 7 * 24 * 3600

/** A signal at its place in the transcript. `late`: its sender could have known that the call was over. */
export type Line = { signal: Signal; party: Party; heard?: number; late: boolean; unasked: boolean }

export type Ends = Partial<Record<Party, Signal>>

export type Verified = true | false | 'pending'

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
  lines: Line[]
  /** Highest Lamport clock seen or sent. */
  lc: number
  /** Our own last seq. */
  seq: number
  /** The peer's last seq without a gap before it, and what is missing after it. */
  ack: number
  gaps: Range[]
  ends: Ends
  digest: string | undefined
  verified: Verified
  last: number
}

/** How the other call decided this one when both parties called at once. */
export type Glare = 'won' | 'lost' | undefined

/** Undefined while the request itself has not come. */
export function replay(log: Log, me: string, now: number, glare: Glare = undefined): Call | undefined {
  const signals = settle(log)
  const request = signals.find((s) => s.id === log.id)
  if (request === undefined || request.body.type !== 'request') return undefined
  const { from: caller, to: callee } = request
  const mine: Party = me === caller ? 'caller' : 'callee'
  const peer = mine === 'caller' ? callee : caller
  const folded = fold(signals, caller, opening(log, glare), log)
  const theirs = signals.filter((s) => s.from === peer).map((s) => s.seq)
  const held = contiguous(theirs)
  const last = Math.max(...signals.map((s) => Math.min(s.at, log.entries[s.id]?.heard ?? s.at)))
  const introduced = signals.findLast((s) => s.from === peer && (s.body.type === 'request' || s.body.type === 'accept'))
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
    phase: aged(folded.phase, last, now),
    lines: folded.lines,
    lc: Math.max(...signals.map((s) => s.lc)),
    seq: Math.max(0, ...signals.filter((s) => s.from === me).map((s) => s.seq)),
    ack: held,
    gaps: gapsOf(theirs, held, folded.ends[mine === 'caller' ? 'callee' : 'caller']),
    ends: folded.ends,
    last,
    ...settled(folded.ends, signals, mine),
  }
}

/**
 * The signals of a log in transcript order: (lc, sender's pubkey), which no relay and no clock can change. Two rumors
 * under one seq: the smaller (lc, id) stays, whichever came first.
 */
export function settle(log: Log): Signal[] {
  const taken = new Map<string, Signal>()
  for (const id of Object.keys(log.entries)) {
    const signal = signalOf(log, id)
    if (signal === undefined) continue
    const key = `${signal.from} ${signal.seq}`
    const rival = taken.get(key)
    if (rival === undefined || precedes(signal, rival)) taken.set(key, signal)
  }
  return [...taken.values()].sort((a, b) => a.lc - b.lc || compare(a.from, b.from) || a.seq - b.seq)
}

/** Whether `a` keeps a seq that both claim. */
export function precedes(a: Signal, b: Signal): boolean {
  return a.lc < b.lc || (a.lc === b.lc && a.id < b.id)
}

function opening(log: Log, glare: Glare): Phase {
  if (log.missed !== undefined) return 'missed'
  if (glare === 'won') return 'active'
  return glare === 'lost' ? 'merged' : 'ringing'
}

function fold(signals: Signal[], caller: string, start: Phase, log: Log): { phase: Phase; lines: Line[]; ends: Ends } {
  let phase = start
  const ends: Ends = {}
  const lines: Line[] = []
  for (const signal of signals) {
    const party: Party = signal.from === caller ? 'caller' : 'callee'
    const type = signal.body.type
    // Nothing follows one's own end.
    const after = ends[party] === undefined ? next(phase, type, party) : undefined
    const heard = log.entries[signal.id]?.heard
    lines.push({
      signal,
      party,
      ...(heard === undefined ? {} : { heard }),
      late: type !== 'request' && after === undefined && isOver(phase),
      // A caller may not talk into a call that nobody has accepted: counted, so that no gap stays, but shown to nobody.
      unasked: type !== 'request' && after === undefined && party === 'caller' && phase === 'ringing',
    })
    if (type === 'end') ends[party] ??= signal
    phase = after ?? phase
  }
  return { phase, lines: lines.map((line) => ({ ...line, late: line.late || pastCut(line.signal, ends) })), ends }
}

// What the other side said past the cut of the first end was on its way when that end was said.
function pastCut(signal: Signal, ends: Ends): boolean {
  const [first] = Object.values(ends).sort((a, b) => a.lc - b.lc || compare(a.from, b.from))
  if (first === undefined || signal.from === first.from || signal.body.type === 'end') return false
  return signal.seq > (cutOf(first)?.[1] ?? signal.seq)
}

function aged(phase: Phase, last: number, now: number): Phase {
  return phase === 'active' && now - last > EXPIRES ? 'expired' : phase
}

function contiguous(seqs: number[]): number {
  const have = new Set(seqs)
  let n = 0
  while (have.has(n + 1)) n++
  return n
}

// The peer's end says how much it has said, so what is missing before it is known even if nothing came after.
function gapsOf(seqs: number[], held: number, end: Signal | undefined): Range[] {
  const said = cutOf(end)?.[0]
  const known = [...new Set(seqs), ...(said === undefined ? [] : [said + 1])]
    .filter((n) => n > held)
    .sort((a, b) => a - b)
  const gaps: Range[] = []
  let reached = held
  for (const n of known) {
    if (n > reached + 1) gaps.push([reached + 1, n - 1])
    reached = Math.max(reached, n)
  }
  return gaps.slice(0, LIMIT.missing)
}

function settled(ends: Ends, signals: Signal[], mine: Party): { digest: string | undefined; verified: Verified } {
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
