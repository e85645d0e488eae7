import fc from 'fast-check'
import { getEventHash, serializeEvent } from 'nostr-tools/pure'
import { describe, expect, test } from 'vitest'
import {
  type Event,
  eventId,
  finalize,
  MAX_TAG_STRINGS,
  MAX_TAGS,
  parseEvent,
  parseRumor,
  rumorOf,
  serialize,
  tag,
  tags,
  verifyEvent,
} from '../../src/nostr/event.ts'
import { must } from '../support/must.ts'
import { alice, bob, now } from '../support/people.ts'

const template = { kind: 14, created_at: now, tags: [['p', bob.pubkey]], content: 'hello' }
const signed = finalize(template, alice)
const rumor = rumorOf(template, alice.pubkey)
const containing = (content: string, tags: string[][] = []) => ({
  pubkey: alice.pubkey,
  created_at: now,
  kind: 1,
  tags,
  content,
})

describe('the serialisation', () => {
  test('escapes the seven characters of NIP-01 as printed there and leaves the rest alone', () => {
    const text = '\n"\\\r\t\b\f \u007f\u0080/é\u2028\u2029😀'
    expect(serialize(containing(text, [['t', 'a"b']]))).toBe(
      `[0,"${alice.pubkey}",${now},1,[["t","a\\"b"]],"\\n\\"\\\\\\r\\t\\b\\f \u007f\u0080/é\u2028\u2029😀"]`,
    )
  })

  test('escapes what JSON or UTF-8 cannot carry', () => {
    expect(serialize(containing('\u0000\u000b\u001f')).endsWith(',"\\u0000\\u000b\\u001f"]')).toBe(true)
    expect(serialize(containing('\ud83d')).endsWith(',"\\ud83d"]')).toBe(true)
    expect(serialize(containing('\ude00\ud83d')).endsWith(',"\\ude00\\ud83d"]')).toBe(true)
  })

  test('is that of nostr-tools for every code unit there is, lone surrogates among them, in content and tags', () => {
    for (let unit = 0; unit < 65_536; unit += 256) {
      const units = Array.from({ length: 256 }, (_, index) => String.fromCharCode(unit + index))
      const event = containing(units.join('.'), [units])
      expect(serialize(event)).toBe(serializeEvent(event))
      expect(eventId(event)).toBe(getEventHash(event))
    }
  })

  test('is that of nostr-tools beyond the basic plane', () => {
    for (const text of ['😀', '👩‍👩‍👧', '𝕊𐍈', '\u{10ffff}', '\u{e0001}', '\ufeff', '\ufffe', '🇩🇪']) {
      expect(eventId(containing(text, [[text, text]]))).toBe(getEventHash(containing(text, [[text, text]])))
    }
  })
})

describe('a signed event', () => {
  test('has the id and signature of its author', () => {
    expect(signed).toEqual({ ...rumor, sig: signed.sig })
    expect(Object.keys(signed).sort()).toEqual(['content', 'created_at', 'id', 'kind', 'pubkey', 'sig', 'tags'])
    expect(verifyEvent(signed)).toBe(true)
  })

  test('takes its auxiliary randomness from the dice', () => {
    const dice = (length: number) => new Uint8Array(length).fill(5)
    expect(finalize(template, alice, dice)).toEqual(finalize(template, alice, dice))
    expect(finalize(template, alice).sig).not.toBe(finalize(template, alice).sig)
  })

  const changes: Record<string, Partial<Event>> = {
    content: { content: 'hullo' },
    kind: { kind: 15 },
    time: { created_at: now + 1 },
    tags: { tags: [] },
    author: { pubkey: bob.pubkey },
    id: { id: '0'.repeat(64) },
    signature: { sig: finalize({ ...template, content: 'other' }, alice).sig },
    'signature of another': { sig: finalize(template, bob).sig },
    'signature without hex': { sig: 'signed' },
    'author without hex': { pubkey: 'alice' },
  }
  for (const [what, change] of Object.entries(changes))
    test(`is not believed with another ${what}`, () => {
      expect(verifyEvent({ ...signed, ...change })).toBe(false)
      const changed = { ...signed, ...change }
      if (change.id === undefined) expect(verifyEvent({ ...changed, id: eventId(changed) })).toBe(false)
    })
})

