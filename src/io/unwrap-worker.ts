// Opens a mailbox on this thread, and where many wraps wait on a second thread too, which opens what it is given and sends back what was in
// it. The result is the same.
import { availableParallelism, loadavg } from 'node:os'
import threads from 'node:worker_threads'
import { type Keys, keysFrom } from '../nostr/crypto.ts'
import type { Event } from '../nostr/event.ts'
import { type CallKeyring, openSeal, openWraps, type Unwrapped, unwrapAll } from '../nostr/nip59-unwrap.ts'
import { openShares } from './unwrap-shares.ts'

/** From this many wraps on a second thread is worth the time that it takes to start. */
const MIN_WRAPS = 250

/** How many shares the second thread is given ahead, so that it does not wait for this one and does not hold the whole mailbox. */
const SHARES_AHEAD = 2

/**
 * Heap of the second thread, in MB: `young` for what does not last (more makes it hardly faster), `old` for the rest. Two shares of the
 * largest wraps need less than half of that; if the heap runs out, the thread ends and this one does its work.
 */
const THREAD_MEMORY = { young: 2, old: 64 }

/**
 * `worth`: whether this many wraps are worth a second thread. `patience`: ms that its last shares are waited for, which take a few dozen;
 * `grace`: the same where time is up already.
 */
export type UnwrapSettings = { worth: (count: number) => boolean; patience: number; grace: number }

const DEFAULTS: UnwrapSettings = { worth: isWorthTwoThreads, patience: 2_000, grace: 250 }

/**
 * Opens wraps until `until` (Unix ms), but at least the first: what was in each, or undefined where it was too late. The wraps are taken
 * out of the array as they are opened: a mailbox may be large, and nobody needs a wrap that was opened. Rejects with what the keyring
 * throws.
 */
export type UnwrapAll = (wraps: Event[], until: number, keyring?: CallKeyring) => Promise<(Unwrapped | undefined)[]>

/**
 * An unwrapper that opens what is sealed for these keys. `script`: the file of the whole program, which a second thread can run.
 * Without it this thread does everything.
 */
export function unwrapperOf(
  keys: Keys,
  clock: () => number,
  script?: string,
  { worth, patience, grace } = DEFAULTS,
): UnwrapAll {
  return async (wraps, until, keyring) => {
    const late = () => clock() > until
    const total = wraps.length
    const options = { late, keyring }
    if (script === undefined || !worth(total)) return unwrapAll(wraps.splice(0), keys, options)
    const opened = new Map<number, Unwrapped>()
    const keep = (from: number, some: readonly Unwrapped[]) => {
      for (const [n, one] of some.entries()) opened.set(from + n, one)
    }
    const next = openShares(total)
    const part = (share = next()) => share && { from: share.from, wraps: wraps.splice(0, share.to - share.from) }
    // The first share, which is the largest, is for this thread: the other one has still to start.
    let mine = part()
    // `lent`: what the second thread has not given back yet; `returned`: what it has given back since this thread last looked.
    const lent = new Map<number, Event[]>()
    const returned: ThreadOutput[] = []
    const give = () => {
      const given = part()
      if (given !== undefined) lent.set(given.from, given.wraps)
      return given
    }
    const back = (output: ThreadOutput) => {
      returned.push(output)
      const left = lent.get(output.from)?.slice(output.opened.length) ?? []
      lent.delete(output.from)
      if (left.length > 0) lent.set(output.from + output.opened.length, left)
    }
    const finish = () => {
      for (const { from, opened: some } of returned.splice(0))
        keep(
          from,
          some.map((one) => ('sealed' in one ? openSeal(one.sealed, keys, { wrap: one.wrap, keyring }) : one)),
        )
    }
    const second = startSecond(script, { secret: keys.secret, until, authors: keyring?.authors ?? [] }, give, back)
    try {
      while (mine !== undefined) {
        keep(mine.from, unwrapAll(mine.wraps, keys, options))
        // Messages of the second thread arrive only when this one lets the event loop go on.
        await new Promise((resolve) => setImmediate(resolve))
        finish()
        mine = late() ? undefined : part()
      }
      await second?.until(() => lent.size === 0, late() ? grace : patience)
    } finally {
      second?.end()
    }
    finish()
    // The second thread broke or is stuck: this one does the rest.
    for (const [from, left] of lent) if (!late()) keep(from, unwrapAll(left, keys, options))
    return Array.from({ length: total }, (_, index) => opened.get(index))
  }
}

