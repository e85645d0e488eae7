// NIP-01's event: its serialisation, its id, its signature, and the parsers that let foreign JSON in.
import { isRecord, isWhole } from '../json.ts'
import {
  fromHex,
  isHex32,
  type Keys,
  type RandomBytes,
  randomBytes,
  type SignedByPubkey,
  sha256,
  sign,
  toHex,
  verify,
  verifyAll,
} from './crypto.ts'

/** NIP-01's event. Ids, keys and signatures are lowercase hex. */
export type Event = {
  id: string
  pubkey: string
  /** Unix time in seconds. */
  created_at: number
  kind: number
  tags: string[][]
  content: string
  sig: string
}

/** NIP-59: an event that is not signed. */
export type Rumor = Omit<Event, 'sig'>

/** What an author decides; the rest follows from the key. */
export type Template = Pick<Event, 'kind' | 'created_at' | 'tags' | 'content'>

/** Most tags of an event, and most strings in a tag, that the parsers take. strfry's own bound is 2,000 tags. */
export const MAX_TAGS = 2_000
export const MAX_TAG_STRINGS = 100

/**
 * The text whose SHA-256 is the id (NIP-01).
 *
 * NIP-01 names seven characters to escape and wants all others verbatim. JSON.stringify escapes the same seven in the same
 * way, leaves DEL and all of Unicode alone, and differs in two places where verbatim is impossible: the other control
 * characters (raw, they would not be the JSON that NIP-01 asks for) and lone surrogates (UTF-8 has none) become \u00xx and
 * \udxxx. nostr-tools, rust-nostr and the relays hash these escapes too.
 */
export function serialize(event: Omit<Rumor, 'id'>): string {
  return JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content])
}

/** The event's id: 64 lowercase hex digits. */
export function eventId(event: Omit<Rumor, 'id'>): string {
  return toHex(idBytes(event))
}

/** The unsigned event (NIP-59) of an author. */
export function rumorOf(template: Template, pubkey: string): Rumor {
  const { kind, created_at, tags, content } = template
  return { id: eventId({ pubkey, created_at, kind, tags, content }), pubkey, created_at, kind, tags, content }
}

/** The signed event of an author. `random` is asked once, for the signature's auxiliary randomness. */
export function finalize(template: Template, keys: Keys, random: RandomBytes = randomBytes): Event {
  const rumor = rumorOf(template, keys.pubkey)
  return { ...rumor, sig: toHex(sign(idBytes(rumor), keys.secret, random(32))) }
}

/** Whether the id is the hash of the content and the signature is the author's. Never throws. */
export function verifyEvent(event: Event): boolean {
  const claimed = signatureIn(event)
  return claimed !== undefined && verify(claimed.signature, claimed.hash, claimed.pubkey)
}

/** `verifyEvent` of each, and much faster than one after the other from a few dozen on. */
export function verifyEvents(events: readonly Event[]): boolean[] {
  const claimed = events.map(signatureIn)
  const good = verifyAll(claimed.filter((item) => item !== undefined))
  // One answer for each of those that were checked, in their order; the others are bad without a look.
  const answers = good[Symbol.iterator]()
  return claimed.map((item) => item !== undefined && answers.next().value === true)
}

/**
 * An event of NIP-01's exact shape, as a fresh object with the seven known fields, or undefined. Neither id nor signature
 * is checked: that is `verifyEvent`.
 */
export function parseEvent(value: unknown): Event | undefined {
  const body = parseBody(value)
  if (body === undefined || !isRecord(value)) return undefined
  const { id, sig } = value
  if (typeof id !== 'string' || !isHex32(id)) return undefined
  if (typeof sig !== 'string' || !/^[0-9a-f]{128}$/.test(sig)) return undefined
  return { id, ...body, sig }
}

/**
 * A rumor of NIP-59 as a fresh object, or undefined. A missing id is computed; one that is there must be the hash, since
 * the id is what a message is known by afterwards.
 *
 * "The inner event MUST always be unsigned" (NIP-59, 2) binds the sender. A signature that came along is left behind and
 * not refused: the seal has proved the author already, some clients send `"sig": ""`, and refusing would lose their
 * messages, whereas dropping gives what the rule is for: nothing we keep or show could prove to others who wrote it.
 */
export function parseRumor(value: unknown): Rumor | undefined {
  const body = parseBody(value)
  if (body === undefined || !isRecord(value)) return undefined
  const id = eventId(body)
  return value.id === undefined || value.id === id ? { id, ...body } : undefined
}

/** The first value of the first tag of that name. */
export function tag(event: Pick<Event, 'tags'>, name: string): string | undefined {
  for (const entry of event.tags) if (entry[0] === name) return entry[1]
  return undefined
}

/** All tags of that name, whole. */
export function tags(event: Pick<Event, 'tags'>, name: string): string[][] {
  return event.tags.filter((entry) => entry[0] === name)
}

function signatureIn(event: Event): SignedByPubkey | undefined {
  const hash = idBytes(event)
  const signature = fromHex(event.sig)
  return toHex(hash) === event.id && signature !== undefined ? { signature, hash, pubkey: event.pubkey } : undefined
}

function idBytes(event: Omit<Rumor, 'id'>): Uint8Array {
  return sha256(Buffer.from(serialize(event), 'utf8'))
}

function parseBody(value: unknown): Omit<Rumor, 'id'> | undefined {
  if (!isRecord(value)) return undefined
  const { pubkey, created_at, kind, content } = value
  const tags = parseTags(value.tags)
  if (typeof pubkey !== 'string' || !isHex32(pubkey)) return undefined
  if (!isWhole(created_at) || !isWhole(kind, 65_535)) return undefined
  if (tags === undefined || typeof content !== 'string') return undefined
  return { pubkey, created_at, kind, tags, content }
}

function parseTags(value: unknown): string[][] | undefined {
  if (!Array.isArray(value) || value.length > MAX_TAGS) return undefined
  const list: string[][] = []
  for (const entry of value) {
    // NIP-01, Tags: "Each tag is an array of one or more strings".
    if (!Array.isArray(entry) || entry.length < 1 || entry.length > MAX_TAG_STRINGS) return undefined
    const strings = entry.filter((part): part is string => typeof part === 'string')
    if (strings.length !== entry.length) return undefined
    list.push(strings)
  }
  return list
}

/** The newest of each author's events of one kind. */
export function newestPerAuthor(events: readonly Event[]): Event[] {
  const newest = new Map<string, Event>()
  for (const event of events) {
    const held = newest.get(event.pubkey)
    if (held === undefined || newestFirst(event, held) < 0) newest.set(event.pubkey, event)
  }
  return [...newest.values()]
}

/** Sorts the newest first. NIP-01: of replaceable events with the same timestamp "the event with the lowest id should be retained". */
export function newestFirst(a: Event, b: Event): number {
  return b.created_at - a.created_at || (a.id < b.id ? -1 : 1)
}
