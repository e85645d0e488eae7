// What is sealed with the key of a call: opened by its two sides, told apart from everything else, and by nobody with the
// identities alone.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CallKey } from '../../src/nostr/call-key.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import { type Event, finalize, type Rumor, rumorOf, verifyEvent } from '../../src/nostr/event.ts'
import { conversationKey, decrypt, encrypt } from '../../src/nostr/nip44.ts'
import { seal, wrap, wrapSize } from '../../src/nostr/nip59.ts'
import { openedWrapOf, openKeptSeal, unwrap, unwrapAll, wrapHeaderOf } from '../../src/nostr/nip59-unwrap.ts'
import { callPair, keyringOf, messageIn } from '../support/call-pair.ts'
import { must } from '../support/must.ts'
import { alice, bob, mallory, now } from '../support/people.ts'

const pair = callPair()
const rumor = messageIn(pair.binding)
const secret = wrap(rumor, alice, bob.pubkey, { now, callKey: pair.caller })
const plain = wrap(rumor, alice, bob.pubkey, { now })
const opened = { ok: true, rumor, from: alice.pubkey, key: 'call', call: pair.binding.call }

describe('a wrap of a call', () => {
  test('opens with the key of the call, and says so', () => {
    expect(unwrap(secret, bob, keyringOf([pair.callee]))).toEqual(opened)
    expect(openedWrapOf(wrapHeaderOf(secret), unwrap(secret, bob, keyringOf([pair.callee])))).toMatchObject({
      ...{ rumor, openedWithKeyOf: pair.binding.call },
    })
  })

  test('that was sealed with the identities says that, whatever keys are there: a downgrade can be seen', () => {
    const found = unwrap(plain, bob, keyringOf([pair.callee]))
    expect(found).toEqual({ ok: true, rumor, from: alice.pubkey, key: 'identity' })
    expect(openedWrapOf(wrapHeaderOf(plain), found)).not.toHaveProperty('openedWithKeyOf')
  })

  test('looks like any other from outside: signed by a key used once, of the same size, its seal by the identity', () => {
    expect([secret.kind, secret.tags, verifyEvent(secret)]).toEqual([1059, [['p', bob.pubkey]], true])
    expect(Buffer.byteLength(JSON.stringify(secret))).toBe(wrapSize(rumor))
    const inner = JSON.parse(must(decrypt(secret.content, must(conversationKey(bob.secret, secret.pubkey)))))
    expect([inner.kind, inner.pubkey, inner.tags, verifyEvent(inner)]).toEqual([13, alice.pubkey, [], true])
  })

  test('opens for nobody who has both identities and no call key', () => {
    for (const keyring of [undefined, keyringOf([]), keyringOf([callPair('another call').callee])]) {
      const found = unwrap(secret, bob, keyring)
      expect(found).toMatchObject({ ok: false, reason: 'undecryptable', unopened: { from: alice.pubkey } })
    }
    const inner = JSON.parse(must(decrypt(secret.content, must(conversationKey(bob.secret, secret.pubkey)))))
    const keys = [alice, bob].flatMap((one) =>
      [alice, bob, pair.eks.caller, pair.eks.callee].map((other) => must(conversationKey(one.secret, other.pubkey))),
    )
    expect(keys.map((key) => decrypt(inner.content, key))).toEqual(keys.map(() => undefined))
  })

  test('cannot be made with the key of another call, or for somebody else', () => {
    const other = callPair('another call').caller
    expect(() => wrap(rumor, alice, bob.pubkey, { now, callKey: other })).toThrow(RangeError)
    expect(() => wrap(rumor, alice, mallory.pubkey, { now, callKey: pair.caller })).toThrow(RangeError)
    expect(() =>
      seal(rumorOf({ ...rumor, tags: [] }, alice.pubkey), alice, bob.pubkey, { stamp: now, callKey: other }),
    ).toThrow()
    // A key that was derived for the other side.
    expect(() => wrap(rumor, alice, bob.pubkey, { now, callKey: pair.callee })).toThrow(RangeError)
  })
})