// On a busy machine a second thread only takes turns with the first one.
function isWorthTwoThreads(count: number): boolean {
  const [load = 0] = loadavg()
  return count >= MIN_WRAPS && availableParallelism() > 1 && load < 1.5 * availableParallelism()
}

/** `until`: waits until `done()`, as long as the thread lives, at most `ms` milliseconds. `end`: ends the thread. */
type SecondThread = { until(done: () => boolean, ms: number): Promise<void>; end(): void }

// A thread that cannot start, or breaks, is no failure: this thread does all of the work.
function startSecond(
  script: string,
  { secret, ...task }: ThreadTask,
  part: () => ThreadInput | undefined,
  keep: (output: ThreadOutput) => void,
): SecondThread | undefined {
  // In memory that both threads see, not in a message: nothing that carried the secret is left once it is overwritten.
  const lent = new Uint8Array(new SharedArrayBuffer(secret.length))
  lent.set(secret)
  try {
    const worker = new threads.Worker(script, {
      ...{ argv: [UNWRAP_THREAD], workerData: { ...task, secret: lent }, stdin: false, stdout: true, stderr: true },
      resourceLimits: { maxYoungGenerationSizeMb: THREAD_MEMORY.young, maxOldGenerationSizeMb: THREAD_MEMORY.old },
    })
    let alive = true
    let look = () => {}
    const over = () => {
      alive = false
      look()
    }
    const give = () => {
      const given = part()
      if (given !== undefined) worker.postMessage(given)
    }
    worker.on('error', over).on('exit', over).unref()
    worker.on('message', (output: ThreadOutput) => {
      keep(output)
      give()
      look()
    })
    for (let n = 0; n < SHARES_AHEAD; n++) give()
    const until = async (done: () => boolean, ms: number) => {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        look = () => (done() || !alive ? resolve() : undefined)
        timer = setTimeout(resolve, ms)
        look()
      })
      clearTimeout(timer)
    }
    return { until, end: () => void worker.terminate().finally(() => lent.fill(0)) }
  } catch {
    lent.fill(0)
    return undefined
  }
}

/** What the second thread is started with. `until`: Unix ms. `authors`: whose seals it hands back unopened. */
export type ThreadTask = { secret: Uint8Array; until: number; authors: readonly string[] }

/** What the second thread is given: some wraps, the first of which has the number `from`. */
export type ThreadInput = { from: number; wraps: Event[] }

/** A seal that a call key may open. Call keys are never in the second thread. */
type SealedForCall = { wrap: string; sealed: Event }

/** What the second thread sends back: the wraps from `from` on, opened, as far as there was time. */
export type ThreadOutput = { from: number; opened: (Unwrapped | SealedForCall)[] }

/** Opens wraps, where this is the second thread. False in the main thread, which was started for something else. */
export function serveUnwrapThread(): boolean {
  const port = threads.parentPort
  if (threads.isMainThread || port === null) return false
  const { secret, until, authors }: ThreadTask = threads.workerData
  const keys = keysFrom(secret)
  const [late, inCalls] = [() => Date.now() > until, new Set(authors)]
  const open = (wraps: Event[], own: Keys) =>
    openWraps<Unwrapped | SealedForCall>(wraps, own, {
      late,
      inside: (sealed, wrap) => (inCalls.has(sealed.pubkey) ? { wrap, sealed } : openSeal(sealed, own, { wrap })),
    })
  port.on('message', ({ from, wraps }: ThreadInput) => {
    const output: ThreadOutput = { from, opened: keys === undefined ? [] : open(wraps, keys) }
    port.postMessage(output)
  })
  return true
}

/** The argument by which the program knows that it was started as the second thread. */
export const UNWRAP_THREAD = 'second-thread'
