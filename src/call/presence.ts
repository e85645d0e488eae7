// Who is on line (NIP-38, kind 30315) and where they read (NIP-17, kind 10050): what we publish of ourselves, and how we
// read what others publish.
import { type Event, type Template, tag, tags, verifyEvents } from '../nostr/event.ts'
import { relayUrl } from '../nostr/relay-url.ts'
import { cleanLine } from '../sanitize.ts'

export const PRESENCE_KIND = 30315
export const INBOX_LIST_KIND = 10050
/** NIP-65's relay list. */
export const RELAY_LIST_KIND = 10002
export const AGENT_TOPIC = 'p2p-agent'
export const PRESENCE_ID = 'p2p-comm'

/** Announced every 2 minutes, good for 5, looked for over 6 (relays may keep expired events for a while). */
export const PRESENCE_LIFETIME = 300
export const PRESENCE_LOOKBACK = 360

export type Presence = {
  pubkey: string
  name: string
  about: string
  capabilities: string[]
  status: 'available' | 'busy'
  relays: string[]
  lastSeen: number
  /** NIP-13 bits that it asks of strangers. */
  pow: number
}

export type PresenceFields = {
  name: string
  about: string
  capabilities: readonly string[]
  inbox: readonly string[]
  busy: boolean
  pow: number
}

export function presenceOf(self: PresenceFields, now: number): Template {
  return {
    kind: PRESENCE_KIND,
    created_at: now,
    tags: [
      ['d', PRESENCE_ID],
      ['t', AGENT_TOPIC],
      ['name', self.name],
      ['status', self.busy ? 'busy' : 'available'],
      ...self.capabilities.map((c) => ['c', c]),
      ...self.inbox.map((url) => ['relay', url]),
      ...(self.pow > 0 ? [['pow', String(self.pow)]] : []),
      // NIP-40: an agent that stops announcing is gone from the list by itself.
      ['expiration', String(now + PRESENCE_LIFETIME)],
    ],
    content: self.about,
  }
}

export function inboxList(relays: readonly string[], now: number): Template {
  return { kind: INBOX_LIST_KIND, created_at: now, tags: relays.map((url) => ['relay', url]), content: '' }
}

/** The agents on line: the newest presence of each key, well signed and not expired; in no particular order. */
export function readPresences(events: readonly Event[], now: number): Presence[] {
  const presences = events.filter((e) => e.kind === PRESENCE_KIND && tag(e, 'd') === PRESENCE_ID)
  return newestPerAuthor(wellSigned(presences)).flatMap((event) => (isLive(event, now) ? [parsePresence(event)] : []))
}

/** The relays of a list, and its created_at. */
export type RelayList = { relays: string[]; at: number }

/** A key's newest well-signed 10050; undefined when there is none. */
export function readInboxList(events: readonly Event[], pubkey: string): RelayList | undefined {
  const list = newestOf(events, INBOX_LIST_KIND, pubkey)
  return list === undefined ? undefined : { relays: urls(tags(list, 'relay')), at: list.created_at }
}

/** Where the newest well-signed 10002 of a key says that it reads; undefined when there is none. */
export function readReadRelays(events: readonly Event[], pubkey: string): string[] | undefined {
  const list = newestOf(events, RELAY_LIST_KIND, pubkey)
  // NIP-65: "If the marker is omitted, the relay is both read and write."
  return list === undefined ? undefined : urls(tags(list, 'r').filter((t) => (t[2] ?? 'read') === 'read'))
}

function newestOf(events: readonly Event[], kind: number, pubkey: string): Event | undefined {
  const lists = events.filter((e) => e.kind === kind && e.pubkey === pubkey)
  return newestPerAuthor(wellSigned(lists))[0]
}

// The attack: a relay makes up a newer event in somebody's name. If signatures came last, it would hide the real one.
function wellSigned(events: readonly Event[]): Event[] {
  const good = verifyEvents(events)
  return events.filter((_, index) => good[index])
}

// A list is bounded only by the size of an event, and it is kept.
function urls(entries: readonly (readonly string[])[]): string[] {
  return [...new Set(entries.slice(0, 100).flatMap((t) => relayUrl(t[1] ?? '') ?? []))].slice(0, 20)
}

// NIP-01: "In case of replaceable events with the same timestamp, the event with the lowest id should be retained".
function newestPerAuthor(events: readonly Event[]): Event[] {
  const newest = new Map<string, Event>()
  for (const event of events) {
    const held = newest.get(event.pubkey)
    const later = held === undefined || event.created_at > held.created_at
    if (later || (event.created_at === held.created_at && event.id < held.id)) newest.set(event.pubkey, event)
  }
  return [...newest.values()]
}

// Relays may serve expired events (NIP-40), and a key may claim to be on line for a year: both are checked here.
function isLive(event: Event, now: number): boolean {
  const expires = Number(tag(event, 'expiration') ?? event.created_at + PRESENCE_LIFETIME)
  return expires > now && now - event.created_at <= PRESENCE_LOOKBACK
}

function parsePresence(event: Event): Presence {
  const relays = tags(event, 'relay').flatMap((t) => relayUrl(t[1] ?? '') ?? [])
  const capabilities = tags(event, 'c').map((t) => cleanLine(t[1] ?? '', 32))
  return {
    pubkey: event.pubkey,
    name: cleanLine(tag(event, 'name') ?? '', 64),
    about: cleanLine(event.content, 280),
    capabilities: [...new Set(capabilities.filter((c) => c !== ''))].slice(0, 20),
    status: tag(event, 'status') === 'busy' ? 'busy' : 'available',
    relays: [...new Set(relays)].slice(0, 5),
    lastSeen: event.created_at,
    pow: /^\d{1,2}$/.test(tag(event, 'pow') ?? '') ? Number(tag(event, 'pow')) : 0,
  }
}
