// A race of relays: once one has done what was wanted, the others get a short grace and not the whole budget.
import { setMaxListeners } from 'node:events'

export type Race = {
  /** A signal that is aborted when the relay is no longer waited for. */
  signalFor(relay: string): AbortSignal
  /** A relay has done what was wanted: the grace of the others begins. */
  markDone(): void
  /** Nobody waits any more. Must be called at the end. */
  stop(): void
}

export type RaceRules = {
  relays: Iterable<string>
  /** Ms that the others get after the first, and within which a relay that is still sending must send something more. */
  graceMs: number
  /** Ms beyond the grace that a relay gets. */
  patient?: ((relay: string) => number) | undefined
  /** When a relay last sent something, in the time of `now`. */
  heardAt?: (relay: string) => number
  /** Unix time in milliseconds. */
  now: () => number
}

/** A timer that is more than this many ms late is so because this process was busy. */
const BUSY_MS = 50

/** Opens a race of these relays. */
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
      // While this process was busy, what the relay sent lay unread: it gets the grace anew.
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

// Every question to a relay listens to its signal, and Node would warn of a leak at the eleventh listener.
function newAbort(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
