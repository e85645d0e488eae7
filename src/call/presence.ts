// Who is on line (NIP-38, kind 30315) and where they read (NIP-17, kind 10050): what we publish of ourselves, and how we
// read what others publish.
import { type Event, newestPerAuthor, type Template, tag, tags, verifyEvents } from '../nostr/event.ts'
import { addressText, parseAddress } from '../nostr/nip05.ts'
import { difficulty } from '../nostr/nip13.ts'
import { relayUrl } from '../nostr/relay-url.ts'
import { cleanLine, type Foreign, foreignLine, isBlank } from '../sanitize.ts'
import { nameTag } from './name.ts'

/** NIP-38's user status, as which a presence is published. */
export const PRESENCE_KIND = 30315
/** NIP-17's list of the relays where its author reads. */
export const INBOX_LIST_KIND = 10050
/** NIP-65's relay list. */
export const RELAY_LIST_KIND = 10002
/** The `t` and `d` tags of a presence. */
export const AGENT_TOPIC = 'p2p-agent'
export const PRESENCE_ID = 'p2p-comm'

/** Most characters of a name that are shown. */
const MAX_NAME = 64

/** Minutes between two announcements unless set otherwise (presence.every). */
export const PRESENCE_EVERY = 2

/** Seconds for which a presence counts: 2.5 times half an hour, the longest time between two. */
export const PRESENCE_LOOKBACK = 4_500

/** Seconds by which a presence may be dated ahead of our clock. */
const PRESENCE_AHEAD = 900

/** What an agent says of itself in its presence. */
export type Presence = {
  pubkey: string
  name: Foreign
  /** Its `n` tag, by which it is found; undefined where that is not `nameTag` of its name. */
  asked: string | undefined
  about: Foreign
  /** In lower case. */
  capabilities: Foreign[]
  status: 'available' | 'busy'
  relays: string[]
  /** Unix seconds, like `looked`: when its agent, and not cron, last looked; undefined where it does not say. */
  lastSeen: number
  looked: number | undefined
  /** The NIP-05 name that it says is its own, unchecked. */
  nip05: string | undefined
  /** NIP-13 bits that it asks of strangers, and those that this presence itself carries. */
  pow: number
  work: number
}

/** What our own presence says. `inbox`: where we read; `pow`: NIP-13 bits that we ask of strangers. */
export type PresenceFields = {
  name: string
  about: string
  capabilities: readonly string[]
  inbox: readonly string[]
  busy: boolean
  pow: number
  /** Minutes until the next one. */
  every: number
  /** Unix seconds. */
  looked?: number | undefined
  nip05?: string | undefined
}

/** Seconds that a presence is good for when one goes out every `every` minutes: long enough for one to be missed. */
export function presenceLifetime(every: number): number {
  return every * 150
}

/** Our own presence, unsigned (docs/PROTOCOL.md, "Presence"). @param now unix seconds */
export function presenceOf(self: PresenceFields, now: number): Template {
  const { looked, nip05 } = self
  // As it will be shown: by a name with a mark in it that nobody sees, nobody could find us who reads it in a list.
  const name = cleanLine(self.name, MAX_NAME)
  const one = (key: string, value: string | number | undefined) =>
    value === undefined || value === '' ? [] : [[key, String(value)]]
  return {
    kind: PRESENCE_KIND,
    created_at: now,
    tags: [
      ['d', PRESENCE_ID],
      ['t', AGENT_TOPIC],
      ['name', name],
      ...one('n', nameTag(name)),
      ['status', self.busy ? 'busy' : 'available'],
      // Relays compare letter by letter.
      ...unique(self.capabilities.map(capabilityTag)).map((c) => ['c', c]),
      ...self.inbox.map((url) => ['relay', url]),
      ...(self.pow > 0 ? [['pow', String(self.pow)]] : []),
      ...one('nip05', nip05),
      ...one('looked', looked),
      // NIP-40: an agent that stops announcing is gone from the list by itself.
      ['expiration', String(now + presenceLifetime(self.every))],
    ],
    content: self.about,
  }
}

/** The value of a capability's `c` tag. */
export function capabilityTag(capability: string): string {
  return capability.normalize('NFC').trim().toLowerCase()
}

/** Our NIP-17 relay list (kind 10050), unsigned. @param now unix seconds */
export function inboxList(relays: readonly string[], now: number): Template {
  return { kind: INBOX_LIST_KIND, created_at: now, tags: relays.map((url) => ['relay', url]), content: '' }
}

