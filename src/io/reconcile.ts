// NIP-77 with one relay: what it has of a filter and we have not, in a message or two where a REQ would bring all of it again.
import type { Filter } from '../nostr/filter.ts'
import type { Held } from '../nostr/nip77.ts'
import type { Line } from './line.ts'
import type { Said } from './talks.ts'
import { by, stopIn } from './wait.ts'

/** How long a relay may think about one message, in ms. One that is silent for longer is asked in the old way. */
const thinks = 1_500

/** The ids that the relay has and we lack; undefined when it does not play along, or makes no sense. Never rejects. */
export async function missing(
  line: Line,
  filter: Filter,
  held: Held,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  // Only who has much to compare pays for loading it, while the connection is made.
  const { reconcile } = await import('../nostr/nip77.ts')
  const { first, next } = reconcile(held)
  await by(signal, line.ready)
  if (signal.aborted) return undefined
  const talk = line.talks.open()
  const { sub } = talk
  const needed: string[] = []
  let insisted = false
  line.send({ type: 'NEG-OPEN', sub, filter, message: first })
  try {
    for (;;) {
      const said = await answer(talk.heard(), signal)
      if (said === undefined) return undefined
      if ('message' in said) {
        const step = next(said.message)
        if (step === undefined) return undefined
        needed.push(...step.need)
        if (step.reply === undefined) return needed
        line.send({ type: 'NEG-MSG', sub, message: step.reply })
      } else if (said.reason === 'auth-required' && !insisted && needed.length === 0) {
        // Once more, because the relay may have read it before it had made up its mind about the AUTH.
        insisted = true
        const stop = stopIn(thinks, signal)
        await by(stop.signal, line.auth.settled())
        stop.clear()
        if (line.auth.standing() !== 'granted') return undefined
        line.send({ type: 'NEG-OPEN', sub, filter, message: first })
      } else {
        return undefined
      }
    }
  } finally {
    talk.close()
    line.send({ type: 'NEG-CLOSE', sub })
  }
}

/** What comes in time. */
async function answer(heard: Promise<Said>, signal: AbortSignal): Promise<Said | undefined> {
  const stop = stopIn(thinks, signal)
  const said = await by(stop.signal, heard)
  stop.clear()
  return said
}
