// A file that says whether it is as it was written.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isUnchanged, withChecksum } from '../../../src/io/store/checksum.ts'
import { openStore } from '../../../src/io/store/store.ts'
import { stateCodec } from '../../../src/state/state-codec.ts'
import { newHome } from '../../support/temporary-home.ts'

test('what was summed is JSON with one field more, and known again', () => {
  const text = withChecksum(JSON.stringify({ a: 1, ü: ['"sum"', '\u2028'] }))
  expect(JSON.parse(text)).toEqual({ sum: expect.stringMatching(/^[0-9a-f]{64}$/), a: 1, ü: ['"sum"', '\u2028'] })
  expect(isUnchanged(text)).toBe(true)
})

test('whatever was changed is found, at every place', () => {
  const text = withChecksum('{"version":1,"agent":"x"}')
  for (let at = 0; at < text.length; at++) {
    const other = text[at] === '0' ? '1' : '0'
    expect(isUnchanged(`${text.slice(0, at)}${other}${text.slice(at + 1)}`)).toBe(false)
    expect(isUnchanged(text.slice(0, at))).toBe(false)
  }
  expect(isUnchanged(`${text} `)).toBe(false)
  for (const none of ['', '{}', '{"sum":"', '{"sum":"",', '[]']) expect(isUnchanged(none)).toBe(false)
})

test('state.json carries its sum; what somebody else has written is looked at, entry by entry', async () => {
  const home = newHome()
  const notices: string[] = []
  const open = () => openStore(home, stateCodec, { say: (notice) => notices.push(notice), command: 'test' })
  await open().update([], ({ logs }) => {
    const index = { ...stateCodec.empty(), agent: 'a'.repeat(64), seen: { [`${'b'.repeat(64)}`]: 5 } }
    return { snapshot: { index, logs }, value: undefined }
  })
  const text = readFileSync(home.state, 'utf8')
  expect(isUnchanged(text)).toBe(true)
  expect(open().read().index).toEqual({ ...stateCodec.empty(), agent: 'a'.repeat(64), seen: { ['b'.repeat(64)]: 5 } })
  // By hand, and well.
  writeFileSync(home.state, text.replace(':5}', ':6}'))
  expect(open().read().index.seen).toEqual({ ['b'.repeat(64)]: 6 })
  expect(notices).toEqual([])
  // By a disk.
  writeFileSync(home.state, text.replace(':5}', ':"5"}'))
  expect(open().read().index.seen).toEqual({})
  expect(notices).toEqual([expect.stringContaining('damaged')])
})