/** The agents on line: the newest presence with a good signature of each key, unless it has expired; in no particular order. */
export function readPresences(events: readonly Event[], now: number): Presence[] {
  return newestPerAuthor(verifiedEvents(events.filter(isPresence))).flatMap((event) =>
    isLive(event, now) ? [parsePresence(event)] : [],
  )
}

/** The relays of a list, and its created_at. */
export type RelayList = { relays: string[]; at: number }

/** A key's newest kind 10050 list with a good signature; undefined when there is none. */
export function readInboxList(events: readonly Event[], pubkey: string): RelayList | undefined {
  const list = newestOf(events, INBOX_LIST_KIND, pubkey)
  return list === undefined ? undefined : { relays: relayUrls(tags(list, 'relay')), at: list.created_at }
}

/** The read relays in a key's newest kind 10002 list with a good signature (NIP-65); undefined when there is none. */
export function readReadRelays(events: readonly Event[], pubkey: string): string[] | undefined {
  const list = newestOf(events, RELAY_LIST_KIND, pubkey)
  // NIP-65: "If the marker is omitted, the relay is both read and write."
  return list === undefined ? undefined : relayUrls(tags(list, 'r').filter((t) => (t[2] ?? 'read') === 'read'))
}

function newestOf(events: readonly Event[], kind: number, pubkey: string): Event | undefined {
  const lists = events.filter((e) => e.kind === kind && e.pubkey === pubkey)
  return newestPerAuthor(verifiedEvents(lists))[0]
}

// The attack: a relay makes up a newer event in somebody's name. Were signatures checked last, it would hide the real one.
function verifiedEvents(events: readonly Event[]): Event[] {
  const good = verifyEvents(events)
  return events.filter((_, index) => good[index])
}

// Bounded, since the list is kept, and an event has room for thousands of relays.
function relayUrls(entries: readonly (readonly string[])[]): string[] {
  return [...new Set(entries.slice(0, 100).flatMap((t) => relayUrl(t[1] ?? '') ?? []))].slice(0, 20)
}

/** Whether an event is the presence of an agent at all. */
export function isPresence(event: Event): boolean {
  return event.kind === PRESENCE_KIND && tag(event, 'd') === PRESENCE_ID
}

/** Whether a presence says that its agent is on line now. @param now unix seconds */
export function isLive(event: Event, now: number): boolean {
  // Relays may serve expired events (NIP-40), and a key may claim to be on line for a year: both are checked here.
  const expires = Number(tag(event, 'expiration') ?? event.created_at + presenceLifetime(PRESENCE_EVERY))
  const age = now - event.created_at
  return expires > now && age <= PRESENCE_LOOKBACK && age >= -PRESENCE_AHEAD
}

/** What a presence says. Its signature is the caller's to check. */
export function parsePresence(event: Event): Presence {
  const relays = tags(event, 'relay').flatMap((t) => relayUrl(t[1] ?? '') ?? [])
  const capabilities = tags(event, 'c').map((t) => foreignLine(capabilityTag(t[1] ?? ''), 32))
  const name = tag(event, 'name') ?? ''
  const asked = tag(event, 'n')
  const looked = Number(/^\d{1,12}$/.exec(tag(event, 'looked') ?? '')?.[0])
  return {
    pubkey: event.pubkey,
    name: foreignLine(name, MAX_NAME),
    // The attack: shown under one name, and found under another's.
    asked: asked !== undefined && asked !== '' && asked === nameTag(name) ? asked : undefined,
    about: foreignLine(event.content, 280),
    capabilities: unique(capabilities.filter((c) => !isBlank(c))).slice(0, 20),
    status: tag(event, 'status') === 'busy' ? 'busy' : 'available',
    relays: unique(relays).slice(0, 5),
    lastSeen: event.created_at,
    // A presence cannot know that somebody has looked after its own date.
    looked: looked <= event.created_at ? looked : undefined,
    nip05: nip05Of(event),
    pow: /^\d{1,2}$/.test(tag(event, 'pow') ?? '') ? Number(tag(event, 'pow')) : 0,
    work: difficulty(event),
  }
}

function nip05Of(event: Event): string | undefined {
  const address = parseAddress(tag(event, 'nip05') ?? '')
  return address && addressText(address)
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)]
}
