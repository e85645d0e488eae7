// What is kept of one call: what was said, and what cannot be derived from that. One file each.
import type { Event, Rumor } from '../nostr/event.ts'
import type { Foreign } from '../sanitize.ts'
import { type Link, NOTHING, type SeqRange, type Signal } from './signal.ts'
import { onlyRecipient, parseSignal } from './signal-codec.ts'

/**
 * A rumor of the call. `heard` is our clock when it came in, unix seconds; our own rumors have none. `hadAcked`: up to where its
 * author had acknowledged us before, where the rumor itself says less. `underCallKey`: its seal was made with the key of the call;
 * absent where it was made with the identities', and for our own.
 */
export type LogEntry = { rumor: Rumor; heard?: number; hadAcked?: number; underCallKey?: true }

/**
 * A seal that came before the accept whose key opens it. `stamp`: that of its wrap, unix seconds; `tried`: calls whose keys did not
 * open it.
 */
export type EarlySeal = { seal: Event; stamp: number; tried: readonly string[] }

/** What an own rumor still waits for. It is kept until the peer has acked it or the call is over for 7 days. */
export type OutboxEntry = {
  /** The wrap that went out last; kept while the same one may be published again. */
  wrap?: Event
  /** When that wrap was made, unix seconds; 0 before the first one. */
  wrappedAt: number
  /** How often it was wrapped: the waits between wraps grow with it. */
  wrapCount: number
  accepted: string[]
  /** The relays that have not taken it, and why; `final`: asked once more, they would refuse this wrap again. */
  failed: { url: string; reason: Foreign; final?: true }[]
  /** When it was last wrapped for those relays alone that had not taken it, or for all of them and none took it; unix seconds. */
  retriedAt?: number
  /** How many of its wraps went out early, because the peer was there and had not acknowledged it. */
  earlyWraps?: number
  /** The peer has said that it misses it. */
  reportedMissing?: true
  /** It was acknowledged before, and is offered once more until a relay has taken it. */
  offeredAgain?: true
  /** The process that is publishing it right now, so that a parallel one leaves it alone. */
  claim?: Claim
}

/**
 * A process that has been at something since `at`, unix seconds. `host`: the machine or container that its `pid` belongs to;
 * `processStart`: what tells it from a later process with that number; `remainingOnly`: it only tries the relays that have not taken it.
 */
export type Claim = { pid: number; at: number; host?: string; processStart?: string; remainingOnly?: true }

/**
 * Where a received file lies, with what its announcement may have left open; or why it was not taken; or how far it has been
 * fetched from a server.
 */
export type FileState =
  | { path: string; size?: number; sha256?: string }
  | { refused: string }
  | { fetching: FetchProgress }

/**
 * `have`: encrypted bytes that are here. `tries`: how often it failed, `at`: when last (unix seconds), and `why`; `wrong`: how
 * often all of it came and was something else.
 */
export type FetchProgress = { have: number; tries: number; at: number; why: string; wrong?: number; claim?: Claim }

export type Entries = Readonly<Record<string, LogEntry>>

/**
 * A log that has two branches: the peer's (`peer`), our own by what the peer's links say (`me`), or one of the two by the peer's word
 * (`told`). `seq` and `id` are what we hold at that place. `at`: unix seconds. `foreign`: the rumor that came in its place.
 */
export type Fork = { by: 'peer' | 'me' | 'told'; seq: number; id: string; at: number; foreign?: string }

/** What the peer was told of what we hold, and when, unix seconds. */
export type ReceiptRecord = {
  /** The highest ack that a relay has taken from us, 0 to have it told anew; the highest one that was tried, and when. */
  ackTaken: number
  ackTried: number
  ackTriedAt: number
  /** When we last asked for what is missing, and last said that the call has forked. */
  missingAskedAt: number
  forkToldAt: number
  /** The highest `read` mark that the peer was told. */
  readTold: number
  /** When the peer was last offered anew what it had asked for; and when our first word, which has a pace of its own. */
  offeredAgainAt?: number
  firstOfferedAgainAt?: number
}

/** What is in front of the id, in `unread`, of an own rumor that was never acknowledged. */
export const UNDELIVERED = 'undelivered:'

/** Why a rumor that has no place in the call is kept beside it: shown, never acted on, never in the digest. */
export type AsideReason = 'fork' | 'after-end' | 'verified'

export type AsideEntry = LogEntry & { why: AsideReason }

/** The logs of both sides of a call as we hold them, and what cannot be derived from them. */
export type Log = {
  version: 3
  id: string
  /** What was taken from both sides, by rumor id. Changed only through a transaction (state/transaction.ts). */
  entries: Entries
  /** What came before something that it follows, by rumor id, in the order of arrival. */
  waiting: Entries
  /** What has no place: MAX_ASIDE rumors at the most. `asideMore`: how many more there were. */
  aside: Readonly<Record<string, AsideEntry>>
  asideMore: number
  /** Items not yet shown: rumor ids, and marks like `missed`. */
  unread: string[]
  outbox: Record<string, OutboxEntry>
  /** Up to where the peer has taken our signals, by its signals and receipts; and up to where somebody there has looked. */
  peerAcked: Link
  peerRead: number
  /** Up to where the peer's signals were shown to our agent. */
  read: number
  receipts: ReceiptRecord
  /** When our own clock and a complete replay showed that nobody had answered in time. */
  missedAt?: number
  /** Until when an incoming call rings, unix seconds by our own clock. */
  ringsUntil?: number
  /** At glare: this request waits for what becomes of ours; or the other call, by its id, has become the conversation. */
  heldForGlare?: true
  mergedInto?: string
  /** At glare: our own request that this call takes in; we accept it by ourselves. */
  merges?: string
  /** How many signals came before the answer, and were not kept. */
  countBeforeAnswer?: number
  fork?: Fork
  /** The highest number that a receipt of the peer has acknowledged. */
  peerReceiptAck?: number
  /** When the peer said that it does not have this call. */
  peerLostAt?: number
  /** What the peer had acknowledged of ours when its end was taken. */
  ackedAtPeerEnd?: number
  /** Set once the peer has bound itself to all of ours: from then on nothing is taken. `digest` is SHA-256, hex. */
  verified?: { digest: string; at: number }
  /** When what was never acknowledged was told as undelivered. */
  undeliveredToldAt?: number
  /** Never on disk: something came whose place lies in the archive, so the change is worked out again over the whole call. */
  needsWholeCall?: true
  /** What the peer has sealed with a call key before the accept has come, by wrap. */
  earlySeals?: Readonly<Record<string, EarlySeal>>
  /** What became of the peer's files, by transfer. */
  files: Record<string, FileState>
  /** What lies in segments (archive.ts), for a call that has been spoken in for long; everything above is without that. */
  archive?: ArchiveSummary
}

