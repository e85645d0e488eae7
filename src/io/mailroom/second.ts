// What the second thread does: it opens the wraps that it is given and sends back what was in them.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { keysFrom } from '../../nostr/crypto.ts'
import type { Event } from '../../nostr/event.ts'
import { type Unwrapped, unwrapAll } from '../../nostr/nip59.ts'

/** What it knows from the start. `until`: Unix ms when it is late. */
export type ThreadTask = { secret: Uint8Array; until: number }

/** What it is given: some wraps, the first of which has the number `from`. */
export type ThreadInput = { from: number; wraps: Event[] }

/** What it says: the wraps from `from` on, opened, as far as there was time. */
export type ThreadOutput = { from: number; opened: Unwrapped[] }

/** Does what this thread was started for. Returns false in the main thread, which was started for something else. */
export function serveUnwrapThread(): boolean {
  const port = parentPort
  if (isMainThread || port === null) return false
  const { secret, until }: ThreadTask = workerData
  const keys = keysFrom(secret)
  const late = () => Date.now() > until
  port.on('message', ({ from, wraps }: ThreadInput) => {
    const told: ThreadOutput = { from, opened: keys === undefined ? [] : unwrapAll(wraps, keys, late) }
    port.postMessage(told)
  })
  return true
}
