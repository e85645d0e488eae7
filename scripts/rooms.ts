// Draws the folders of src/ (rooms) by what their files import: docs/rooms.svg. npm run rooms
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { importsOf, readSources, roomOf } from './rooms/imports.ts'

export const PICTURE = fileURLToPath(new URL('../docs/rooms.svg', import.meta.url))

/** What each room is for. The rest of the picture is read from the code. */
const PURPOSE: Readonly<Record<string, string>> = {
  'main.ts': 'starts it all',
  'cli/': 'argv, help, output, terminal',
  'commands/': 'a file a verb: how it is typed and printed',
  'run/': 'one run: load, sync, step, save, execute, report',
  'io/': 'relays, HTTP, disk, settings, the owner',
  'state/': 'what is kept beside the calls, and how it changes',
  'call/': 'what a call is: signals, rules, replay, transcript',
  'nostr/': 'the wire, a file a NIP',
}

/** A room. `needs`: the rooms that it imports, and whether only types; `outside`: whether it touches more than memory. */
type Room = { name: string; needs: Map<string, 'values' | 'types'>; packages: string[]; outside: boolean }

type Arrow = { from: string; to: string; what: 'values' | 'types' }

const [WIDTH, HEIGHT, GAP, LEFT, TOP] = [560, 58, 34, 148, 16]

/** The picture as SVG. The same sources give the same text. */
export function drawRooms(sources: ReadonlyMap<string, string>): string {
  const rooms = ordered(roomsOf(sources))
  const place = new Map(rooms.map(({ name }, n) => [name, TOP + n * (HEIGHT + GAP)]))
  const height = TOP + rooms.length * (HEIGHT + GAP) + 16
  const arrows = rooms.flatMap((room) =>
    [...room.needs]
      .filter(([to]) => !isImplied(rooms, room.name, to))
      .map(([to, what]) => ({ from: room.name, to, what })),
  )
  const span = ({ from, to }: Arrow) => rooms.findIndex((r) => r.name === to) - rooms.findIndex((r) => r.name === from)
  // The shortest next to the boxes.
  const lanes = arrows.filter((arrow) => span(arrow) > 1).sort((a, b) => span(a) - span(b))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 16} ${height}" font-family="sans-serif">`,
    '<title>The rooms of src/ and who imports whom</title>',
    '<defs><marker id="head" markerWidth="9" markerHeight="9" refX="8" refY="4.5" orient="auto"><path d="M0 0L9 4.5L0 9z"/></marker></defs>',
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...rooms.map((room) => box(room, place.get(room.name) ?? 0)),
    ...arrows.map((arrow) => {
      const [from, to] = [place.get(arrow.from) ?? 0, place.get(arrow.to) ?? 0]
      const lane = lanes.indexOf(arrow)
      // Each lane meets the boxes at a height of its own.
      const [x, leave, arrive] = [LEFT - 24 - 22 * lane, from + HEIGHT - 8 - 8 * lane, to + 8 + 8 * lane]
      const path = lane < 0 ? `M${LEFT + WIDTH / 2} ${from + HEIGHT}V${to}` : `M${LEFT} ${leave}H${x}V${arrive}H${LEFT}`
      const dashes = arrow.what === 'types' ? ' stroke-dasharray="5 4"' : ''
      return `<path d="${path}" fill="none" stroke="#333" stroke-width="1.5"${dashes} marker-end="url(#head)"/>`
    }),
    `<text x="${LEFT}" y="${height - 26}" font-size="12" fill="#333">An arrow: imports. Dashed: only types. Arrows that follow from others are left out.</text>`,
    `<text x="${LEFT}" y="${height - 10}" font-size="12" fill="#333">Orange: touches the disk, the network or the terminal.</text>`,
    '</svg>',
    '',
  ].join('\n')
}

function roomsOf(sources: ReadonlyMap<string, string>): Room[] {
  const rooms = new Map<string, Room>()
  for (const [name, text] of sources) {
    const own = roomOf(name)
    if (PURPOSE[own] === undefined) continue
    const room = rooms.get(own) ?? { name: own, needs: new Map(), packages: [], outside: false }
    rooms.set(own, room)
    for (const { to, type } of importsOf(name, text)) {
      const other = roomOf(to)
      if (other === own) continue
      if (PURPOSE[other] === undefined) addPackage(room, to, type)
      else if (!type) room.needs.set(other, 'values')
      else if (!room.needs.has(other)) room.needs.set(other, 'types')
    }
  }
  return [...rooms.values()]
}

// Only names that a newcomer looks for: a scope once, and Node's own modules as one, except node:crypto.
function addPackage(room: Room, to: string, type: boolean): void {
  const isNode = to.startsWith('node:')
  if (type || /^[\w-]+\.ts$/.test(to)) return
  if (isNode && to !== 'node:crypto') room.outside = true
  const name = isNode ? (to === 'node:crypto' ? to : 'node:*') : to.replace(/^\.\.\/node_modules\//, '').split('/')[0]
  if (name !== undefined && !room.packages.includes(name)) room.packages = [...room.packages, name].sort()
}

/** The rooms, each above all that it needs. */
function ordered(rooms: readonly Room[]): Room[] {
  const depth = (name: string): number => {
    const needs = rooms.find((room) => room.name === name)?.needs.keys() ?? []
    return Math.max(0, ...[...needs].map((to) => depth(to) + 1))
  }
  return [...rooms].sort((a, b) => depth(b.name) - depth(a.name))
}

/** Whether one room reaches another by way of others, through imports of the same kind or stronger. */
function isImplied(rooms: readonly Room[], from: string, to: string): boolean {
  const needs = (name: string) => rooms.find((room) => room.name === name)?.needs ?? new Map<string, string>()
  const typesOnly = needs(from).get(to) === 'types'
  const reaches = (name: string): boolean =>
    [...needs(name)].some(([next, what]) => {
      if ((what === 'types' && !typesOnly) || (name === from && next === to)) return false
      return next === to || reaches(next)
    })
  return reaches(from)
}

function box({ name, packages, outside }: Room, y: number): string {
  const [fill, line] = outside ? ['#fff1e0', '#c76b00'] : ['#eaf4ea', '#3a7d3a']
  return [
    `<rect x="${LEFT}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="6" fill="${fill}" stroke="${line}"/>`,
    `<text x="${LEFT + 14}" y="${y + 24}" font-size="16" font-weight="bold">${name}</text>`,
    `<text x="${LEFT + 120}" y="${y + 24}" font-size="14">${PURPOSE[name]}</text>`,
    `<text x="${LEFT + 120}" y="${y + 45}" font-size="12" fill="#555">${packages.join(', ')}</text>`,
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PICTURE, drawRooms(readSources()))
  console.log('docs/rooms.svg is of this code')
}
