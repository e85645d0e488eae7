// Who may come in, and how much: the policy on requests from strangers, and bounds on what one key may send in a day.
// What is dropped here is counted and never answered; of the calls that the policy refuses one a day and key is rejected.
import type { Trust } from '../call/agents.ts'
import { FILE } from '../call/signal.ts'
import { type Rumor, tag } from '../nostr/event.ts'
import type { CallSummary, DailyMeter, Index, MeterAmount } from './state.ts'

/** Whom our owner lets in. `calls`: who may call; `silent`: whether the others are not even told that they are rejected. */
export type AdmissionPolicy = {
  trust: (pubkey: string) => Trust
  calls: 'anyone' | 'contacts' | 'nobody'
  silent: boolean
  /** NIP-13 bits that a stranger's wrap must carry. */
  pow: number
}

/** What one key, and all strangers together, may bring in a day. What goes beyond that is offered again by an honest sender. */
const DAILY_BOUNDS = {
  stranger: { requests: 20, rumors: 20_000, bytes: 256 * 1024 * 1024, files: 200 },
  strangers: { requests: 200, rumors: 50_000, bytes: 512 * 1024 * 1024, files: 1_000 },
  contact: { requests: 500, rumors: 100_000, bytes: 4 * 1024 * 1024 * 1024, files: 5_000 },
}

/**
 * Requests and letters that one stranger may bring in a day, by how many all strangers have brought: ten keys cannot use up what is there
 * for all. A wrap with proof of work (NIP-13) finds room beyond that.
 */
const SHARES = [
  { until: 100, share: 20 },
  { until: 150, share: 5 },
  { until: 180, share: 2 },
]
const WORKED = { bits: 16, requests: 100 }

/** Most ringing calls of unknown keys. Beyond that the key with the most of them loses its oldest. */
export const MAX_RINGING = 20

/** Most refused calls that are answered in a day. */
const MAX_REFUSALS = 50

/** Most keys that one day's meter counts apart. */
const MAX_SENDERS = 2_000

/** Whether the policy lets this key call. The owner always may. */
export function mayCall({ calls }: Pick<AdmissionPolicy, 'calls'>, trust: Trust): boolean {
  if (trust === 'owner') return true
  if (trust === 'blocked' || calls === 'nobody') return false
  return calls === 'anyone' || trust !== 'unknown'
}

/**
 * Makes a test for keys that are no strangers': of contacts, of those with whom a call came about, and of those whom we have called. What
 * strangers use up is not taken from them.
 */
export function acquaintanceTest(
  { calls }: Pick<Index, 'calls'>,
  { trust }: Pick<AdmissionPolicy, 'trust'>,
): (pubkey: string) => boolean {
  let met: Set<string> | undefined
  return (pubkey) => {
    if (trust(pubkey) !== 'unknown') return true
    met ??= new Set(Object.values(calls).flatMap((call) => (isMet(call) ? [call.peer] : [])))
    return met.has(pubkey)
  }
}

// A key that has only rung is as strange as before.
function isMet({ direction, secrecy }: CallSummary): boolean {
  return direction === 'outgoing' || secrecy !== undefined
}

/** Whether one more refused call is rejected today: one of each sender, and MAX_REFUSALS in all. */
export function mayRefuse(
  { refused }: DailyMeter,
  sender: string,
  { silent }: Pick<AdmissionPolicy, 'silent'>,
): boolean {
  return !silent && refused[sender] === undefined && Object.keys(refused).length < MAX_REFUSALS
}

/**
 * Why a rumor is dropped before it is looked at, if it is; otherwise counts it in the meter, unless it is the owner's.
 * @param first whether it belongs to no call yet
 * @param bits the proof of work of its wrap
 */
