// NIP-42 on one connection: who we are to the relay, and what it makes of that.
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
  /** Answers a challenge, unless it was answered before, there were too many, or a guest waits until it must. */
  challenged(challenge: string): 'sent' | 'known' | 'kept' | 'too many'
  /** The relay does nothing without AUTH: whether one goes out now that did not before. Only a write may be worth our identity. */
  demanded(what: 'read' | 'write'): boolean
  /** Takes the OK of an AUTH event; false when it belongs to another event. `again`: another AUTH has been sent for it. */
  answered(ok: { id: string; accepted: boolean } & Refusal): 'settled' | 'again' | false
  /** The relay goes on and never says what it made of our AUTH: it is taken for granted. */
  presume(): void
  /** Resolves when the state is `granted` or `refused`, which may be never. */
  settled(): Promise<void>
  /** Whether anybody waits for that. */
  isAwaited(): boolean
}

export type AuthOptions = {
  url: string
  keys: Keys
  /**
   * At a relay that only a peer has named a challenge alone is not answered, and a demand with a key made for it. Our identity
   * only where that is refused: NIP-59 lets relays ask for it, and who asks learns who writes to whom.
   */
  guest: boolean
  /** Unix milliseconds. */
  now: () => number
  send: (event: Event) => void
}

// The attack: challenges without end, each of which costs us a signature and makes us ask for everything again.
const MAX_CHALLENGES = 8

/** A no of these kinds is not about how the address is spelled. */
const ABOUT_US: ReadonlySet<Reason> = new Set<Reason>(['restricted', 'blocked', 'rate-limited', 'pow', 'timestamp'])

/**
 * NIP-42 on one connection: answers challenges and knows whether the relay has let us in. `guest`: the identity is shown only
 * after a throw-away key was refused.
 */
export function openAuth({ url, keys, guest, now, send }: AuthOptions): Auth {
  let state: AuthState = 'unasked'
  let refusal: Refusal | undefined
  let challenges = 0
  let latest = { challenge: '', id: '' }
  let waiting: (() => void)[] = []
  let spelling = url
  let isRespelled = false
  // What we are called by. A guest waits to be asked.
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
      // Some relays compare the address letter for letter, with a slash at its end that nobody has typed.
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
