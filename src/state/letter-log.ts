// Letters: direct messages outside of calls, by rumor id in one log for each peer (p2p/letters/<pubkey>.json), so that a letter is
// told once whatever its wrap looks like. Source: docs/PROTOCOL.md, "Letters".
import type { Trust } from '../call/agents.ts'
import { parseRemote } from '../call/file-codec.ts'
import { isFinished } from '../call/file-transfer.ts'
import { fileState, hex32, keptRumor } from '../call/log-codec.ts'
import { CHAT, FILE } from '../call/signal.ts'
import { callId } from '../call/signal-codec.ts'
import { fields, finite, flag, isRecord, table, where, yes } from '../json.ts'
import type { Rumor } from '../nostr/event.ts'
import type { Letter, LetterLog, LetterLogSummary, State } from './state.ts'
import type { Transaction } from './transaction.ts'

export const LETTER_LOG_VERSION = 1

/** NIP-25's reaction, which clients wrap as they do a message (NIP-17). */
const REACTION = 7
const LETTER_KINDS: readonly number[] = [CHAT, FILE, REACTION]

/** Seconds: a letter whose rumor is older may be a repeat. */
const FRESH = 7 * 86_400

/**
 * Most bytes of letters: of one stranger, of all strangers, the part of that for wraps with proof of work only, and of one contact.
 * With the orphans, strangers without a call make us keep less than 6 MB.
 */
const MAX_BYTES = { stranger: 500_000, strangers: 5_000_000, worked: 1_000_000, contact: 32_000_000 }

/** NIP-13 bits from which on a stranger's letter may use the room that is kept for proof of work. */
const WORK = 16

/** How many read letters of a peer are kept in any case. */
const KEPT_READ = 2_000

/** About how many bytes a letter takes on disk beside its text. */
const OVERHEAD = 600

/** Whether a rumor is a letter: of one of the kinds that are, and no part of a call. */
export function isLetter(rumor: Rumor): boolean {
  return LETTER_KINDS.includes(rumor.kind) && callId(rumor) === undefined
}

/** The logs of letters that are loaded: those that hold something unread, and those that were asked for. */
export function letterLogsOf(state: State): LetterLog[] {
  return Object.values(state.letters ?? {})
}

/** `now`: when the letter came in, unix seconds. */
export type LetterContext = {
  now: number
  trust: (pubkey: string) => Trust
  /** NIP-13 bits of the wrap. */
  bits: number
  /** It goes beyond its sender's bound for today: it is told tomorrow, where there is room. */
  tomorrow?: boolean
}

/**
 * Takes in a rumor that is no signal of a call. Whom its `p` tags name does not matter: clients tag the author, the receiver twice,
 * nobody, or all of a room; it is for us because its wrap is. @returns why it was dropped, if it was
 */
export function receiveLetter(edit: Transaction, rumor: Rumor, context: LetterContext): string | undefined {
  if (!LETTER_KINDS.includes(rumor.kind)) return 'unknown'
  if (!isLetter(rumor)) return 'malformed'
  const { now, trust, tomorrow = false } = context
  const peer = rumor.pubkey
  // The attack: a relay dates the wrap anew, which gives it another id, so that an old order becomes a new one.
  if (edit.state.letters?.[peer]?.letters[rumor.id] !== undefined) return 'duplicate'
  if (!hasRoom(edit, rumor, context)) {
    edit.index.lettersLeft = (edit.index.lettersLeft ?? 0) + 1
    return 'letters-full'
  }
  const old = now - rumor.created_at > FRESH || rumor.created_at <= (edit.index.stateLostAt ?? 0)
  edit.letterLog(peer).letters[rumor.id] = {
    ...{ rumor, heard: now, unread: true },
    ...(old && { repeat: true }),
    ...(tomorrow && trust(peer) === 'unknown' && { from: (Math.floor(now / 86_400) + 1) * 86_400 }),
  }
  // The index is brought up to it at once, since the next letter asks how much room there is.
  const { bytes = 0, last = 0 } = edit.index.letterLogs[peer] ?? {}
  edit.table('letterLogs')[peer] = { open: true, bytes: bytes + sizeOf(rumor), last: Math.max(last, now) }
  return undefined
}

/** Writes down a letter of ours. */
export function keepOwnLetter(edit: Transaction, rumor: Rumor, to: string): void {
  edit.letterLog(to).letters[rumor.id] = { rumor, heard: rumor.created_at, unread: false, mine: true }
}

/** Changes what is known of a letter that is here. */
export function updateLetter(edit: Transaction, peer: string, id: string, change: Partial<Letter>): void {
  if (edit.state.letters?.[peer]?.letters[id] === undefined) return
  const held = edit.letterLog(peer)
  const letter = held.letters[id]
  if (letter !== undefined) held.letters[id] = { ...letter, ...change }
}

