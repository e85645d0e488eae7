// Waiting that ends: at a moment, or earlier when it is stopped. Whoever starts a timer here clears it.

/** setTimeout takes 31 bits of milliseconds and fires at once on more. */
const MAX_TIMEOUT = 2 ** 31 - 1

export type AbortTimer = { signal: AbortSignal; clear(): void }

/** A signal that is aborted `ms` from now, or as soon as one of the others is. Call `clear` when it is no longer needed. */
export function abortAfter(ms: number, ...others: readonly (AbortSignal | undefined)[]): AbortTimer {
  const controller = new AbortController()
  const stop = () => controller.abort()
  const timer = setTimeout(stop, Math.min(ms, MAX_TIMEOUT))
  for (const other of others) onAbort(other, stop)
  const clear = () => {
    clearTimeout(timer)
    for (const other of others) other?.removeEventListener('abort', stop)
  }
  return { signal: controller.signal, clear }
}

/** What the promise gives, or undefined once the signal is aborted. The promise must never reject. */
export function beforeAbort<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | undefined> {
  const { promise: first, resolve } = deferred<T | undefined>()
  const stop = () => resolve(undefined)
  onAbort(signal, stop)
  void promise.then((value) => {
    signal.removeEventListener('abort', stop)
    resolve(value)
  })
  return first
}

/** Whether `ms` went by before the signal was aborted. */
export async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = deferred<true>()
  const timer = setTimeout(() => resolve(true), Math.min(ms, MAX_TIMEOUT))
  const slept = await beforeAbort(signal, promise)
  clearTimeout(timer)
  return slept ?? false
}

/** Calls back when the signal is aborted, at once when it already is. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): void {
  if (signal?.aborted) listener()
  else signal?.addEventListener('abort', listener, { once: true })
}

export type Deferred<T> = { promise: Promise<T>; resolve(value: T): void }

/** A promise with its resolve outside. It never rejects, so it can be left alone. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** "2.5 s", of milliseconds. */
export function formatSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}

/**
 * The message of an error, or its code: a host with several addresses that all fail gives an error without a message. The other side may
 * have written a part of it (a certificate's names): `foreignLine` makes it fit to be shown.
 */
export function errorCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}
