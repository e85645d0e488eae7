// The session of one client at the relay, frame by frame: NIP-01, NIP-42, the hints of NIP-67, and NIP-77.
import { randomBytes } from 'node:crypto'
import { type RawData, WebSocket } from 'ws'
import { type Event, parseEvent, verifyEvent } from '../../src/nostr/event.ts'
import { mayRead, whyNotAuthentic, whyNotServed, whyOneTooMany } from './access.ts'
import { compareByAge, type EventStore, type StoreVerdict } from './event-store.ts'
import {
  brokenFrame,
  isDropped,
  type RateLimiter,
  type RelayFaults,
  type SeededRandom,
  spoilEvents,
  takeRefusal,
} from './faults.ts'
import { fitsFilter, type RelayFilter, readFilter } from './filter.ts'
import type { Item } from './negentropy.ts'
import { answerNegFrame } from './negentropy-frames.ts'
import type { RelayPolicy } from './policy.ts'

/** What all sessions share. */
export interface Relay {
  readonly policy: RelayPolicy
  readonly faults: RelayFaults
  readonly random: SeededRandom
  readonly store: EventStore
  readonly clients: Set<Client>
  /** Whether it accepts one more connection. */
  readonly mayDial: RateLimiter
  /** Whether it takes one more event. */
  readonly mayWrite: RateLimiter
  /** The last frames that clients sent, oldest first. */
  readonly seen: { connection: number; frame: unknown[] }[]
  readonly sent: { events: number }
  connectionsSoFar: number
  url: string
}

export interface Client {
  readonly connection: number
  readonly socket: WebSocket
  readonly challenge: string
  /** The pubkeys that have authenticated. */
  readonly keys: Set<string>
  readonly subscriptions: Map<string, RelayFilter[]>
  /** The open sessions of NIP-77, by subscription id, and the events that each is about. */
  readonly negSessions: Map<string, Item[]>
  framesSent: number
  /** When all that was sent so far has passed a slow line, Unix ms. */
  busyUntil: number
}

export const maxFilters = 20
export const maxIdLength = 64
const maxSeen = 10_000

/** Serves a client of the relay until its connection ends. */
export function openSession(relay: Relay, socket: WebSocket): void {
  relay.connectionsSoFar += 1
  const connection = relay.connectionsSoFar
  const challenge = randomBytes(16).toString('hex')
  const client = {
    connection,
    socket,
    challenge,
    keys: new Set<string>(),
    subscriptions: new Map(),
    negSessions: new Map(),
    framesSent: 0,
    busyUntil: 0,
  }
  relay.clients.add(client)
  socket.on('message', (data) => handleFrame(relay, client, data))
  socket.on('close', () => {
    relay.clients.delete(client)
    relay.policy.onDeed?.({ type: 'left', connection })
  })
  // ws has closed the connection, for a message that is too large or illegal.
  socket.on('error', () => socket.terminate())
  if (relay.faults.hangsUp) {
    socket.close()
    return
  }
  if (relay.faults.greeting !== undefined) send(relay, client, ['NOTICE', relay.faults.greeting])
  if (relay.policy.auth !== 'none' && relay.policy.auth !== 'late') send(relay, client, ['AUTH', challenge])
}

function handleFrame(relay: Relay, client: Client, data: RawData): void {
  const frame = readFrame(data)
  relay.seen.push({ connection: client.connection, frame })
  if (relay.seen.length > maxSeen) relay.seen.shift()
  if (relay.faults.silent) return
  if (sizeOf(data) > relay.faults.maxFrame) {
    client.socket.close(1009)
    return
  }

  const [verb, subject, ...rest] = frame
  if (verb === 'EVENT') publish(relay, client, subject)
  else if (verb === 'AUTH') authenticate(relay, client, subject)
  else if (verb === 'REQ') subscribe(relay, client, subject, rest)
  else if (verb === 'CLOSE' && typeof subject === 'string') client.subscriptions.delete(subject)
  else if (relay.policy.negentropy !== 'none' && typeof subject === 'string' && /^NEG-/.test(String(verb)))
    for (const told of answerNegFrame(relay, client, String(verb), subject, rest)) send(relay, client, told)
  else send(relay, client, ['NOTICE', 'error: a message is a JSON array that begins with EVENT, REQ, CLOSE or AUTH'])
}

