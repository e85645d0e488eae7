// Received files: whole, once, over nothing.
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { placeFile } from '../../../src/io/files/received.ts'
import { homeOf } from '../../../src/io/home/paths.ts'
import { CALL_ID } from '../../support/counting-codec.ts'
import { killedAtEveryStep } from '../../support/killed-homes.ts'
import { newDisk, newHome } from '../../support/temporary-home.ts'
import { startWorkersTogether } from '../../support/worker-process.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

it('keeps a file under its name, 0600', () => {
  const home = newHome()
  const path = placeFile(home, CALL_ID, 'report.json', bytes('{}'))
  expect(path).toBe(join(home.files, 'c0c0c0c0', 'report.json'))
  expect(readFileSync(path, 'utf8')).toBe('{}')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(path, '..'))).toEqual(['report.json'])
})

it('keeps the same bytes once, and other bytes beside them', () => {
  const home = newHome()
  const place = (text: string, name = 'report.json') =>
    placeFile(home, CALL_ID, name, bytes(text)).slice(home.files.length + 10)
  expect(place('one')).toBe('report.json')
  expect(place('two')).toBe('report (2).json')
  expect(place('six')).toBe('report (3).json')
  expect(place('two')).toBe('report (2).json')
  expect(place('one')).toBe('report.json')
  expect(place('x', 'Makefile')).toBe('Makefile')
  expect(place('y', 'Makefile')).toBe('Makefile (2)')
  expect(place('', 'empty')).toBe('empty')
  expect(readFileSync(join(home.files, 'c0c0c0c0', 'report.json'), 'utf8')).toBe('one')
})

it('does not try more than a hundred names', () => {
  const home = newHome()
  const folder = join(home.files, 'c0c0c0c0')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'a.txt'), 'a')
  for (let n = 2; n < 200; n++) writeFileSync(join(folder, `a (${n}).txt`), 'a')
  const path = placeFile(home, CALL_ID, 'a.txt', bytes('new'))
  expect(path).toMatch(/a \([0-9a-f]{16}\)\.txt$/)
  expect(placeFile(home, CALL_ID, 'a.txt', bytes('new'))).toBe(path)
})

it('follows no link and enters no folder that has the name', () => {
  const home = newHome()
  const folder = join(home.files, 'c0c0c0c0')
  mkdirSync(join(folder, 'b.txt'), { recursive: true })
  writeFileSync(join(home.root, 'mine'), 'mine')
  symlinkSync(join(home.root, 'mine'), join(folder, 'a.txt'))
  expect(placeFile(home, CALL_ID, 'a.txt', bytes('mine'))).toBe(join(folder, 'a (2).txt'))
  expect(placeFile(home, CALL_ID, 'b.txt', bytes('b'))).toBe(join(folder, 'b (2).txt'))
  expect(readFileSync(join(home.root, 'mine'), 'utf8')).toBe('mine')
})

it.each(['../x', 'a/b', 'a\\b', '', '.', '..', '.bashrc', 'a\0b', 'x'.repeat(200)])('refuses the name %j', (name) => {
  expect(() => placeFile(newHome(), CALL_ID, name, bytes('x'))).toThrow('no safe place')
})

it.each(['../../..', 'c0c0c0c0', '', CALL_ID.toUpperCase()])('refuses the call id %j', (id) => {
  expect(() => placeFile(newHome(), id, 'a.txt', bytes('x'))).toThrow('no safe place')
})

it('gives ten runs at once ten files', async () => {
  const home = newHome()
  const workers = await startWorkersTogether('place', home, [0, 1, 2, 3, 4, 5, 6, 7, 8, 8])
  await Promise.all(workers.map((worker) => worker.ended))
  const paths = workers.map((worker) => worker.lines[0] ?? '')
  expect(new Set(paths).size).toBe(9)
  for (const [n, path] of paths.entries()) expect(readFileSync(path, 'utf8')).toBe(`${Math.min(n, 8)}`.repeat(1000))
  expect(readdirSync(join(home.files, 'c0c0c0c0'))).toHaveLength(9)
})

it('has the file whole or not at all when it is killed at any step, and sweeps up an hour later', async () => {
  const seen = new Set<number>()
  const killed = newHome()
  for (const home of await killedAtEveryStep(killed, (step) =>
    placeFile(killed, CALL_ID, 'report.json', new Uint8Array([2]), step),
  )) {
    const folder = join(home.files, 'c0c0c0c0')
    mkdirSync(folder, { recursive: true })
    const there = readdirSync(folder).filter((name) => !name.startsWith('.part-'))
    seen.add(there.length)
    for (const name of there) expect([...readFileSync(join(folder, name))]).toEqual([2])
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1, 1)
    placeFile(home, CALL_ID, 'report.json', new Uint8Array([2]))
    expect(readdirSync(folder)).toEqual(['report.json'])
  }
  expect(seen).toEqual(new Set([0, 1]))
})

it('leaves nothing on a disk that is full', (test) => {
  const disk = newDisk(64)
  if ('no' in disk) return test.skip(disk.no)
  const home = homeOf(disk.folder, {})
  const kept = placeFile(home, CALL_ID, 'kept.txt', bytes('kept'))
  const full = expect.objectContaining({ code: 'DISK_FULL', exit: 1 })
  expect(() => placeFile(home, CALL_ID, 'big.txt', bytes('x'.repeat(100_000)))).toThrow(full)
  expect(readdirSync(join(kept, '..'))).toEqual(['kept.txt'])
})
