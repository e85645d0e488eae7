// Files to be sent: what cannot be sent is said, and what changes while it is read is noticed.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { openSource, readSource, readStream } from '../../../src/io/files/source.ts'
import { newFolder, newHome } from '../../support/temporary-home.ts'

const failure = (code: string) => expect.objectContaining({ code, exit: 2, hint: expect.stringMatching(/./) })

function newFile(size = 200_000): string {
  const path = join(newFolder(), 'data.bin')
  changeKeepingTimes(path, () => writeFileSync(path, Buffer.alloc(size, 'abc')))
  return path
}

// With the time of an older change, as `tar` and `cp -p` leave it.
function changeKeepingTimes(path: string, change: () => void): void {
  change()
  utimesSync(path, 1_000_000_000, 1_000_000_000)
}

it('gives the bytes of a small file and the size of a large one', async () => {
  const path = newFile(200_000)
  const small = await readSource(path, 200_000, newHome())
  expect('bytes' in small && Buffer.alloc(200_000, 'abc').equals(small.bytes)).toBe(true)
  expect(await readSource(path, 199_999, newHome())).toEqual({ size: 200_000 })
})

it.each(['NFC', 'NFD'])('finds a name that stands on the disk in the other form of Unicode: %s', async (form) => {
  const folder = newFolder()
  writeFileSync(join(folder, 'Jos\u00e9.txt'.normalize(form)), 'hello')
  for (const typed of ['NFC', 'NFD'])
    expect(await readSource(join(folder, 'Jos\u00e9.txt'.normalize(typed)), 10, newHome())).toEqual({
      bytes: new Uint8Array(Buffer.from('hello')),
    })
})

it('says what is no file', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'empty'), '')
  execFileSync('mkfifo', [join(folder, 'pipe')])
  mkdirSync(join(folder, 'sub'))
  await expect(readSource(join(folder, 'empty'), 9, newHome())).rejects.toEqual(failure('FILE_EMPTY'))
  await expect(readSource(join(folder, 'sub'), 9, newHome())).rejects.toEqual(failure('FILE_IS_FOLDER'))
  await expect(readSource(join(folder, 'none'), 9, newHome())).rejects.toEqual(failure('FILE_UNREADABLE'))
  await expect(readSource(join(folder, 'empty', 'x'), 9, newHome())).rejects.toEqual(failure('FILE_UNREADABLE'))
  await expect(readSource(join(folder, 'pipe'), 9, newHome())).rejects.toEqual(failure('FILE_UNREADABLE'))
})

it('says what it may not read', async (test) => {
  if (process.getuid?.() === 0) return test.skip('root may read everything')
  const path = newFile()
  chmodSync(path, 0)
  await expect(readSource(path, 9, newHome())).rejects.toEqual(failure('FILE_UNREADABLE'))
})

it.each<[string, (path: string) => void]>([
  ['grows', (path) => appendFileSync(path, 'x')],
  ['shrinks', (path) => truncateSync(path, 100_000)],
  ['vanishes', (path) => rmSync(path)],
  ['is replaced', (path) => renameSync(newFile(), path)],
  ['grows and looks old', (path) => changeKeepingTimes(path, () => appendFileSync(path, 'x'))],
  ['is written to', (path) => writeFileSync(path, Buffer.alloc(200_000, 'xyz'))],
])('notices a file that %s while it is read', async (_, change) => {
  const path = newFile()
  const source = await openSource(path, newHome())
  const read = async () => {
    let pieces = 0
    for await (const _piece of source.pieces()) if (++pieces === 1) change(path)
  }
  await expect(read()).rejects.toEqual(failure('FILE_CHANGED'))
  await source.close()
})

it('reads a stream no further than it must', async () => {
  let given = 0
  const stream = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(1000, ++given)
    })(),
  )
  expect(await readStream(stream, 10_000)).toBeUndefined()
  expect(given).toBeLessThan(40)
  expect(await readStream(Readable.from([Buffer.from('ab'), 'c']), 3)).toEqual(Buffer.from('abc'))
})
