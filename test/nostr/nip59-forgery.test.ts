// What a stranger can put on a relay for us: every layer of a gift wrap forged, broken or blown up, and none of it believed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Keys, randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, eventId, finalize, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { conversationKey, encrypt } from '../../src/nostr/nip44.ts'
import { seal, wrap } from '../../src/nostr/nip59.ts'
import { type UnwrapRefusal, unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { must } from '../support/must.ts'
import { alice, bob, mallory, now } from '../support/people.ts'

const rumor = rumorOf({ kind: 14, created_at: now, tags: [['p', bob.pubkey]], content: 'hello' }, alice.pubkey)
const throwawayKeys = randomKeys()
const withBob = new Map<string, Uint8Array>()
const genuine = seal(rumor, alice, bob.pubkey, { stamp: now })

describe('the tools of this file', () => {
  test('make a wrap that opens when nothing is forged', () => {
    expect(unwrap(wrapAround(genuine), bob)).toEqual({ ok: true, rumor, from: alice.pubkey, key: 'identity' })
    expect(unwrap(wrapAround(sealAround(rumor, alice)), bob)).toEqual({
      ok: true,
      rumor,
      from: alice.pubkey,
      key: 'identity',
    })
  })
})

describe('impersonation', () => {
  test("mallory seals a rumor in alice's name", () => {
    expect(refusal(wrapAround(sealAround(rumor, mallory)))).toBe('forged')
  })

  test("mallory puts alice's name on her own seal, with an id that fits", () => {
    const renamed = { ...sealAround(rumor, mallory), pubkey: alice.pubkey }
    expect(refusal(wrapAround(renamed))).toBe('forged')
    expect(refusal(wrapAround({ ...renamed, id: eventId(renamed) }))).toBe('forged')
  })

  test("mallory puts her name on alice's seal", () => {
    const renamed = { ...genuine, pubkey: mallory.pubkey }
    expect(refusal(wrapAround({ ...renamed, id: eventId(renamed) }))).toBe('forged')
    // Signed anew, it is a good seal of mallory's, which holds nothing that she and bob could have agreed on.
    expect(refusal(wrapAround(finalize(genuine, mallory)))).toBe('undecryptable')
  })

  test('mallory passes on a seal that alice made for her', () => {
    const toMallory = rumorOf({ ...rumor, tags: [['p', mallory.pubkey]] }, alice.pubkey)
    expect(refusal(wrapAround(seal(toMallory, alice, mallory.pubkey, { stamp: now })))).toBe('undecryptable')
  })

  test("bob's own seal to alice comes back to him", () => {
    const toAlice = rumorOf({ ...rumor, tags: [['p', alice.pubkey]] }, bob.pubkey)
    expect(refusal(wrapAround(seal(toAlice, bob, alice.pubkey, { stamp: now })))).toBe('undecryptable')
  })

  test('bob, who shares the key with alice, writes a seal for her without her signature', () => {
    // Bob can make the ciphertext of either direction. What he cannot make is her signature.
    const content = encrypt(JSON.stringify(rumor), must(conversationKey(bob.secret, alice.pubkey)))
    const written = { ...genuine, content }
    expect(refusal(wrapAround({ ...written, id: eventId(written) }))).toBe('forged')
  })
})

describe('tampering', () => {
  const flip = (text: string) => (text.startsWith('0') ? '1' : '0') + text.slice(1)
  const seals: Record<string, [Partial<Event>, UnwrapRefusal]> = {
    signature: [{ sig: flip(genuine.sig) }, 'forged'],
    'signature of another event': [{ sig: sealAround(rumor, alice).sig }, 'forged'],
    id: [{ id: flip(genuine.id) }, 'forged'],
    time: [{ created_at: genuine.created_at + 1 }, 'forged'],
    tags: [{ tags: [['p', bob.pubkey]] }, 'forged'],
    content: [{ content: sealAround(rumor, alice).content }, 'forged'],
    kind: [{ kind: 14 }, 'bad-seal'],
  }
  for (const [what, [change, reason]] of Object.entries(seals))
    test(`a seal with another ${what}`, () => {
      expect(refusal(wrapAround({ ...genuine, ...change }))).toBe(reason)
    })

  test('a wrap with one byte of content changed', () => {
    const wrapped = wrap(rumor, alice, bob.pubkey, { now })
    for (const at of [0, 1, 40, 200, -1]) {
      const data = Buffer.from(wrapped.content, 'base64')
      const index = at < 0 ? data.length + at : at
      data[index] = (data[index] ?? 0) ^ 1
      expect(refusal({ ...wrapped, content: data.toString('base64') })).toBe('undecryptable')
    }
    expect(refusal({ ...wrapped, pubkey: mallory.pubkey })).toBe('undecryptable')
    expect(refusal({ ...wrapped, pubkey: 'ff'.repeat(32) })).toBe('undecryptable')
  })

  test('a wrap with another signature is read: its key is used once and proves nothing', () => {
    const wrapped = wrap(rumor, alice, bob.pubkey, { now })
    expect(unwrap({ ...wrapped, sig: '00'.repeat(64), id: '00'.repeat(32) }, bob)).toMatchObject({ ok: true, rumor })
  })

  const rumors: Record<string, object> = {
    'another id': { ...rumor, id: flip(rumor.id) },
    'the id of another rumor': { ...rumor, content: 'something else' },
    'another time': { ...rumor, created_at: now - 1 },
    'no author': { ...rumor, pubkey: undefined },
    'a kind out of range': idOf({ ...rumor, kind: 70_000 }),
    'a time out of range': idOf({ ...rumor, created_at: -1 }),
    'an empty tag': idOf({ ...rumor, tags: [[]] }),
    'an author in upper case': idOf({ ...rumor, pubkey: alice.pubkey.toUpperCase() }),
  }
  for (const [what, value] of Object.entries(rumors))
    test(`a sealed rumor with ${what}`, () => {
      expect(refusal(wrapAround(sealAround(value, alice)))).toBe('bad-rumor')
    })
})

describe('misdirection', () => {
  test('a wrap for somebody else', () => {
    expect(unwrap(wrap(rumor, alice, bob.pubkey, { now }), mallory)).toEqual({ ok: false, reason: 'not-for-us' })
  })

  test('a wrap with our name on it that is encrypted for somebody else', () => {
    const wrapped = wrap(rumor, alice, mallory.pubkey, { now })
    expect(refusal({ ...wrapped, tags: [['p', bob.pubkey]] })).toBe('undecryptable')
  })

  test('a wrap without a name, or with ours in another place', () => {
    const wrapped = wrap(rumor, alice, bob.pubkey, { now })
    for (const tags of [[], [['p']], [['e', bob.pubkey]], [['p', '', bob.pubkey]], [['P', bob.pubkey]]])
      expect(refusal({ ...wrapped, tags })).toBe('not-for-us')
    expect(
      unwrap(
        {
          ...wrapped,
          tags: [
            ['p', mallory.pubkey],
            ['p', bob.pubkey],
          ],
        },
        bob,
      ).ok,
    ).toBe(true)
  })

  test('other kinds of event', () => {
    for (const kind of [13, 14, 21_059, 1, 0])
      expect(refusal({ ...wrap(rumor, alice, bob.pubkey, { now }), kind })).toBe('not-a-wrap')
    expect(refusal(genuine)).toBe('not-a-wrap')
  })
})

describe('the wrong thing in the right place', () => {
  test('a seal of another kind, signed by its author', () => {
    for (const kind of [14, 1059, 1, 0])
      expect(refusal(wrapAround(finalize({ ...genuine, kind }, alice)))).toBe('bad-seal')
  })

  test('a rumor straight in a wrap, or a wrap in a wrap', () => {
    expect(refusal(wrapAround(rumor))).toBe('bad-seal')
    expect(refusal(wrapAround(finalize(rumor, alice)))).toBe('bad-seal')
    expect(refusal(wrapAround(wrap(rumor, alice, bob.pubkey, { now })))).toBe('bad-seal')
  })

  test('a seal in a seal', () => {
    const opened = unwrap(wrapAround(sealAround(genuine, alice)), bob)
    expect(opened).toMatchObject({ ok: true, from: alice.pubkey, rumor: { kind: 13 } })
  })

  test('a signed event in a seal gives the rumor without the signature', () => {
    const signed = finalize(rumor, alice)
    const opened = unwrap(wrapAround(sealAround(signed, alice)), bob)
    expect(opened).toEqual({ ok: true, rumor, from: alice.pubkey, key: 'identity' })
    expect(JSON.stringify(opened)).not.toContain(signed.sig)
  })

  test("a public event of alice's, signed by her, in a seal of mallory's", () => {
    expect(refusal(wrapAround(sealAround(finalize({ ...rumor, kind: 1 }, alice), mallory)))).toBe('forged')
  })

  test('a seal with tags opens: NIP-17 asks for an expiration there', () => {
    const tagged = finalize({ ...genuine, tags: [['expiration', String(now + 60)]] }, alice)
    expect(unwrap(wrapAround(tagged), bob)).toMatchObject({ ok: true, rumor })
  })

  test('fields that nobody asked for stay outside', () => {
    const text = JSON.stringify(rumor).replace('{', '{"__proto__":{"admin":true},"toString":1,"from":"root",')
    const opened = unwrap(wrapAround(sealAround(text, alice)), bob)
    expect(opened).toEqual({ ok: true, rumor, from: alice.pubkey, key: 'identity' })
    expect(opened.ok && Object.keys(opened.rumor).sort()).toEqual(Object.keys(rumor).sort())
    expect('admin' in {}).toBe(false)
  })

  const junk = [
    '',
    ' ',
    'null',
    'true',
    '0',
    '"x"',
    '[]',
    '{}',
    '[[]]',
    '{',
    'undefined',
    '\u0000',
    '{"kind":13}',
    '\ufeff{}',
  ]
  test('no JSON, or JSON of something else', () => {
    for (const text of junk.filter((text) => text !== '')) {
      expect(refusal(wrapAround(text)), text).toBe('bad-seal')
      expect(refusal(wrapAround(sealAround(text, alice))), text).toBe('bad-rumor')
    }
    for (const content of [...junk, 'A'.repeat(132), `${'A'.repeat(131)}=`, '#'.repeat(200)]) {
      expect(refusal({ ...wrapAround(genuine), content }), content).toBe('undecryptable')
      expect(refusal(wrapAround(finalize({ ...genuine, content }, alice))), content).toBe('undecryptable')
    }
  })
})

describe('size and depth', () => {
  const deep = (opening: string, closing: string, depth: number) => opening.repeat(depth) + closing.repeat(depth)

  test('JSON nested as deep as it fits', () => {
    for (const bomb of [deep('[', ']', 32_000), deep('{"a":', '}', 10_000).replace(':}', ':1}'), '['.repeat(65_000)]) {
      expect(refusal(wrapAround(bomb))).toBe('bad-seal')
      for (const field of ['tags', 'content', 'id', 'x']) {
        const text = JSON.stringify(rumor).replace('{', `{"${field}":${deep('[', ']', 15_000)},`)
        expect(['bad-rumor', 'opened']).toContain(refusal(wrapAround(sealAround(text, alice))) ?? 'opened')
      }
    }
  })

  test('a bomb in the field that counts', () => {
    const bombed = { ...rumor, tags: 'BOMB' }
    const text = JSON.stringify(bombed).replace('"BOMB"', deep('[', ']', 15_000))
    expect(refusal(wrapAround(sealAround(text, alice)))).toBe('bad-rumor')
  })

  test('more tags than anybody needs', () => {
    const many = idOf({ ...rumor, tags: Array.from({ length: 2_001 }, () => ['t']) })
    expect(refusal(wrapAround(sealAround(many, alice)))).toBe('bad-rumor')
    const wide = idOf({ ...rumor, tags: [Array.from({ length: 101 }, () => '')] })
    expect(refusal(wrapAround(sealAround(wide, alice)))).toBe('bad-rumor')
  })

  test('payloads of many megabytes', () => {
    expect(refusal({ ...wrapAround(genuine), content: 'A'.repeat(64_000_000) })).toBe('undecryptable')
  })
})

test('nothing throws, whatever is in the layers', () => {
  const anything = fc.anything({ withBigInt: false })
  const field = fc.constantFrom('id', 'pubkey', 'created_at', 'kind', 'tags', 'content', 'sig', 'extra')
  const text = (value: unknown) => JSON.stringify(value) ?? 'undefined'
  const changed = (base: object) => fc.tuple(field, anything).map(([name, value]) => text({ ...base, [name]: value }))
  const layer = (base: object) =>
    fc
      .oneof(fc.string({ minLength: 1 }), fc.json(), anything.map(text), changed(base))
      .filter((part) => part.length < 40_000)
  fc.assert(
    fc.property(layer(genuine), layer(rumor), fc.string(), (asSeal, asRumor, content) => {
      expect(refusal(wrapAround(asSeal))).not.toBe('not-for-us')
      const opened = unwrap(wrapAround(sealAround(asRumor, alice)), bob)
      if (opened.ok) expect(opened.rumor.pubkey).toBe(alice.pubkey)
      expect(refusal({ ...wrapAround(genuine), content })).toBe('undecryptable')
    }),
    { numRuns: 40 },
  )
})

// A wrap for bob around any text or JSON. The one-time key is used all the time here, to save the tests a second.
function wrapAround(inner: object | string): Event {
  return finalize(
    { kind: 1059, created_at: now, tags: [['p', bob.pubkey]], content: encryptToBob(inner, throwawayKeys) },
    throwawayKeys,
  )
}

// A good seal for bob by anybody around any text or JSON.
function sealAround(inner: object | string, keys: Keys): Event {
  return finalize({ kind: 13, created_at: now, tags: [], content: encryptToBob(inner, keys) }, keys)
}

function encryptToBob(inner: object | string, keys: Keys): string {
  const text = typeof inner === 'string' ? inner : JSON.stringify(inner)
  const key = withBob.get(keys.pubkey) ?? must(conversationKey(keys.secret, bob.pubkey))
  withBob.set(keys.pubkey, key)
  return encrypt(text, key)
}

// With an id that fits, so that what is wrong is only what the test made wrong.
function idOf(event: Rumor): Rumor {
  return { ...event, id: eventId(event) }
}

function refusal(event: Event): UnwrapRefusal | undefined {
  const opened = unwrap(event, bob)
  return opened.ok ? undefined : opened.reason
}
