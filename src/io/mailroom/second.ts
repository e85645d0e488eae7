// What the second thread does: it takes shares of the wraps and sends back what was in them.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { type Keys, keysFrom } from '../../nostr/crypto.ts'
import type { Event } from '../../nostr/event.ts'
import { type Unwrapped, unwrapAll } from '../../nostr/unwrap.ts'
import { takeShare } from './share.ts'

/** All that the second thread is told. `until`: Unix ms when it is late. */
export type Task = { secret: Uint8Array; wraps: Event[]; next: Int32Array<SharedArrayBuffer>; until: number }

/** What it says: the wraps from `from` on, opened; when there is no more to take, it ends. */
export type Told = { from: number; opened: Unwrapped[] }

/** Does the task that this thread was started with. Returns false in the main thread, which has none. */
export function serve(): boolean {
  if (isMainThread || parentPort === null) return false
  const task: Task = workerData
  const keys = keysFrom(task.secret)
  if (keys !== undefined) for (const told of work(task, keys)) parentPort.postMessage(told)
  return true
}

function* work({ wraps, next, until }: Task, keys: Keys): Generator<Told> {
  const late = () => Date.now() > until
  while (!late()) {
    const share = takeShare(next, wraps.length)
    if (share === undefined) return
    yield { from: share.from, opened: unwrapAll(wraps.slice(share.from, share.to), keys, late) }
  }
}
