// What relays have taken, written down while the rest is still on its way: whoever is killed in the middle of a file need not
// say again what was said.
import { recordLettersSent } from '../state/letters.ts'
import { type PublishResult, recordPublished } from '../state/outbox.ts'
import { type Place, speakerOf } from './place.ts'

export type Ledger = {
  note(credits: PublishResult[]): void
  /** Waits for what is being written; the rumors whose credits are on disk. The others are for the caller to write. */
  close(): Promise<ReadonlySet<string>>
}

/** A write takes longer the larger the call is; between two of them passes three times as much. */
const REST = 3

export function openLedger(place: Place): Ledger {
  const { world } = place
  const written = new Set<string>()
  let waiting: PublishResult[] = []
  let writing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let pause = 0
  let closed = false

  async function write(): Promise<void> {
    const credits = waiting
    waiting = []
    const began = world.clock()
    const calls = credits.map((c) => c.call).filter((call) => call !== '')
    await world.store.update(calls, (fresh) => {
      const speaker = speakerOf(place)
      return {
        snapshot: recordPublished(recordLettersSent(fresh, credits, speaker), credits, speaker),
        value: undefined,
      }
    })
    for (const { rumor } of credits) written.add(rumor)
    pause = REST * (world.clock() - began)
  }

  function plan(): void {
    if (closed || timer !== undefined || writing !== undefined || waiting.length === 0) return
    timer = setTimeout(begin, pause)
  }

  function begin(): void {
    timer = undefined
    // A disk that is full is heard of at the end of the run, when all of it is to be written.
    writing = write().catch(() => {})
    void writing.then(() => {
      writing = undefined
      plan()
    })
  }

  return {
    note(credits) {
      waiting.push(...credits)
      plan()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await writing
      return written
    },
  }
}
