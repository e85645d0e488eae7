// What has been printed is read. Done after printing, and only then.
import type { InboxItem } from '../call/inbox-items.ts'
import { markRead } from '../state/read-marks.ts'
import { type Place, speakerOf } from './place.ts'

export async function shown(place: Place, items: readonly InboxItem[]): Promise<void> {
  if (items.length === 0) return
  const calls = [...new Set(items.flatMap((item) => (item.call === '' ? [] : [item.call])))]
  await place.world.store.update(calls, (fresh) => ({
    snapshot: markRead(fresh, items, speakerOf(place)),
    value: undefined,
  }))
}