/** The log of a call of which nothing is known. @param id the call's id, 64 hex digits */
export function emptyLog(id: string): Log {
  return {
    version: 3,
    id,
    entries: {},
    waiting: {},
    aside: {},
    asideMore: 0,
    unread: [],
    outbox: {},
    peerAcked: NOTHING,
    peerRead: 0,
    read: 0,
    receipts: { ackTaken: 0, ackTried: 0, ackTriedAt: 0, missingAskedAt: 0, forkToldAt: 0, readTold: 0 },
    files: {},
  }
}

/** The peer of a call; undefined while its request is not here. @param me our own key */
export function peerOf(log: Log, me: string): string | undefined {
  const request = log.entries[log.id]?.rumor
  if (request === undefined) return undefined
  return request.pubkey === me ? onlyRecipient(request) : request.pubkey
}

/** The signal of an entry, which is parsed once: a command looks at the same rumor many times. Undefined where it is none. */
export function signalOf(log: Pick<Log, 'entries'>, id: string): Signal | undefined {
  const rumor = log.entries[id]?.rumor
  return rumor === undefined ? undefined : parsedSignal(rumor)
}

/** A rumor as a signal, parsed once; undefined where it is none. */
export function parsedSignal(rumor: Rumor): Signal | undefined {
  const known = parsedSignals.get(rumor)
  if (known !== undefined) return known
  const signal = parseSignal(rumor)
  if (signal !== undefined) parsedSignals.set(rumor, signal)
  return signal
}

/** Declares that nobody will change these entries any more, so that what is derived from them may be kept. */
export function markFinal(entries: Entries): Entries {
  finalEntries.add(entries)
  return entries
}

/** What `make` derives from a log's entries: made once for entries that are final, since one run asks for it many times. */
export function memoize<T>(kept: WeakMap<Entries, T>, { entries }: Log, make: () => T): T {
  const known = kept.get(entries)
  if (known !== undefined) return known
  const made = make()
  if (finalEntries.has(entries)) kept.set(entries, made)
  return made
}

/** The entry without the bytes that it carried: they are in a file now, or the peer has them. Its id stays. */
export function withoutContent(entry: LogEntry): LogEntry {
  return { ...entry, rumor: { ...entry.rumor, content: '' } }
}

/** How far an own rumor has come: on disk only, on a relay, acked by the peer's program, or looked at there. */
export type DeliveryState = 'queued' | 'relayed' | 'delivered' | 'read'

/** How far one of our own rumors has come. @param rumor its id; one that is not held counts as `read` */
export function deliveryStateOf(log: Log, rumor: string): DeliveryState {
  const seq = signalOf(log, rumor)?.seq ?? 0
  if (seq <= log.peerAcked.seq) return seq <= log.peerRead ? 'read' : 'delivered'
  return (log.outbox[rumor]?.accepted.length ?? 0) > 0 ? 'relayed' : 'queued'
}

/** How far several rumors that belong together have come: as far as the one that is furthest behind; 'read' where there is none. */
export function slowestState(states: readonly DeliveryState[]): DeliveryState {
  return DELIVERY_STATES.find((state) => states.includes(state)) ?? 'read'
}

const DELIVERY_STATES: readonly DeliveryState[] = ['queued', 'relayed', 'delivered', 'read']

const parsedSignals = new WeakMap<Rumor, Signal>()
const finalEntries = new WeakSet<Entries>()

/** The last signal of one author up to which the archive goes. */
export type ArchivedTail = { seq: number; id: string; clock: number }

/** The place of a line of the head, worked out while what it follows was still there. `unseen`: as in a `Line`. */
export type KeptPlace = { clock: number; unseen?: SeqRange }

/** What a call's own file still says of the words that have left it for segments: as much as every command needs. */
export type ArchiveSummary = {
  /** The numbers of the first and the last segment. */
  segments: SeqRange
  /** How many rumors lie in them, how many of these are our own (all delivered), and how many are messages. */
  entries: number
  own: number
  messages: number
  /** Up to which signal each author's log lies in segments, but for what is in `kept`. */
  tails: Readonly<Record<string, ArchivedTail>>
  /** Proposals and their answers up to there, which stay in the head, by rumor id; absent where there are none. */
  kept?: Readonly<Record<string, KeptPlace>>
  /** When the last of them was said, unix seconds. */
  last: number
}

/** When something was said, unix seconds; for what was dated ahead of our clock, when it came in. */
export function timeOf(at: number, heard: number | undefined): number {
  return heard === undefined ? at : Math.min(at, heard)
}
