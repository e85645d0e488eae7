// NIP-42 on one connection: every challenge is answered with the identity key, and we know what the relay made of it.
import type { Keys } from '../../nostr/crypto.ts'
import { type Event, finalize } from '../../nostr/event.ts'
import type { Refusal } from '../../nostr/messages.ts'

export type AuthState = 'unasked' | 'pending' | 'granted' | 'refused'

export type Auth = {
  standing(): AuthState
  /** Why, while the standing is `refused`. */
  refusal(): Refusal | undefined
  /** Answers a challenge, unless it was answered before or there were too many. */
  challenged(challenge: string): 'sent' | 'known' | 'too many'
  /** Takes the OK of an AUTH event; false when it belongs to another event. */
  answered(ok: { id: string; accepted: boolean } & Refusal): boolean
  /** Resolves when the standing is `granted` or `refused`, which may be never. */
  settled(): Promise<void>
}

// The attack: challenges without end, each of which costs us a signature and makes us ask for everything again.
const maxChallenges = 8

export function openAuth(url: string, keys: Keys, now: () => number, send: (event: Event) => void): Auth {
  let standing: AuthState = 'unasked'
  let refusal: Refusal | undefined
  let challenges = 0
  let latest = { challenge: '', id: '' }
  let waiting: (() => void)[] = []

  const settle = () => {
    for (const resolve of waiting) resolve()
    waiting = []
  }

  return {
    standing: () => standing,
    refusal: () => refusal,
    challenged(challenge) {
      // NIP-42: a challenge "is valid for the duration of the connection or until another challenge is sent".
      if (challenge === latest.challenge) return 'known'
      challenges += 1
      if (challenges > maxChallenges) return 'too many'
      const event = authEvent(url, challenge, keys, Math.floor(now() / 1000))
      latest = { challenge, id: event.id }
      standing = 'pending'
      refusal = undefined
      send(event)
      return 'sent'
    },
    answered({ id, accepted, reason, text }) {
      if (id !== latest.id) return false
      standing = accepted ? 'granted' : 'refused'
      refusal = accepted ? undefined : { reason, text: `AUTH refused: ${text}` }
      settle()
      return true
    },
    async settled() {
      if (standing === 'granted' || standing === 'refused') return
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