export function meterRumor(
  meter: DailyMeter,
  rumor: Rumor,
  first: boolean,
  admission: AdmissionPolicy,
  bits = 0,
): string | undefined {
  const trust = admission.trust(rumor.pubkey)
  if (trust === 'owner') return undefined
  const known = meter.senders[rumor.pubkey]
  const more = amountOf(rumor, first)
  const own = sum(known ?? NOTHING, more)
  const all = sum(meter.strangers, more)
  const isStranger = trust === 'unknown'
  if (exceeds(own, isStranger ? DAILY_BOUNDS.stranger : DAILY_BOUNDS.contact)) return 'sender-bound'
  const isFull = known === undefined && Object.keys(meter.senders).length >= MAX_SENDERS
  if (isStranger && first && own.requests > shareOf(meter.strangers)) return 'sender-bound'
  const spare = bits >= WORKED.bits ? WORKED.requests : 0
  const bounds = { ...DAILY_BOUNDS.strangers, requests: DAILY_BOUNDS.strangers.requests + spare }
  if (isStranger && (isFull || exceeds(all, bounds))) return 'strangers-bound'
  meter.senders[rumor.pubkey] = own
  if (isStranger) meter.strangers = all
  return undefined
}

function shareOf({ requests }: MeterAmount): number {
  return SHARES.find(({ until }) => requests < until)?.share ?? 1
}

/** Why a stranger's request or letter is dropped for lack of work, if it is. */
export function refuseMissingWork(bits: number, trust: Trust, { pow }: AdmissionPolicy): string | undefined {
  return trust === 'unknown' && bits < pow ? 'pow' : undefined
}

/** The meter for today: a copy, or an empty one where that of an earlier day is over. @param now unix seconds */
export function meterFor(meter: DailyMeter, now: number): DailyMeter {
  const day = Math.floor(now / 86_400)
  return meter.day === day
    ? { ...meter, senders: { ...meter.senders } }
    : { day, senders: {}, strangers: NOTHING, refused: {} }
}

/** The ids of the unanswered calls of strangers that must make room for newer ones. */
export function overflowingCalls(ringing: readonly RingingCall[]): string[] {
  // The attack: calls dated ahead would always be the newest.
  const left = ringing.toSorted((a, b) => Math.min(a.at, a.heard) - Math.min(b.at, b.heard))
  const going: string[] = []
  while (left.length > MAX_RINGING) {
    // The attack: one key rings so often that nobody else's call is left.
    const counts = new Map<string, number>()
    for (const { peer } of left) counts.set(peer, (counts.get(peer) ?? 0) + 1)
    const highest = Math.max(...counts.values())
    const [gone] = left.splice(
      left.findIndex(({ peer }) => counts.get(peer) === highest),
      1,
    )
    if (gone !== undefined) going.push(gone.id)
  }
  return going
}

/** `heard`: when its request came in; `at`: how that is dated; both unix seconds. */
export type RingingCall = { id: string; peer: string; heard: number; at: number }

const NOTHING: Required<MeterAmount> = { requests: 0, rumors: 0, bytes: 0, files: 0 }

/** About how many bytes a rumor takes on disk beside its text. */
const RUMOR_OVERHEAD = 500

function amountOf(rumor: Rumor, first: boolean): MeterAmount {
  const isChunk = tag(rumor, 'op') === 'file' && tag(rumor, 'chunk') === '1'
  const files = rumor.kind === FILE || isChunk ? 1 : 0
  return { requests: first ? 1 : 0, rumors: 1, bytes: rumor.content.length + RUMOR_OVERHEAD, files }
}

function sum(a: MeterAmount, b: MeterAmount): Required<MeterAmount> {
  return {
    requests: a.requests + b.requests,
    rumors: a.rumors + b.rumors,
    bytes: a.bytes + b.bytes,
    files: (a.files ?? 0) + (b.files ?? 0),
  }
}

function exceeds(amount: Required<MeterAmount>, bounds: Required<MeterAmount>): boolean {
  return (
    amount.requests > bounds.requests ||
    amount.rumors > bounds.rumors ||
    amount.bytes > bounds.bytes ||
    amount.files > bounds.files
  )
}
