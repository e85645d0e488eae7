// What has been printed is read. Done after printing, and only then.
import type { Item } from '../call/news.ts'
import { editBook } from '../state/edit.ts'
import { refresh } from '../state/refresh.ts'
import { type Place, speakerOf } from './place.ts'

export async function shown(place: Place, items: readonly Item[]): Promise<void> {
  if (items.length === 0) return
  const calls = [...new Set(items.flatMap((item) => (item.call === '' ? [] : [item.call])))]
  await place.world.store.update(calls, (fresh) => {
    const edit = editBook(fresh)
    for (const item of items) {
      if (item.call === '') {
        const letter = edit.index.dms[item.id]
        if (letter !== undefined) edit.index.dms[item.id] = { ...letter, unread: false }
      } else if (edit.book.logs[item.call] !== undefined) {
        const log = edit.log(item.call)
        const mark = item.type === 'missed' ? 'missed' : item.id
        log.unread = log.unread.filter((id) => id !== mark)
      }
    }
    return { snapshot: refresh(edit, speakerOf(place)), value: undefined }
  })
}
