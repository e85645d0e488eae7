// Whole transcripts on disk.
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { saveTranscript } from '../../../src/io/files/transcripts.ts'
import { namesBelow, newHome } from '../../support/temporary-home.ts'

const ID = 'ab'.repeat(32)

it('is for its owner alone, and replaces the one before', () => {
  const home = newHome()
  const path = saveTranscript(home, ID, '# one\n')
  expect(path).toBe(join(home.transcripts, `${ID}.md`))
  expect(saveTranscript(home, ID, '# two\n')).toBe(path)
  expect(readFileSync(path, 'utf8')).toBe('# two\n')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(home.transcripts).mode & 0o777).toBe(0o700)
  expect(namesBelow(home.transcripts)).toEqual([`${ID}.md`])
})

it('leaves the old one whole, and nothing else behind, when it dies or cannot write', () => {
  const home = newHome()
  const path = saveTranscript(home, ID, '# one\n')
  for (const where of ['write', 'fsync', 'rename']) {
    const step = (name: string) => {
      if (name.startsWith(where)) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    }
    expect(() => saveTranscript(home, ID, '# two\n', step)).toThrow(Failure)
    expect(readFileSync(path, 'utf8')).toBe('# one\n')
    expect(namesBelow(home.transcripts)).toEqual([`${ID}.md`])
  }
})

it('takes away what a killed run has left an hour ago', () => {
  const home = newHome()
  mkdirSync(home.transcripts, { recursive: true })
  const [old, fresh] = ['.part-old', '.part-fresh'].map((name) => join(home.transcripts, name))
  for (const path of [old, fresh]) writeFileSync(path ?? '', '')
  utimesSync(old ?? '', 0, 0)
  saveTranscript(home, ID, '')
  expect(namesBelow(home.transcripts)).toEqual(['.part-fresh', `${ID}.md`])
})

it('writes nowhere else', () => {
  for (const id of ['../../etc/passwd', '', 'ab', `${ID}/x`])
    expect(() => saveTranscript(newHome(), id, '')).toThrow(/call id/)
})
