// Routes what a relay says to its waiters: the OK of an event, and the answers in a session of NIP-77.
import type { EventVerdict, Refusal, RelayFrame } from '../../nostr/messages.ts'
import { foreign, matches } from '../../sanitize.ts'
import { deferred } from '../timers.ts'

export type PendingOks = {
  /** Calls `listener` with every verdict on the event with that id, until the function that it gives back is called. */
  on(id: string, listener: (verdict: EventVerdict) => void): () => void
  tell(id: string, verdict: EventVerdict): void
  tellAll(verdict: EventVerdict): void
}

/** Opens the list of those who wait for an OK. */
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

/** What a relay said in a session: a message in hex, or a refusal. */
export type NegReply = { message: string } | Refusal

export type NegSession = {
  /** NIP-77: subscription ids "are in a separate namespace from REQ subscription IDs". */
  sub: string
  /** The next thing that the relay says; of several that come before it is asked for, the first: the two sides take turns. */
  nextReply(): Promise<NegReply>
  close(): void
}

export type NegSessions = {
  open(): NegSession
  tell(frame: Extract<RelayFrame, { type: 'NEG-MSG' | 'NEG-ERR' }>): void
  /** A NOTICE names no session, but a relay that does not know NIP-77 says so in one. */
  tellNotice(refusal: Refusal): void
  /** An AUTH has just been sent: what the relay answers to earlier messages may be meant for a stranger. */
  tellAuthSent(): void
}

// A NOTICE that is none of these may be a greeting, or ask for money.
const COMPLAINS =
  /\bneg|error|fail|parse|unknown|unrecogni[sz]ed|support|handle|invalid|\bbad\b|malformed|unexpected|disabled/i

/** Opens the sessions of NIP-77 on one connection. */
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
