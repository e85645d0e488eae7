// What a relay says about events, for whoever waits to hear it.
import type { Reason } from '../nostr/frames.ts'

/** What a relay made of an event. */
export type Verdict = { accepted: boolean; reason: Reason; text: string }

export type Verdicts = {
  /** Hears every verdict on the event of that id, until the function that it gives back is called. */
  on(id: string, listener: (verdict: Verdict) => void): () => void
  tell(id: string, verdict: Verdict): void
  tellAll(verdict: Verdict): void
}

export function openVerdicts(): Verdicts {
  const listeners = new Map<string, Set<(verdict: Verdict) => void>>()
  const tell = (id: string, { accepted, reason, text }: Verdict) => {
    for (const listener of [...(listeners.get(id) ?? [])]) listener({ accepted, reason, text })
  }
  return {
    on(id, listener) {
      const set = listeners.get(id) ?? new Set()
      listeners.set(id, set.add(listener))
      return () => {
        set.delete(listener)
        if (set.size === 0 && listeners.get(id) === set) listeners.delete(id)
      }
    },
    tell,
    tellAll(verdict) {
      for (const id of [...listeners.keys()]) tell(id, verdict)
    },
  }
}
