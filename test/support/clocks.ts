// Runs that share this process have a clock each: whatever asks for the time inside of one, also long after an await, has that
// run's time. Outside of them it is the real one.
import { AsyncLocalStorage } from 'node:async_hooks'

const ahead = new AsyncLocalStorage<number>()
const Real = Date

/** Runs `body` with a clock that is so many milliseconds ahead. */
export function withClock<T>(ms: number, body: () => T): T {
  return ahead.run(ms, body)
}

const now = () => Real.now() + (ahead.getStore() ?? 0)

globalThis.Date = new Proxy(Real, {
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  construct: (target, parts, made) => Reflect.construct(target, parts.length === 0 ? [now()] : parts, made),
})
