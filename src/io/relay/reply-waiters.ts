// Who waits for what a relay says: for its OK on an event, and for its answers in a session of NIP-77.
import type { EventVerdict, Refusal, RelayFrame } from '../../nostr/messages.ts'
import { foreign, matches } from '../../sanitize.ts'
import { deferred } from '../timers.ts'

export type PendingOks = {
  /** Hears every verdict on the event of that id, until the function that it gives back is called. */
  on(id: string, listener: (verdict: EventVerdict) => void): () => void
  tell(id: string, verdict: EventVerdict): void
  tellAll(verdict: EventVerdict): void
}

/** Gives each OK to those who wait for the answer to that event. */
export function openPendingOks(): PendingOks {
  const listeners = new Set<{ id: string; listener: (verdict: EventVerdict) => void }>()
  return {
    on(id, listener) {
      const entry = { id, listener }
      listeners.add(entry)
      return () => listeners.delete(entry)
    },
    tell(id, { accepted, reason, text }) {
      for (const one of [...listeners]) if (one.id === id) one.listener({ accepted, reason, text })
    },
    tellAll(verdict) {
      for (const one of [...listeners]) one.listener(verdict)
    },
  }
}

/** What a relay said in a session: a message in hex, or a no. */
export type NegReply = { message: string } | Refusal

export type NegSession = {
  /** NIP-77: subscription ids "are in a separate namespace from REQ subscription IDs". */
  sub: string
  /** The next thing that the relay says, and of several that came at once the first: both sides take turns. */
  nextReply(): Promise<NegReply>
  close(): void
}

export type NegSessions = {
  open(): NegSession
  tell(frame: Extract<RelayFrame, { type: 'NEG-MSG' | 'NEG-ERR' }>): void
  /** A NOTICE names no session: a relay that knows none of this says so in one. */
  tellNotice(refusal: Refusal): void
  /** An AUTH has just been sent: what the relay says to what it was asked before may be meant for a stranger. */
  tellAuthSent(): void
}

// Relays also greet with a NOTICE, and ask for money.
const COMPLAINS =
  /\bneg|error|fail|parse|unknown|unrecogni[sz]ed|support|handle|invalid|\bbad\b|malformed|unexpected|disabled/i

/** Gives NIP-77's frames to the sessions that they belong to. */
export function openNegSessions(): NegSessions {
  const open = new Map<string, (said: NegReply) => void>()
  let count = 0
  const tellAll = (said: NegReply) => {
    for (const listener of open.values()) listener(said)
  }
  return {
    open() {
      count += 1
      const sub = `neg${count}`
      let next = deferred<NegReply>()
      open.set(sub, (said) => next.resolve(said))
      return {
        sub,
        async nextReply() {
          const said = await next.promise
          next = deferred()
          return said
        },
        close: () => void open.delete(sub),
      }
    },
    tell(frame) {
      const { type, sub } = frame
      open.get(sub)?.(type === 'NEG-MSG' ? { message: frame.message } : { reason: frame.reason, text: frame.text })
    },
    tellNotice(refusal) {
      if (refusal.reason !== 'error' || matches(refusal.text, COMPLAINS)) tellAll(refusal)
    },
    tellAuthSent: () => tellAll({ reason: 'auth-required', text: foreign`a challenge` }),
  }
}