/** Deletes the oldest read letters beyond a bound, of those so old that they would be told as a repeat if they came once more. */
export function boundLetters(
  edit: Transaction,
  { now, trust }: { now: number; trust: (pubkey: string) => Trust },
): void {
  for (const { peer, letters } of letterLogsOf(edit.state)) {
    if (Object.keys(letters).length <= KEPT_READ || trust(peer) === 'owner') continue
    const read = Object.entries(letters).filter(([, letter]) => !letter.unread && !isOnItsWay(letter))
    const old = read.filter(([, { rumor, heard }]) => now - Math.max(rumor.created_at, heard) > FRESH)
    const going = old.sort(([, a], [, b]) => a.heard - b.heard).slice(0, Math.max(0, read.length - KEPT_READ))
    if (going.length === 0) continue
    const held = edit.letterLog(peer)
    for (const [id] of going) delete held.letters[id]
  }
}

/** Whether a letter announces a file that is still to come. */
export function isOnItsWay({ rumor, file }: Letter): boolean {
  return rumor.kind === FILE && !isFinished(file) && parseRemote(rumor) !== undefined
}

/** Whether a letter is unread and may be told by now. @param now unix seconds */
export function isDue({ unread, from }: Letter, now: number): boolean {
  return unread && now >= (from ?? 0)
}

/** Reads the JSON of a file of letters. 'newer' when a later version wrote it, undefined when it is damaged. */
export function parseLetterLog(value: unknown): LetterLog | 'newer' | undefined {
  const version = isRecord(value) ? finite(value.version) : undefined
  if (version === undefined) return undefined
  if (version > LETTER_LOG_VERSION) return 'newer'
  const held = kept(value)
  return held && { version: LETTER_LOG_VERSION, ...held }
}

const letter = fields<Letter>(
  { rumor: keptRumor, heard: finite, unread: flag },
  { mine: yes, repeat: yes, from: finite, file: fileState },
)

const kept = fields<Omit<LetterLog, 'version'>>({
  peer: hex32,
  letters: where(table(letter), (letters) => Object.entries(letters).every(([id, { rumor }]) => rumor.id === id)),
})

/** What the index holds of the letters with one peer. */
export function summariseLetters({ letters }: LetterLog): LetterLogSummary {
  const all = Object.values(letters)
  const waiting = all.filter((letter) => letter.unread || (!letter.mine && isOnItsWay(letter)))
  const due = Math.min(...waiting.map((letter) => (isOnItsWay(letter) ? 0 : (letter.from ?? 0))))
  return {
    open: waiting.length > 0,
    // The attack: thousands of keys write a letter each, and each command reads those that are not told before tomorrow.
    ...(waiting.length > 0 && due > 0 && { due }),
    bytes: all.reduce((sum, { rumor }) => sum + sizeOf(rumor), 0),
    last: all.reduce((last, { heard }) => Math.max(last, heard), 0),
  }
}

/** Brings the index up to date with the logs of letters that have changed. */
export function commitLetters(edit: Transaction): void {
  for (const peer of edit.changedLetters()) {
    const held = edit.state.letters?.[peer]
    if (held !== undefined) edit.table('letterLogs')[peer] = summariseLetters(held)
  }
}

/** The name under which the store writes a peer's letters, as it writes a call under its id. */
export function letterLogName(peer: string): string {
  return `letters/${peer}`
}

// The attack: ten keys, or ten thousand, fill the room that strangers have, and no stranger is heard any more.
function hasRoom(edit: Transaction, rumor: Rumor, { trust, bits }: LetterContext): boolean {
  const known = trust(rumor.pubkey)
  if (known === 'owner') return true
  const mine = (edit.index.letterLogs[rumor.pubkey]?.bytes ?? 0) + sizeOf(rumor)
  if (known !== 'unknown') return mine <= MAX_BYTES.contact
  let all = sizeOf(rumor)
  for (const [peer, { bytes }] of Object.entries(edit.index.letterLogs)) if (trust(peer) === 'unknown') all += bytes
  const maxBytes = bits >= WORK ? MAX_BYTES.strangers : MAX_BYTES.strangers - MAX_BYTES.worked
  // The fuller the room is, the less of it one key may have.
  return mine <= MAX_BYTES.stranger && all <= maxBytes && mine <= Math.max(20_000, (maxBytes - all) / 4)
}

function sizeOf({ content, tags }: Rumor): number {
  // JSON writes a control character as six.
  return OVERHEAD + Buffer.byteLength(JSON.stringify(content)) + JSON.stringify(tags).length
}
