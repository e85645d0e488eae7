// Why a relay did not do what we wanted: the prefixes of NIP-01 and NIP-42, and what we see for ourselves.

/**
 * Why something did or did not happen at a relay. From `accepted` to `error` the relay said so, in the prefixes of NIP-01
 * and NIP-42; `timestamp` is an `invalid:` that is about created_at. The rest is what we saw ourselves: no connection, no
 * answer, an answer still under way when time was up, or an answer with a hole that the relay does not let us fill.
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

/** A no, in the relay's words (made safe to print) or in ours. */
export type Refusal = { reason: Reason; text: string }

const maxText = 200

const prefixes: ReadonlyMap<string, Reason> = new Map<string, Reason>([
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
const aboutTime = /created_at|timestamp|\bdate\b|too (early|late|old|new|far)|in the (future|past)|expired|\bclock\b/i

/** A no as a relay words it in OK, CLOSED and NOTICE: a prefix of NIP-01 or NIP-42, a colon, and text for people. */
export function parseRefusal(message: unknown): Refusal {
  const text = typeof message === 'string' ? plain(message) : ''
  const prefix = /^([a-z-]+)(?::|$)/i.exec(text)?.[1] ?? ''
  const reason = prefixes.get(prefix.toLowerCase()) ?? 'error'
  return { reason: reason === 'invalid' && aboutTime.test(text) ? 'timestamp' : reason, text }
}

/** A stranger's words on one line of ours: no control, line or bidi characters, no half characters, at most 200 units. */
export function plain(text: string): string {
  const safe = text.slice(0, 4 * maxText).replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ')
  return safe
    .trim()
    .slice(0, maxText)
    .replace(/\p{Cs}$/u, '')
}
