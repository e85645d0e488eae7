// Finding out which relays speak NIP-77: by what they say of themselves, in the run that had to read much that it knew.
import { acquainted } from '../state/relays.ts'
import type { Place } from './place.ts'

/** How long a relay has to say it, in ms. One that does not is asked again by a later run. */
const MS = 1_000

export async function acquaint({ world, now }: Place, relays: readonly string[]): Promise<void> {
  const found = await Promise.all(
    relays.map(async (relay) => {
      const nips = await world.nipsOf(relay, MS)
      return nips === undefined ? [] : [{ relay, speaks: nips.includes(77) }]
    }),
  )
  if (found.flat().length === 0) return
  await world.store.update([], (fresh) => ({ snapshot: acquainted(fresh, found.flat(), now), value: undefined }))
}