describe('lies in the envelope of a call', () => {
  const reason = (event: Event, keys: readonly CallKey[] = [pair.callee]) => {
    const found = unwrap(event, bob, keyringOf(keys))
    return found.ok ? found.key : found.reason
  }

  test('what belongs to another call is misplaced, and never said to be as secret as its own', () => {
    const [one, other] = [callPair('one', mallory), callPair('other', mallory)]
    const inOther = messageIn(other.binding, 'psst', mallory)
    expect(reason(forged(inOther, mallory, one.callee.key), [one.callee, other.callee])).toBe('misplaced')
    expect(reason(forged(inOther, mallory, other.callee.key), [one.callee, other.callee])).toBe('call')
    const letter = rumorOf(
      { kind: 14, created_at: now, tags: [['p', bob.pubkey]], content: 'a letter' },
      mallory.pubkey,
    )
    expect(reason(forged(letter, mallory, one.callee.key), [one.callee])).toBe('misplaced')
    const both = rumorOf({ ...inOther, tags: [...inOther.tags, ['call-id', one.binding.call]] }, mallory.pubkey)
    expect(reason(forged(both, mallory, one.callee.key), [one.callee, other.callee])).toBe('misplaced')
  })

  test('the key of a call opens nothing of anybody but its peer', () => {
    // Mallory has got hold of the call's key, and signs by herself or in alice's name.
    expect(reason(forged(messageIn(pair.binding, 'hi', mallory), mallory, pair.caller.key))).toBe('undecryptable')
    const inName = { ...sealedBy(rumor, mallory, pair.caller.key), pubkey: alice.pubkey }
    expect(reason(around(inName))).toBe('forged')
    expect(reason(forged(messageIn(pair.binding, 'hi', alice), mallory, pair.caller.key))).toBe('undecryptable')
    // The keyring hands out what it should not.
    const loose = { ...keyringOf([pair.callee]), callsFor: () => ({ calls: [pair.binding.call], left: 0 }) }
    expect(unwrap(forged(messageIn(pair.binding, 'hi', mallory), mallory, pair.caller.key), bob, loose).ok).toBe(false)
  })

  test('our own seal, sent back to us, is no signal of the peer', () => {
    const ours = seal(messageIn(pair.binding, 'mine', bob, alice), bob, alice.pubkey, {
      stamp: now,
      callKey: pair.callee,
    })
    const loose = {
      ...keyringOf([pair.callee]),
      callsFor: () => ({ calls: [pair.binding.call], left: 0 }),
      keeps: () => true,
    }
    expect(unwrap(around(ours), bob, loose)).toEqual({
      ...{ ok: false, reason: 'undecryptable' },
      unopened: { from: bob.pubkey, tried: [], left: 0 },
    })
  })

  test('a rumor in another name, or changed, is forged or none under a call’s key too', () => {
    const inName = rumorOf({ ...rumor }, bob.pubkey)
    expect(reason(around(sealedBy(inName, alice, pair.caller.key)))).toBe('forged')
    expect(reason(around(sealedBy({ ...rumor, content: 'changed' }, alice, pair.caller.key)))).toBe('bad-rumor')
  })
})

describe('the keyring', () => {
  test('is asked for a key only of a call with the author of the seal', () => {
    const keyring = keyringOf([pair.callee, callPair('with mallory', mallory).callee])
    unwrap(wrap(messageIn(pair.binding, 'hi', mallory), mallory, bob.pubkey, { now }), bob, keyring)
    expect(keyring.asked).toEqual([callPair('with mallory').binding.call])
    const strangers = keyringOf([callPair('with mallory', mallory).callee])
    expect([unwrap(plain, bob, strangers).ok, strangers.asked]).toEqual([true, []])
  })

  test('hands a seal back only where it says so, and what was tried and is left', () => {
    const other = callPair('another call')
    const keyring = {
      ...keyringOf([other.callee], true),
      callsFor: () => ({ calls: [other.binding.call, 'lost'], left: 3 }),
    }
    const found = unwrap(secret, bob, keyring)
    const unopened = { from: alice.pubkey, tried: [other.binding.call, 'lost'], left: 3, seal: expect.anything() }
    expect(found).toEqual({ ok: false, reason: 'undecryptable', unopened })
    expect(unwrap(secret, bob, { ...keyring, keeps: () => false })).not.toHaveProperty('unopened.seal')
    // Once the accept has come.
    const kept = must(found.ok ? undefined : found.unopened?.seal)
    const open = (sealed: Event) => openKeptSeal(sealed, bob, { wrap: secret.id, keyring: keyringOf([pair.callee]) })
    expect(open(kept)).toEqual(opened)
    expect(open({ ...kept, pubkey: mallory.pubkey })).toEqual({ ok: false, reason: 'forged' })
    expect(open({ ...kept, kind: 14 })).toEqual({ ok: false, reason: 'bad-seal' })
  })

  test('that throws is heard', () => {
    const keyring = keyringOf([pair.callee])
    keyring.keyOf = () => {
      throw new Error('a link')
    }
    expect(() => unwrap(secret, bob, keyring)).toThrow('a link')
    expect(unwrap(wrap(messageIn(pair.binding, 'x', mallory), mallory, bob.pubkey, { now }), bob, keyring).ok).toBe(
      true,
    )
  })
})

test('many wraps, of calls and letters and junk, are each what they are alone', () => {
  const calls = Array.from({ length: 6 }, (_, n) => callPair(`call ${n}`, must([alice, mallory][n % 2])))
  const keyring = keyringOf(calls.map(({ callee }) => callee))
  const pool = calls.flatMap(({ binding, caller }, n) => {
    const author = must([alice, mallory][n % 2])
    const said = messageIn(binding, `message ${n}`, author)
    return [wrap(said, author, bob.pubkey, { now, callKey: caller }), wrap(said, author, bob.pubkey, { now })]
  })
  pool.push(
    { ...secret, content: `B${secret.content.slice(1)}` },
    secret,
    around(sealedBy(rumor, mallory, pair.caller.key)),
  )
  const alone = new Map(pool.map((event) => [event, unwrap(event, bob, keyring)]))
  expect([...alone.values()].filter((one) => one.ok && one.key === 'call')).toHaveLength(6)
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 60 }), (events) => {
      expect(unwrapAll(events, bob, { keyring })).toEqual(events.map((event) => alone.get(event)))
    }),
    { numRuns: 8 },
  )
})

/** As one who owns a key and lies in the rest: sealed by `author` with any conversation key. */
function forged(inner: Rumor, author: Keys, key: Uint8Array): Event {
  return around(sealedBy(inner, author, key))
}

function sealedBy(inner: Rumor, author: Keys, key: Uint8Array): Event {
  return finalize({ kind: 13, created_at: now, tags: [], content: encrypt(JSON.stringify(inner), key) }, author)
}

function around(sealed: Event): Event {
  const key = must(conversationKey(mallory.secret, bob.pubkey))
  const content = encrypt(JSON.stringify(sealed), key)
  return finalize({ kind: 1059, created_at: now, tags: [['p', bob.pubkey]], content }, mallory)
}
