// The keys of a call: derived as the protocol says, by an independent hand too, and only from what is a call key.
import { extract } from '@noble/hashes/hkdf.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { getSharedSecret, schnorr } from '@noble/secp256k1'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bindCall,
  CALL_KEY_LABEL,
  type CallBinding,
  callSalt,
  deriveCallKey,
  ekFault,
  isOfCall,
  makeCallKeys,
} from '../../src/nostr/call-key.ts'
import { keysFrom, randomBytes, toHex } from '../../src/nostr/crypto.ts'
import { callPair, fixedKeys, messageIn } from '../support/call-pair.ts'
import { must, thrownBy } from '../support/must.ts'
import { alice, bob, mallory } from '../support/people.ts'

const offCurve = 'f'.repeat(64)
const { binding, eks, caller, callee } = callPair()
const introductions = {
  ...{ call: binding.call, caller: alice.pubkey, callee: bob.pubkey },
  ...{ requestEks: [binding.callerEk], acceptEks: [binding.calleeEk] },
}

describe('the key of a call', () => {
  test('is the same from both sides, and names the other one', () => {
    expect(caller.key).toEqual(callee.key)
    expect([caller.key.length, caller.call, caller.peer, callee.peer]).toEqual([
      32,
      binding.call,
      bob.pubkey,
      alice.pubkey,
    ])
  })

  test('is HKDF-extract over the x of ECDH, with the salt of the protocol, by noble alone', () => {
    const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => keysFrom(bytes) !== undefined)
    const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
    fc.assert(
      fc.property(secret, secret, hex, hex, hex, (one, other, call, from, to) => {
        fc.pre(toHex(one) !== toHex(other) && from !== to)
        const [callerEk, calleeEk] = [toHex(schnorr.getPublicKey(one)), toHex(schnorr.getPublicKey(other))]
        const bound: CallBinding = { call, caller: from, callee: to, callerEk, calleeEk }
        const shared = getSharedSecret(one, Buffer.from(`02${calleeEk}`, 'hex')).slice(1)
        const salt = Buffer.concat([
          Buffer.from('p2p-comm call v2'),
          ...[call, from, to, callerEk, calleeEk].map((part) => Buffer.from(part, 'hex')),
        ])
        const expected = toHex(extract(nobleSha256, shared, salt))
        expect(toHex(must(deriveCallKey(must(keysFrom(one)), bound, from)).key)).toBe(expected)
        expect(toHex(must(deriveCallKey(must(keysFrom(other)), bound, to)).key)).toBe(expected)
      }),
      { numRuns: 60 },
    )
  })

  test('has a salt of 176 bytes that begins with the label', () => {
    const salt = Buffer.from(must(callSalt(binding)))
    expect([salt.length, salt.subarray(0, 16).toString()]).toEqual([176, CALL_KEY_LABEL])
    expect(salt.subarray(16, 48).toString('hex')).toBe(binding.call)
  })

  test.each(['call', 'caller', 'callee', 'callerEk', 'calleeEk'] as const)('is another one where %s is', (part) => {
    const other = { ...binding, [part]: fixedKeys('another').pubkey }
    const own = part === 'callerEk' ? fixedKeys('another') : eks.caller
    const me = part === 'caller' ? other.caller : alice.pubkey
    expect(toHex(must(deriveCallKey(own, other, me)).key)).not.toBe(toHex(caller.key))
  })

  test('is another one with the sides exchanged: what the caller sealed is not the callee’s of a call back', () => {
    const back = { ...binding, caller: bob.pubkey, callee: alice.pubkey }
    expect(deriveCallKey(eks.caller, back, bob.pubkey)?.key).not.toEqual(caller.key)
  })

  test('is none where the own key, the side or a part is not the call’s', () => {
    const tries: [string, ReturnType<typeof deriveCallKey>][] = [
      ["the peer's side", deriveCallKey(eks.caller, binding, bob.pubkey)],
      ["the peer's key", deriveCallKey(eks.callee, binding, alice.pubkey)],
      ['no side at all', deriveCallKey(eks.caller, binding, mallory.pubkey)],
      ['the key of nobody', deriveCallKey(mallory, binding, alice.pubkey)],
      ['a point that is none', deriveCallKey(eks.caller, { ...binding, calleeEk: offCurve }, alice.pubkey)],
      ['an upper-case part', deriveCallKey(eks.caller, { ...binding, call: binding.call.toUpperCase() }, alice.pubkey)],
      ['a short part', deriveCallKey(eks.caller, { ...binding, call: binding.call.slice(2) }, alice.pubkey)],
      ['one key on both sides', deriveCallKey(eks.caller, { ...binding, calleeEk: binding.callerEk }, alice.pubkey)],
      ['an identity as the peer’s', deriveCallKey(eks.caller, { ...binding, calleeEk: bob.pubkey }, alice.pubkey)],
      ['an identity as the own', deriveCallKey(alice, { ...binding, callerEk: alice.pubkey }, alice.pubkey)],
    ]
    expect(tries.filter(([, key]) => key !== undefined)).toEqual([])
  })

  test('belongs to the signals of its call alone', () => {
    expect(isOfCall(messageIn(binding), caller)).toBe(true)
    expect(isOfCall(messageIn({ ...binding, call: 'ab'.repeat(32) }), caller)).toBe(false)
    expect(isOfCall({ tags: [] }, caller)).toBe(false)
    const twice = ['ab'.repeat(32), binding.call].map((id) => ['call-id', id])
    expect([isOfCall({ tags: twice }, caller), isOfCall({ tags: twice.reverse() }, caller)]).toEqual([false, false])
  })
})