function publish(relay: Relay, client: Client, value: unknown): void {
  const event = parseEvent(value)
  const { accepted, reason, fresh } =
    event === undefined ? rejected('invalid: not an event') : judgeEvent(relay, client, event)
  if (event !== undefined) relay.policy.onDeed?.({ type: 'event', event, accepted, reason, kept: fresh })
  if (!relay.faults.noOk) sendOk(relay, client, value, accepted, reason)
  if (fresh && event !== undefined) for (const listener of relay.clients) forward(relay, listener, event)
}

function judgeEvent({ policy, faults, random, store, mayWrite }: Relay, client: Client, event: Event): StoreVerdict {
  const refusal = takeRefusal(faults)
  if (refusal !== undefined) return rejected(refusal)
  if (policy.auth === 'all' && client.keys.size === 0) return rejected('auth-required: authenticate before you publish')
  const bytes = Buffer.byteLength(JSON.stringify(event))
  if (bytes > policy.maxBytes) return rejected(`invalid: event too large: ${bytes}`)
  // NIP-59: a seal is only ever sent inside a wrap. NIP-42: an AUTH is not to be published.
  if (event.kind === 13 || event.kind === 22242) return rejected(`blocked: kind ${event.kind} is not for relays`)
  const age = policy.now() - event.created_at
  if (age < -policy.future) return rejected('invalid: created_at too late')
  if (age > policy.oldest) return rejected('invalid: created_at too early')
  // Before the store is asked: a copy with a bad signature must never stand in the way of the genuine event.
  if (!policy.trust && !verifyEvent(event)) return rejected('invalid: wrong id or signature')
  if (!mayWrite(faults.eventLimit, policy.now())) return rejected('rate-limited: slow down, please')
  if (isDropped(event, faults, random)) return { accepted: true, reason: '', fresh: false }
  return store.put(event, policy.now())
}

function rejected(reason: string): StoreVerdict {
  return { accepted: false, reason, fresh: false }
}

function forward(relay: Relay, client: Client, event: Event): void {
  if (!mayRead(relay.policy.auth, client.keys, event)) return
  for (const [id, filters] of client.subscriptions) {
    if (!filters.some((filter) => fitsFilter(filter, event))) continue
    for (const told of spoilEvents([event], () => [], relay.faults, relay.random))
      send(relay, client, ['EVENT', id, told])
  }
}

function authenticate(relay: Relay, client: Client, value: unknown): void {
  const event = parseEvent(value)
  const url = relay.policy.serviceUrl ?? relay.url
  const reason =
    event === undefined
      ? 'invalid: not an event'
      : whyNotAuthentic(event, client.challenge, { url, exact: relay.policy.exactUrl, now: relay.policy.now() })
  // NIP-42: a client may authenticate as several, one after the other.
  if (reason === undefined && event !== undefined) client.keys.add(event.pubkey)
  if (!relay.faults.noAuthOk) sendOk(relay, client, value, reason === undefined, reason ?? '')
}

function subscribe(relay: Relay, client: Client, id: unknown, asked: unknown[]): void {
  if (typeof id !== 'string' || id === '' || id.length > maxIdLength) {
    send(relay, client, ['NOTICE', `invalid: a subscription id has 1 to ${maxIdLength} characters`])
    return
  }
  // NIP-01: a REQ replaces the subscription of the same id, also when it is refused.
  client.subscriptions.delete(id)
  const filters = asked.map(readFilter).filter((filter) => filter !== undefined)
  const { auth } = relay.policy
  const crowd = whyOneTooMany(relay, client)
  if (crowd !== undefined && relay.faults.fewer?.notice) {
    send(relay, client, ['NOTICE', crowd])
    return
  }
  const fault = whyNoFilters(asked, filters) ?? crowd ?? whyTooMany(relay, filters)
  const denial = fault === undefined ? whyNotServed(auth, client.keys, filters) : undefined
  if (fault !== undefined || denial !== undefined) {
    send(
      relay,
      client,
      denial !== undefined && auth === 'notice' ? ['NOTICE', denial] : ['CLOSED', id, fault ?? denial],
    )
    if (denial !== undefined && auth === 'late') send(relay, client, ['AUTH', client.challenge])
    return
  }
  client.subscriptions.set(id, filters)
  const receiver = filters.flatMap(({ lists }) => [...(lists.get('#p') ?? [])])[0]
  if (typeof receiver === 'string') relay.policy.onDeed?.({ type: 'asked', connection: client.connection, receiver })
  answer(relay, client, id, filters)
}

