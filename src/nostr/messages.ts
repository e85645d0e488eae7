// The frames of NIP-01, NIP-42 and NIP-77 as closed unions: what we say to a relay, and what a relay may say to us. And why
// a relay did not do what we wanted: by the prefixes of NIP-01 and NIP-42, or as we saw ourselves.
import { isRecord, parseJson } from '../json.ts'
import { type Foreign, foreign, foreignLine, matches } from '../sanitize.ts'
import { isHex32 } from './crypto.ts'
import type { Event } from './event.ts'
import type { Filter } from './filter.ts'

export type ClientFrame =
  | { type: 'REQ'; sub: string; filter: Filter }
  | { type: 'CLOSE'; sub: string }
  | { type: 'EVENT'; event: Event }
  | { type: 'AUTH'; event: Event }
  /** NIP-77; `message` is hex. */
  | { type: 'NEG-OPEN'; sub: string; filter: Filter; message: string }
  | { type: 'NEG-MSG'; sub: string; message: string }
  | { type: 'NEG-CLOSE'; sub: string }

/** `text` is the relay's own. `event` is not looked at yet: `id` is only what the relay claims. */
export type RelayFrame =
  | { type: 'EVENT'; sub: string; id: string; event: unknown }
  | ({ type: 'OK'; id: string } & EventVerdict)
  | { type: 'EOSE'; sub: string; hint?: Hint }
  | ({ type: 'CLOSED'; sub: string } & Refusal)
  | ({ type: 'NOTICE' } & Refusal)
  | { type: 'AUTH'; challenge: string }
  | { type: 'NEG-MSG'; sub: string; message: string }
  | ({ type: 'NEG-ERR'; sub: string } & Refusal)

/** What a relay made of an event. */
export type EventVerdict = { accepted: boolean; reason: Reason; text: Foreign }

/** NIP-67: the relay has sent all that it keeps, or knows that it has not. */
export type Hint = 'finish' | 'more'

/** A longer frame is not looked at (characters), and one of more bytes ends its connection. */
export const MAX_FRAME = 1_048_576

const MAX_CHALLENGE = 1_024
// NIP-01: a subscription id is a "non-empty string of max length 64 chars".
const MAX_SUB = 64

