// The picture of the rooms is that of today's imports.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readSources } from '../../scripts/rooms/imports.ts'
import { drawRooms, PICTURE } from '../../scripts/rooms.ts'

test('docs/rooms.svg is what `npm run rooms` draws', () => {
  expect(readFileSync(PICTURE, 'utf8')).toBe(drawRooms(readSources()))
})

test('another import is another picture; an arrow that follows from others is not drawn', () => {
  const files: [string, string][] = [
    ['nostr/a.ts', ''],
    ['call/a.ts', "import { a } from '../nostr/a.ts'"],
    ['state/a.ts', "import { a } from '../call/a.ts'"],
  ]
  const picture = drawRooms(new Map(files))
  const arrows = (text: string) => text.match(/marker-end/g)?.length
  expect(arrows(picture)).toBe(2)
  expect(drawRooms(new Map([...files, ['state/b.ts', "import { a } from '../nostr/a.ts'"]]))).toBe(picture)
  expect(
    arrows(drawRooms(new Map([...files, ['run/a.ts', "import type { A } from '../io/a.ts'"], ['io/a.ts', '']]))),
  ).toBe(3)
})
