// Finding out which relays speak NIP-77: by what they say of themselves, in the run that had to read much that it knew.
import { recordNip77 } from '../state/relay-memory.ts'
import type { Place } from './place.ts'

/** How long a relay has to say it, in ms. One that says nothing is taken for one that does not, or each run would wait as long. */
const MS = 1_000

export async function acquaint({ world, now }: Place, relays: readonly string[]): Promise<void> {
  const found = await Promise.all(
    relays.map(async (relay) => ({ relay, speaks: (await world.nipsOf(relay, MS))?.includes(77) ?? false })),
  )
  await world.store.update([], (fresh) => ({ snapshot: recordNip77(fresh, found, now), value: undefined }))
}