function whyNoFilters(asked: unknown[], filters: RelayFilter[]): string | undefined {
  if (asked.length === 0 || asked.length > maxFilters) return `invalid: ask with 1 to ${maxFilters} filters`
  if (filters.length < asked.length) return 'invalid: a filter has an unknown field or a wrong value'
  return undefined
}

function whyTooMany({ faults, policy }: Relay, filters: RelayFilter[]): string | undefined {
  const isTooMany = filters.some(({ limit }) => Number.isFinite(limit) && limit > policy.limit)
  return isTooMany ? faults.closesLimit : undefined
}

function answer(relay: Relay, client: Client, id: string, filters: RelayFilter[]): void {
  const { policy, faults, store, random } = relay
  const now = policy.now()
  const cap = faults.cap ?? policy.limit
  const pages = filters.map((filter) => {
    const room = faults.ignoreLimit ? cap : Math.min(filter.limit, cap)
    const wanted = (event: Event) =>
      fitsFilter(filter, event, faults.ignoreUntil, faults.ignoreTags) && mayRead(policy.auth, client.keys, event)
    const found = store.find(wanted, now, room + 1)
    return { events: found.slice(0, room), complete: found.length <= room }
  })
  const events = [...new Set(pages.flatMap((page) => page.events))].sort(compareByAge)
  const strangers = () => store.find((event) => !filters.some((filter) => fitsFilter(filter, event)), now)
  const hint = pages.every((page) => page.complete) ? 'finish' : 'more'
  const end = policy.hints === 'nip67' ? ['EOSE', id, [hint]] : ['EOSE', id]
  if (faults.eoseFirst) send(relay, client, end)
  for (const event of spoilEvents(events, strangers, faults, random)) send(relay, client, ['EVENT', id, event])
  if (!faults.noEose && !faults.eoseFirst) send(relay, client, end)
}

/** Sends the OK for an event, even where nothing but its id can be read; without an id a NOTICE. */
function sendOk(relay: Relay, client: Client, value: unknown, accepted: boolean, reason: string): void {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
  send(relay, client, typeof id === 'string' ? ['OK', id, accepted, reason] : ['NOTICE', reason])
}

function send({ faults, random, sent }: Relay, client: Client, frame: unknown[]): void {
  const late = faults.delay + lineTime()
  if (late > 0) setTimeout(speak, late).unref()
  else speak()

  function lineTime(): number {
    if (!Number.isFinite(faults.bytesPerSecond)) return 0
    const now = Date.now()
    client.busyUntil = Math.max(now, client.busyUntil) + (1000 * textOf(frame).length) / faults.bytesPerSecond
    return client.busyUntil - now
  }

  function speak(): void {
    if (faults.silent || client.socket.readyState !== WebSocket.OPEN) return
    if (client.framesSent < faults.closeAfter) {
      client.framesSent += 1
      if (frame[0] === 'EVENT') sent.events += 1
      if (faults.garbage) client.socket.send(brokenFrame(random))
      client.socket.send(textOf(frame), cutIfDone)
    } else cutIfDone()
  }

  /** Cuts the connection after its last frame has left the machine. */
  function cutIfDone(): void {
    if (client.framesSent >= faults.closeAfter && client.socket.bufferedAmount === 0) client.socket.terminate()
  }
}

// Kept, since the same thousands of events are sent again and again, and answers must not take long.
const eventTexts = new WeakMap<object, string>()

function textOf(frame: unknown[]): string {
  const [verb, id, event] = frame
  if (verb !== 'EVENT' || typeof event !== 'object' || event === null) return JSON.stringify(frame)
  const text = eventTexts.get(event) ?? JSON.stringify(event)
  eventTexts.set(event, text)
  return `["EVENT",${JSON.stringify(id)},${text}]`
}

function sizeOf(data: RawData): number {
  return Array.isArray(data) ? data.reduce((sum, part) => sum + part.byteLength, 0) : data.byteLength
}

/** The frame in a message; an empty one for anything but a JSON array. */
function readFrame(data: RawData): unknown[] {
  try {
    const frame: unknown = JSON.parse(String(data))
    return Array.isArray(frame) ? frame : []
  } catch {
    return []
  }
}
