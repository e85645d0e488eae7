// The ways in which the relay misbehaves on demand. Everything is off by default and may be set while it runs.
import type { Event } from '../../src/nostr/event.ts'

export interface RelayFaults {
  /** Says OK true and keeps nothing: for this share of events (0 to 1), or for those it names. */
  dropEvents: number | ((event: Event) => boolean)
  /** Answers events with OK false and this reason, e.g. `rate-limited: slow down`. */
  refuse: string | undefined
  /** How many events `refuse` is for; after that it is off again. */
  refuseTimes: number
  /** Sends every event twice. */
  repeat: boolean
  /** Sends stored events in random order. */
  shuffle: boolean
  /** Ms by which every outgoing frame is delayed. */
  delay: number
  /** Bytes that it sends on a connection in a second, as on a slow line. */
  bytesPerSecond: number
  /** Accepts the WebSocket, and then neither does nor says anything. */
  silent: boolean
  /** Accepts the TCP connection and never upgrades it. */
  mute: boolean
  /** Never sends an EOSE. */
  noEose: boolean
  /** Sends EOSE before its stored events. */
  eoseFirst: boolean
  /** Takes events without answering them (an AUTH is still answered). */
  noOk: boolean
  /** Takes an AUTH without answering it. */
  noAuthOk: boolean
  /** Says this in a NOTICE to whoever connects. */
  greeting: string | undefined
  /** Ignores `until` in a filter. */
  ignoreUntil: boolean
  /** Ignores these tags in a filter: with `c` it sends events whatever their `c` is. */
  ignoreTags: string
  /** Ignores `limit` in a filter. */
  ignoreLimit: boolean
  /** Closes a REQ that asks for more than its limit, with this reason, instead of sending as many as the limit. */
  closesLimit: string | undefined
  /**
   * Lets fewer questions be open on a connection than it states. It says so in these words, in a NOTICE that names no question (strfry) or
   * in the answer to the one that it refuses.
   */
  fewer: { most: number; words?: string; notice?: boolean } | undefined
  /** Most events for one filter, in place of the `limit` of its policy. */
  cap: number | undefined
  /** Sends a broken frame before each good one. */
  garbage: boolean
  /** Sends up to three stored events that were not asked for, whoever may read them. */
  foreign: boolean
  /** Cuts a connection once it has sent this many frames. */
  closeAfter: number
  /** Closes a connection with 1009 when a frame of more bytes than this comes in. */
  maxFrame: number
  /** Answers the upgrade with 429 and these headers. */
  tooMany: Record<string, string> | undefined
  /** Accepts connections within this limit, and answers others with 429, as khatru does. */
  dialLimit: RateLimit | undefined
  /** Takes events within this limit, whoever sends them, as khatru does for one address with the limits that it calls sane. */
  eventLimit: RateLimit | undefined
  /** Closes every connection as soon as it is open. */
  hangsUp: boolean
  /** Sends events with changed content under the old id and signature. */
  forge: boolean
}

/** `burst` at once, and then one every `seconds`. */
export type RateLimit = { seconds: number; burst: number }

/** A relay that does what it should. */
export function noFaults(): RelayFaults {
  return {
    dropEvents: 0,
    refuse: undefined,
    refuseTimes: Number.POSITIVE_INFINITY,
    repeat: false,
    shuffle: false,
    delay: 0,
    bytesPerSecond: Number.POSITIVE_INFINITY,
    silent: false,
    mute: false,
    noEose: false,
    eoseFirst: false,
    noOk: false,
    noAuthOk: false,
    greeting: undefined,
    ignoreUntil: false,
    ignoreTags: '',
    ignoreLimit: false,
    closesLimit: undefined,
    fewer: undefined,
    cap: undefined,
    garbage: false,
    foreign: false,
    closeAfter: Number.POSITIVE_INFINITY,
    maxFrame: Number.POSITIVE_INFINITY,
    tooMany: undefined,
    dialLimit: undefined,
    eventLimit: undefined,
    hangsUp: false,
    forge: false,
  }
}

/** Gives random numbers from 0 to below 1. */
export type SeededRandom = () => number

/** Random numbers that are the same for the same seed (mulberry32, public domain). */
export function seededRandom(seed: number): SeededRandom {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The reason with which to refuse the next event, undefined for none. Counts `refuseTimes` down. */
export function takeRefusal(faults: RelayFaults): string | undefined {
  const reason = faults.refuse
  if (reason === undefined) return undefined
  faults.refuseTimes -= 1
  if (faults.refuseTimes <= 0) Object.assign(faults, { refuse: undefined, refuseTimes: Number.POSITIVE_INFINITY })
  return reason
}

/** Whether one more is within the limit at `now`, unix seconds. One that is not does not count. */
export type RateLimiter = (limit: RateLimit | undefined, now: number) => boolean

/** Opens a leaky bucket: of what is used, one comes back every `seconds`. */
export function openRateLimiter(): RateLimiter {
  let [used, since] = [0, 0]
  return (limit, now) => {
    if (limit === undefined) return true
    const back = Math.floor((now - since) / limit.seconds)
    used = Math.max(0, used - back)
    since = used === 0 ? now : since + back * limit.seconds
    if (used >= limit.burst) return false
    used += 1
    return true
  }
}

/** Whether a relay with these faults says OK to the event and does not keep it. */
export function isDropped(event: Event, { dropEvents }: RelayFaults, random: SeededRandom): boolean {
  return typeof dropEvents === 'function' ? dropEvents(event) : dropEvents > 0 && random() < dropEvents
}

/** What a client is sent in place of `events`. `strangers`: gives events that it did not ask for. */
export function spoilEvents(
  events: Event[],
  strangers: () => Event[],
  faults: RelayFaults,
  random: SeededRandom,
): Event[] {
  const told = faults.foreign ? [...strangers().slice(0, 3), ...events] : events
  const forged = faults.forge ? told.map((event) => ({ ...event, content: changeContent(event.content) })) : told
  const repeated = faults.repeat ? forged.flatMap((event) => [event, event]) : forged
  return faults.shuffle ? shuffle(repeated, random) : repeated
}

/** A random broken frame, which a client must survive. */
export function brokenFrame(random: SeededRandom): string {
  return BROKEN_FRAMES[Math.floor(random() * BROKEN_FRAMES.length)] ?? ''
}

const BROKEN_FRAMES = [
  '',
  '{"half',
  'null',
  '[]',
  '{}',
  '[["EVENT"]]',
  '["EVENT"]',
  '["EVENT","nobody-asked",{}]',
  '["EVENT",7,null]',
  '["OK"]',
  '["OK",1,"true"]',
  '["EOSE"]',
  '["EOSE",null]',
  '["CLOSED",{}]',
  '["AUTH"]',
  '["AUTH",{"challenge":1}]',
  '["NOTICE"]',
  '["WHAT-IS-THIS","x"]',
  `${'['.repeat(2000)}${']'.repeat(2000)}`,
]

function changeContent(content: string): string {
  return `${content.startsWith('A') ? 'B' : 'A'}${content.slice(1)}`
}

function shuffle(events: Event[], random: SeededRandom): Event[] {
  return events
    .map((event) => ({ event, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ event }) => event)
}