describe('parseEvent', () => {
  test('gives a fresh object with the seven fields, and fresh tags', () => {
    const given = JSON.parse(JSON.stringify({ ...signed, relay: 'x', extra: [1] }))
    const parsed = must(parseEvent(given))
    expect(parsed).toEqual(signed)
    expect(parsed).not.toBe(given)
    given.tags[0][0] = 'changed'
    expect(parsed.tags).toEqual([['p', bob.pubkey]])
  })

  test('lets no prototype through', () => {
    const text = JSON.stringify(signed).replace('{', '{"__proto__":{"admin":true},"constructor":1,')
    const parsed = must(parseEvent(JSON.parse(text)))
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
    expect(Object.keys(parsed)).not.toContain('__proto__')
    expect('admin' in parsed).toBe(false)
    expect('admin' in {}).toBe(false)
  })

  test('takes the ends of each range', () => {
    for (const kind of [0, 65_535]) expect(parseEvent({ ...signed, kind })?.kind).toBe(kind)
    for (const created_at of [0, Number.MAX_SAFE_INTEGER]) expect(parseEvent({ ...signed, created_at })).toBeDefined()
    expect(parseEvent({ ...signed, content: '', tags: [] })).toBeDefined()
    expect(parseEvent({ ...signed, tags: [['-'], ['a', '', '']] })).toBeDefined()
    expect(parseEvent({ ...signed, tags: Array.from({ length: MAX_TAGS }, () => ['t']) })).toBeDefined()
    expect(parseEvent({ ...signed, tags: [Array.from({ length: MAX_TAG_STRINGS }, () => 't')] })).toBeDefined()
  })

  const bad: Record<string, unknown[]> = {
    id: ['', signed.id.toUpperCase(), signed.id.slice(1), `${signed.id}00`, 1, null, undefined, [signed.id]],
    pubkey: ['', alice.pubkey.toUpperCase(), alice.pubkey.slice(1), `02${alice.pubkey}`, 1, null, undefined],
    created_at: [-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '1', null, undefined, 1n],
    kind: [-1, 65_536, 1.5, '14', null, undefined],
    tags: [
      null,
      undefined,
      {},
      'p',
      ['p'],
      [[]],
      [[1]],
      [['p', null]],
      [['p', ['x']]],
      [['p', undefined]],
      [[undefined, 'p']],
      [{ 0: 'p', length: 1 }],
      Array.from({ length: MAX_TAGS + 1 }, () => ['t']),
      [Array.from({ length: MAX_TAG_STRINGS + 1 }, () => 't')],
    ],
    content: [null, undefined, 1, ['x'], {}],
    sig: ['', signed.sig.toUpperCase(), signed.sig.slice(2), `${signed.sig}00`, null, undefined, 1],
  }
  for (const [field, values] of Object.entries(bad))
    test(`refuses a wrong ${field}`, () => {
      for (const value of values) expect(parseEvent({ ...signed, [field]: value }), String(value)).toBeUndefined()
      const without: Record<string, unknown> = { ...signed }
      delete without[field]
      expect(parseEvent(without)).toBeUndefined()
    })

  test('refuses whatever is no object', () => {
    for (const value of [null, undefined, 0, 'x', true, [], [signed], () => signed, Symbol('x'), 1n])
      expect([parseEvent(value), parseRumor(value)]).toEqual([undefined, undefined])
  })

  test('never throws, whatever JSON or JavaScript holds', () => {
    const anything = fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true, withSparseArray: true })
    const almost = fc.record(
      {
        id: anything,
        pubkey: anything,
        created_at: anything,
        kind: anything,
        tags: anything,
        content: anything,
        sig: anything,
      },
      { requiredKeys: [] },
    )
    const near = almost.map((change) => ({ ...signed, ...change }))
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          almost,
          near,
          fc.json().map((text): unknown => JSON.parse(text)),
        ),
        (value) => {
          for (const parsed of [parseEvent(value), parseRumor(value)])
            if (parsed !== undefined) expect(typeof parsed.content).toBe('string')
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('is not brought down by depth', () => {
    const depth = 200_000
    const bomb: unknown = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    for (const field of ['id', 'tags', 'content', 'extra'])
      expect(() => parseEvent({ ...signed, [field]: bomb })).not.toThrow()
    expect(parseEvent(bomb)).toBeUndefined()
    expect(parseEvent({ ...signed, tags: [bomb] })).toBeUndefined()
  })
})

describe('parseRumor', () => {
  test('gives a fresh object with the six fields', () => {
    expect(parseRumor({ ...rumor, extra: 1 })).toEqual(rumor)
  })

  test('computes an id that is missing and refuses one that is wrong', () => {
    const { id, ...bare } = rumor
    expect(parseRumor(bare)).toEqual({ id, ...bare })
    for (const wrong of ['', '0'.repeat(64), id.toUpperCase(), null, 7, [id]])
      expect(parseRumor({ ...bare, id: wrong })).toBeUndefined()
    expect(parseRumor({ ...rumor, content: 'hullo' })).toBeUndefined()
    expect(parseRumor({ ...rumor, pubkey: bob.pubkey })).toBeUndefined()
  })

  test('leaves a signature behind, good, bad or empty', () => {
    for (const sig of [signed.sig, '', 'x', null, 7])
      expect(Object.keys(must(parseRumor({ ...rumor, sig })))).not.toContain('sig')
  })
})

test('tags are found by name', () => {
  const event = { tags: [['t'], ['p', 'a', 'hint'], ['p', 'b'], ['pp', 'c']] }
  expect(tag(event, 'p')).toBe('a')
  expect(tag(event, 't')).toBeUndefined()
  expect(tag(event, 'q')).toBeUndefined()
  expect(tags(event, 'p')).toEqual([
    ['p', 'a', 'hint'],
    ['p', 'b'],
  ])
  expect(tags(event, 'q')).toEqual([])
})
