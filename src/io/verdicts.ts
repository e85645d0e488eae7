// Who waits for a relay's OK on which event.
import type { Verdict } from '../nostr/messages.ts'

export type PendingOks = {
  /** Hears every verdict on the event of that id, until the function that it gives back is called. */
  on(id: string, listener: (verdict: Verdict) => void): () => void
  tell(id: string, verdict: Verdict): void
  tellAll(verdict: Verdict): void
}

export function openPendingOks(): PendingOks {
  const listeners = new Set<{ id: string; listener: (verdict: Verdict) => void }>()
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
