// A race of relays for one thing: once one has done it, the others get a short grace and not the whole budget.
import { setMaxListeners } from 'node:events'

export type Race = {
  /** Aborted when the relay is no longer waited for. */
  signalFor(relay: string): AbortSignal
  /** A relay has done it. */
  markDone(): void
  /** Nobody waits any more. Must be called in the end. */
  stop(): void
}

export type RaceRules = {
  relays: Iterable<string>
  /** Milliseconds that the others have after the first, and within which one that still sends must send something. */
  graceMs: number
  /** Milliseconds beyond the grace that a relay is given. */
  patient?: ((relay: string) => number) | undefined
  /** When a relay last sent something, in `now`'s time. */
  heardAt?: (relay: string) => number
  /** Unix time in milliseconds. */
  now: () => number
}

/** A timer that is late by so many ms is late because of us. */
const BUSY_MS = 50

/** Who is still waited for when relays are asked side by side: once one has answered, the others get `graceMs`. */
export function openRace({ relays, graceMs, patient, heardAt, now }: RaceRules): Race {
  const controllers = new Map([...relays].map((relay) => [relay, newAbort()]))
  const timers = new Map<string, NodeJS.Timeout>()
  let doneAt: number | undefined

  function review(relay: string, since: number): void {
    const patience = Math.max(0, patient?.(relay) ?? 0)
    const ends = Math.max(since + graceMs + patience, (heardAt?.(relay) ?? 0) + graceMs)
    const left = ends - now()
    if (left <= 0) {
      controllers.get(relay)?.abort()
      return
    }
    const ring = () => {
      // While this process was at work, what the relay sent lay unread: it gets the grace anew.
      const isBusy = now() - ends > BUSY_MS
      review(relay, isBusy ? now() - patience : since)
    }
    timers.set(relay, setTimeout(ring, Math.ceil(left)))
  }

  return {
    signalFor: (relay) => (controllers.get(relay) ?? newAbort()).signal,
    markDone() {
      if (doneAt !== undefined) return
      doneAt = now()
      for (const relay of controllers.keys()) review(relay, doneAt)
    },
    stop() {
      doneAt ??= now()
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

// Every ask of a relay listens to its cut, and Node would warn of a leak at the eleventh.
function newAbort(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
