// NIP-42 on one connection: as whom we authenticate, and what the relay makes of that.
import { type Keys, randomKeys } from '../../nostr/crypto.ts'
import { type Event, finalize } from '../../nostr/event.ts'
import type { Reason, Refusal } from '../../nostr/messages.ts'
import { otherSpelling } from '../../nostr/relay-url.ts'
import { foreign } from '../../sanitize.ts'

export type AuthState = 'unasked' | 'pending' | 'granted' | 'refused'

export type Auth = {
  state(): AuthState
  /** Why, while the state is `refused`. */
  refusal(): Refusal | undefined
  /** Answers a challenge; not one that is known already, one too many, or where a guest waits until the relay demands it (`kept`). */
  challenged(challenge: string): 'sent' | 'known' | 'kept' | 'too many'
  /** The relay does nothing without AUTH. Whether another AUTH goes out now: a guest shows its identity only for a write. */
  demanded(what: 'read' | 'write'): boolean
  /** Takes an OK; false where it is not for our AUTH. `again`: another AUTH was sent, with the other spelling of the address. */
  answered(ok: { id: string; accepted: boolean } & Refusal): 'settled' | 'again' | false
  /** The relay goes on and never answers our AUTH: it counts as granted. */
  presume(): void
  /** Resolves when the state is `granted` or `refused`, which may never happen. */
  settled(): Promise<void>
  /** Whether anybody waits for `settled`. */
  isAwaited(): boolean
}

export type AuthOptions = {
  url: string
  keys: Keys
  /**
   * The relay was named only by a peer: a challenge alone is not answered, a demand is answered with a throw-away key, and with our
   * identity only where that was refused. NIP-59 lets relays ask for the identity, and a relay that gets it learns who writes to whom.
   */
  guest: boolean
  /** Unix milliseconds. */
  now: () => number
  send: (event: Event) => void
}

// The attack: challenges without end, each of which costs us a signature and makes us ask for everything again.
const MAX_CHALLENGES = 8

/** A refusal with one of these reasons is not about the spelling of the address. */
const ABOUT_US: ReadonlySet<Reason> = new Set<Reason>(['restricted', 'blocked', 'rate-limited', 'pow', 'timestamp'])

/**
 * NIP-42 on one connection: answers challenges and knows whether the relay has let us in.
 */
export function openAuth({ url, keys, guest, now, send }: AuthOptions): Auth {
  let state: AuthState = 'unasked'
  let refusal: Refusal | undefined
  let challenges = 0
  let latest = { challenge: '', id: '' }
  let waiting: (() => void)[] = []
  let spelling = url
  let isRespelled = false
  // Whose key signs an AUTH. `nobody`: a guest that waits until the relay demands one.
  let role: 'nobody' | 'guest' | 'identity' = guest ? 'nobody' : 'identity'
  let mask: Keys | undefined

  const settle = () => {
    for (const resolve of waiting) resolve()
    waiting = []
  }

  function authenticate(challenge: string): void {
    mask ??= role === 'guest' ? randomKeys() : undefined
    const signer = role === 'guest' ? (mask ?? keys) : keys
    const event = authEvent(spelling, challenge, signer, Math.floor(now() / 1000))
    latest = { challenge, id: event.id }
    state = 'pending'
    refusal = undefined
    send(event)
  }

  return {
    state: () => state,
    refusal: () => refusal,
    challenged(challenge) {
      // NIP-42: a challenge "is valid for the duration of the connection or until another challenge is sent".
      if (challenge === latest.challenge) return 'known'
      challenges += 1
      if (challenges > MAX_CHALLENGES) return 'too many'
      latest = { challenge, id: '' }
      if (role === 'nobody') return 'kept'
      authenticate(challenge)
      return 'sent'
    },
    demanded(what) {
      if (role === 'identity' || state === 'pending') return false
      if (role === 'guest' && (what === 'read' || state === 'unasked')) return false
      role = role === 'nobody' ? 'guest' : 'identity'
      if (latest.challenge === '') return false
      authenticate(latest.challenge)
      return true
    },
    answered({ id, accepted, reason, text }) {
      if (id !== latest.id) return false
      // Some relays compare the address letter for letter, with a slash at its end that nobody types.
      if (!accepted && !isRespelled && !ABOUT_US.has(reason)) {
        isRespelled = true
        spelling = otherSpelling(url)
        authenticate(latest.challenge)
        return 'again'
      }
      state = accepted ? 'granted' : 'refused'
      refusal = accepted ? undefined : { reason, text: foreign`AUTH refused: ${text}` }
      settle()
      return 'settled'
    },
    presume() {
      if (state !== 'pending') return
      state = 'granted'
      settle()
    },
    isAwaited: () => waiting.length > 0,
    async settled() {
      if (state === 'granted' || state === 'refused') return
      await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}

// NIP-42, Canonical authentication event: kind 22242, the relay's address and its challenge, created_at now.
function authEvent(url: string, challenge: string, keys: Keys, created_at: number): Event {
  const tags = [
    ['relay', url],
    ['challenge', challenge],
  ]
  return finalize({ kind: 22242, created_at, tags, content: '' }, keys)
}
