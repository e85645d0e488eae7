// As much news as one look can hold: agents' tools cut what a command prints at about 16,000 characters without a word, and
// what was cut away there would count as read.
import type { Item } from './news.ts'
import { plain } from './plain.ts'

/** Most characters of news, and what an item takes beside its text, and each line of it. */
const MOST = 10_000
const FRAME = 250
const MARK = 9

/** The first items that fit, the first one in any case; of a text that is too long its beginning, and `cut`. */
export function fitting(items: readonly Item[], most = MOST): Item[] {
  const kept: Item[] = []
  let room = most
  for (const item of items) {
    const part = shortened(item, most)
    room -= sizeOf(part)
    if (kept.length > 0 && room < 0) break
    kept.push(part)
  }
  return kept
}

function shortened(item: Item, most: number): Item {
  if (sizeOf(item) <= most) return item
  // A line may hold nothing and takes its mark all the same.
  const lines = item.text
    .slice(0, most)
    .split('\n')
    .slice(0, Math.floor(most / (2 * MARK)))
  return { ...item, text: plain(lines.join('\n'), most - MARK * lines.length), cut: true }
}

function sizeOf({ text }: Item): number {
  return FRAME + text.length + MARK * text.split('\n').length
}
