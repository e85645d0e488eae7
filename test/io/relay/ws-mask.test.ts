// Masking a word at a time, against RFC 6455's own sentence: octet i is the XOR of octet i with octet i modulo 4 of the key.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PROGRAM } from '../../../scripts/processes.ts'
import { mask, unmask } from '../../../src/io/relay/ws-mask.ts'

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 31, 48, 125, 126, 1_000, 4_097]

test.each(LENGTHS)('%i bytes, wherever they lie', (length) => {
  for (const shift of [0, 1, 2, 3]) {
    const key = randomBytes(4)
    const source = randomBytes(length + shift + 5).subarray(shift)
    const expected = source.subarray(0, length).map((byte, i) => byte ^ (key[i % 4] ?? 0))
    const output = new Uint8Array(length + 9).fill(7)
    mask(source, key, output, 3, length)
    expect(output.subarray(3, 3 + length)).toEqual(new Uint8Array(expected))
    expect([...output.subarray(0, 3), ...output.subarray(3 + length)]).toEqual(new Array(9).fill(7))
    const whole = source.subarray(0, length)
    const before = Uint8Array.from(whole)
    unmask(whole, key)
    expect(Uint8Array.from(whole)).toEqual(new Uint8Array(expected))
    unmask(whole, key)
    expect(Uint8Array.from(whole)).toEqual(before)
  }
})

test('the program looks for no module outside of itself', () => {
  const program = readFileSync(PROGRAM, 'utf8')
  expect(program).not.toMatch(/require\("(bufferutil|utf-8-validate)"\)/)
})