// Relays that do not know NIP-42's prefixes ask in a NOTICE, in words of their own. And some say in it that they do not ask.
const DEMANDS_AUTH = /unauth|(must|need|please|requir).{0,80}auth|auth.{0,80}(must|need|first|requir)/i
const NAMES_AUTH = /nip-?42/i
const WAIVES_AUTH =
  /(\bnot|n['’]t|\b(dont|doesnt|never|no longer)) (need|require|have to)|\bneed(n['’]t| not) auth|\b(not|un) ?(needed|required|necessary)|\bno \w+ (is )?(needed|required|necessary)|\boptional\b|auth\w*["']?\s*[:=]\s*(false|no|off|none)\b/i
const OFFERS_AUTH = /\b(support|implement)/i

/** The text of a frame of ours. */
export function clientFrame(frame: ClientFrame): string {
  switch (frame.type) {
    case 'REQ':
      return JSON.stringify(['REQ', frame.sub, frame.filter])
    case 'CLOSE':
      return JSON.stringify(['CLOSE', frame.sub])
    case 'EVENT':
    case 'AUTH':
      return JSON.stringify([frame.type, frame.event])
    case 'NEG-OPEN':
      return JSON.stringify([frame.type, frame.sub, frame.filter, frame.message])
    case 'NEG-MSG':
      return JSON.stringify([frame.type, frame.sub, frame.message])
    case 'NEG-CLOSE':
      return JSON.stringify([frame.type, frame.sub])
  }
}

/** What a relay said, or undefined for what is none of its frames. Never throws. */
export function parseRelayFrame(text: string): RelayFrame | undefined {
  const frame = text.length > MAX_FRAME ? undefined : parseJson(text)
  if (!Array.isArray(frame)) return undefined
  const [type, first, second, third]: unknown[] = frame
  if (typeof first !== 'string') return undefined
  switch (type) {
    case 'EVENT':
      return parseEventFrame(first, second)
    case 'OK':
      return isHex32(first) ? { type, id: first, ...parseVerdict(second, third) } : undefined
    case 'EOSE':
      return isSub(first) ? { type, sub: first, ...parseHint(second) } : undefined
    case 'CLOSED':
      return isSub(first) ? { type, sub: first, ...withWords(parseRefusal(second), 'closed') } : undefined
    case 'NOTICE':
      return { type, ...parseNotice(first) }
    case 'AUTH':
      return first.length > 0 && first.length <= MAX_CHALLENGE ? { type, challenge: first } : undefined
    case 'NEG-MSG':
      return isSub(first) && isHex(second) ? { type, sub: first, message: second } : undefined
    case 'NEG-ERR':
      return isSub(first) ? { type, sub: first, ...withWords(parseRefusal(second), 'closed') } : undefined
    default:
      return undefined
  }
}

function parseEventFrame(sub: string, event: unknown): RelayFrame | undefined {
  if (!isSub(sub) || !isRecord(event)) return undefined
  const { id } = event
  return typeof id === 'string' && isHex32(id) ? { type: 'EVENT', sub, id, event } : undefined
}

function parseVerdict(accepted: unknown, message: unknown): EventVerdict {
  const refusal = parseRefusal(message)
  // A mistake rather than an attack: a relay, or a test's mock of one, says "true" or 1. Only true is a yes.
  if (accepted !== true) return { accepted: false, ...withWords(refusal, 'refused') }
  const reason: Reason = refusal.reason === 'duplicate' ? 'duplicate' : 'accepted'
  return { accepted: true, reason, text: refusal.text }
}

// Whoever reads of the refusal should not read an empty text.
function withWords({ reason, text }: Refusal, what: 'closed' | 'refused'): Refusal {
  if (matches(text, /^:?$/)) return { reason, text: foreign`${what} without a reason` }
  return { reason, text: matches(text, /^[a-z-]+:$/i) ? foreign`${text} ${what} without a reason` : text }
}

function parseNotice(message: string): Refusal {
  const notice = parseRefusal(message)
  return asksForAuth(notice.text) ? { reason: 'auth-required', text: notice.text } : notice
}

function asksForAuth(text: Foreign): boolean {
  if (matches(text, WAIVES_AUTH)) return false
  // "does your client implement NIP-42?" asks for it; "supports NIP-42" does not.
  return (
    matches(text, DEMANDS_AUTH) || (matches(text, NAMES_AUTH) && (!matches(text, OFFERS_AUTH) || matches(text, /\?/)))
  )
}

// NIP-67: "Clients MUST ignore unknown hint values without error." Of two that contradict each other the cautious one counts.
function parseHint(hints: unknown): { hint?: Hint } {
  if (!Array.isArray(hints)) return {}
  if (hints.includes('more')) return { hint: 'more' }
  return hints.includes('finish') ? { hint: 'finish' } : {}
}

function isSub(text: string): boolean {
  return text.length > 0 && text.length <= MAX_SUB
}

function isHex(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length % 2 === 0 && /^[0-9a-f]*$/.test(value)
}

/**
 * Why something did or did not happen at a relay. From `accepted` to `error` the relay said so, in the prefixes of NIP-01
 * and NIP-42; `timestamp` is an `invalid:` that is about created_at. The rest is what we saw ourselves: no connection, no
 * answer, an answer still under way when time was up, an answer with a hole that the relay does not let us fill, or a message that
 * is too large for the relay.
 */
export type Reason =
  | 'accepted'
  | 'duplicate'
  | 'auth-required'
  | 'restricted'
  | 'blocked'
  | 'rate-limited'
  | 'invalid'
  | 'timestamp'
  | 'pow'
  | 'mute'
  | 'error'
  | 'unreachable'
  | 'silent'
  | 'slow'
  | 'partial'
  | 'too-large'

/** A no, in the relay's words or in ours. */
export type Refusal = { reason: Reason; text: Foreign }

/** Characters of a message that are looked at. */
const MAX_MESSAGE = 1_000

const PREFIXES: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['duplicate', 'duplicate'],
  ['auth-required', 'auth-required'],
  ['restricted', 'restricted'],
  ['blocked', 'blocked'],
  ['rate-limited', 'rate-limited'],
  ['invalid', 'invalid'],
  ['unsupported', 'invalid'],
  ['pow', 'pow'],
  ['mute', 'mute'],
])

// Relays word it as they like: "created_at too late", "event creation date is too far off from the current time".
const ABOUT_TIME = /created_at|timestamp|\bdate\b|too (early|late|old|new|far)|in the (future|past)|expired|\bclock\b/i

/** A no as a relay words it in OK, CLOSED and NOTICE: a prefix of NIP-01 or NIP-42, a colon, and text for people. */
export function parseRefusal(message: unknown): Refusal {
  const said = typeof message === 'string' ? message.slice(0, MAX_MESSAGE).trim() : ''
  const prefix = /^([a-z-]+)(?::|$)/i.exec(said)?.[1] ?? ''
  const reason = PREFIXES.get(prefix.toLowerCase()) ?? 'error'
  const text = foreignLine(said)
  return { reason: reason === 'invalid' && matches(text, ABOUT_TIME) ? 'timestamp' : reason, text }
}