describe('a pair of call keys', () => {
  test('is made of random bytes, another one each time', () => {
    const made = makeCallKeys()
    expect(made.pubkey).not.toBe(makeCallKeys().pubkey)
    expect(ekFault([made.pubkey], [])).toBeUndefined()
    const bytes = randomBytes(32)
    expect(makeCallKeys(() => bytes)).toEqual(keysFrom(bytes))
    expect(thrownBy(() => makeCallKeys(() => new Uint8Array(32)))).toBeInstanceOf(Error)
  })
})

describe('an ek', () => {
  const good = binding.callerEk
  test.each([
    ['one good key', [good], undefined],
    ['none', [], 'missing'],
    ['the same twice', [good, good], 'several'],
    ['two', [good, binding.calleeEk], 'several'],
    ['an empty one', [''], 'malformed'],
    ['one in upper case', [good.toUpperCase()], 'malformed'],
    ['one with a prefix', [`02${good}`], 'malformed'],
    ['one that is longer', [`${good}00`], 'malformed'],
    ['one with a break at its end', [`${good}\n`], 'malformed'],
    ['no hex', ['z'.repeat(64)], 'malformed'],
    ['an x that is off the curve', [offCurve], 'off-curve'],
    ['an x above the field', ['fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30'], 'off-curve'],
    ['zero', ['0'.repeat(64)], 'off-curve'],
    ["the caller's identity", [alice.pubkey], 'identity'],
    ["the callee's identity", [bob.pubkey], 'identity'],
  ] as const)('that is %s', (_, eks, fault) => {
    expect(ekFault(eks, [alice.pubkey, bob.pubkey])).toBe(fault)
    const asked = bindCall({ ...introductions, requestEks: eks, acceptEks: [binding.calleeEk] })
    const answered = bindCall({ ...introductions, requestEks: [binding.callerEk], acceptEks: eks })
    if (fault === undefined) return expect(asked).toEqual({ sealedWith: 'call', binding })
    expect(asked).toEqual({ sealedWith: 'identity', faults: { caller: fault } })
    expect(answered).toEqual({ sealedWith: 'identity', faults: { callee: fault } })
  })

  test('that is our own, sent back, is a copy', () => {
    const bound = bindCall({ ...introductions, acceptEks: [binding.callerEk] })
    expect(bound).toEqual({ sealedWith: 'identity', faults: { callee: 'copied' } })
  })

  test('of each side is wanting where neither has one', () => {
    const bound = bindCall({ ...introductions, requestEks: [], acceptEks: [offCurve] })
    expect(bound).toEqual({ sealedWith: 'identity', faults: { caller: 'missing', callee: 'off-curve' } })
  })

  // Whatever is sent: where it says `call`, both sides have the same key, and nobody has it who has only the identities.
  test('makes a call secret only where both sides derive one key', () => {
    const word = fc.constantFrom(
      ...[binding.callerEk, binding.calleeEk, alice.pubkey, bob.pubkey, mallory.pubkey, offCurve, '', 'x'],
      ...[binding.callerEk.toUpperCase(), fixedKeys('another').pubkey],
    )
    const words = fc.array(word, { maxLength: 3 })
    fc.assert(
      fc.property(words, words, (requestEks, acceptEks) => {
        const bound = bindCall({ ...introductions, requestEks, acceptEks })
        if (bound.sealedWith === 'identity') {
          expect(Object.keys(bound.faults).length).toBeGreaterThan(0)
          return
        }
        const { callerEk, calleeEk } = bound.binding
        expect([requestEks, acceptEks]).toEqual([[callerEk], [calleeEk]])
        expect(new Set([callerEk, calleeEk, alice.pubkey, bob.pubkey]).size).toBe(4)
        for (const thief of [alice, bob])
          for (const side of [alice.pubkey, bob.pubkey])
            expect(deriveCallKey(thief, bound.binding, side)).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })
})
