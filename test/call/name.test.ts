// When two names are the same, and when one only looks like another.
import { describe, expect, test } from 'vitest'
import { holdsWord, isSameName, nameMatcher, nameTag } from '../../src/call/name.ts'

describe('the same name', () => {
  test.each([
    ['Jos\u00e9', 'Jose\u0301'],
    ['JOS\u00c9', 'jose\u0301'],
    ['\u212bke', '\u00c5ke'],
    [' Bob ', 'bob'],
    ['bob', '\uff42\uff4f\uff42'],
    ['b\u200bob', 'bob'],
    ['two  words', 'two words'],
    ['\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2', '\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2'],
  ])('%j is %j', (a, b) => {
    expect(isSameName(a, b)).toBe(true)
    expect(nameMatcher(a).same(b)).toBe(true)
    expect(nameMatcher(a).alike(b)).toBe(true)
  })

  test.each([
    ['Jose', 'Jos\u00e9'],
    ['bob', 'bobby'],
    ['bob', 'b\u043eb'],
    ['agent-1', 'agent-l'],
  ])('%j is not %j', (a, b) => {
    expect(isSameName(a, b)).toBe(false)
    expect(nameMatcher(a).same(b)).toBe(false)
  })
})

describe('looks like another', () => {
  test.each([
    ['bob', 'b\u043eb'],
    ['BOB', '\u0412\u041e\u0412'],
    ['alice', '\u0430l\u0456\u0441\u0435'],
    ['Alice', '\u0391lice'],
    ['paypal', '\u0440\u0430\u0443\u0440\u0430l'],
    ['Ada', 'A\u0501a'],
    ['nova', '\u0578ova'],
    ['bot1', 'botl'],
    ['Bill', 'BiIl'],
    ['agent0', 'agentO'],
    ['modern', 'rnodern'],
    ['kim', '\u1d0b\u026am'],
    ["Bob's agent", 'Bob\u2019s agent'],
    ['a-b', 'a\u2010b'],
  ])('%j like %j', (a, b) => {
    expect(nameMatcher(a).alike(b)).toBe(true)
    expect(nameMatcher(b).alike(a)).toBe(true)
  })

  test.each([
    ['bob', 'rob'],
    ['Jose', 'Jos\u00e9'],
    ['\u5f20\u4f1f', '\u738b\u82b3'],
    ['', 'bob'],
  ])('%j not like %j', (a, b) => expect(nameMatcher(a).alike(b)).toBe(false))
})

test.each([
  ['Jose\u0301', 'jos\u00e9'],
  ['  Bob ', 'bob'],
  ['BOB', 'bob'],
  ['\u0130stanbul', 'i\u0307stanbul'],
  ['', ''],
])('of %j the tag is %j, whatever form that was in', (name, tag) => {
  expect(nameTag(name)).toBe(tag)
  expect(nameTag(nameTag(name))).toBe(tag)
})

test('a word is found in other letters of the same', () => {
  expect(holdsWord('Reviews Go and RUST', 'rust')).toBe(true)
  expect(holdsWord('Cafe\u0301', 'CAF\u00c9')).toBe(true)
  expect(holdsWord('Reviews', 'go')).toBe(false)
})
