// The vectors of call keys, computed once more by a second hand: noble and nostr-tools alone, and nothing of ours.
import { readFileSync } from 'node:fs'
import { extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { getSharedSecret, schnorr } from '@noble/secp256k1'
import { getEventHash, nip44, verifyEvent } from 'nostr-tools'
import { describe, expect, test } from 'vitest'
import { FILES, type makeVectors } from '../../scripts/vectors.ts'
import { isDowngraded } from '../../src/call/secrecy.ts'
import { bindCall, type CallBinding, type CallKey, deriveCallKey, ekFault } from '../../src/nostr/call-key.ts'
import { fromHex, keysFrom } from '../../src/nostr/crypto.ts'
import { parseEvent, tags } from '../../src/nostr/event.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { keyringOf } from '../support/call-pair.ts'
import { must } from '../support/must.ts'

const read: ReturnType<typeof makeVectors> = JSON.parse(readFileSync(FILES.vectors, 'utf8'))
const { agents, callKeys: data } = read
const bytes = (hex: string) => Buffer.from(hex, 'hex')
const point = (x: string) => bytes(`02${x}`)

describe('a second implementation finds', () => {
  const [own, theirs] = [bytes(data.callKeys.caller.secret), bytes(data.callKeys.callee.secret)]
  const x = getSharedSecret(own, point(data.callKeys.callee.ek)).slice(1)
  const key = extract(sha256, x, bytes(data.salt))

  test('the public halves of the call keys, in the request and the accept that the binding names', () => {
    for (const { secret, ek } of Object.values(data.callKeys))
      expect(Buffer.from(schnorr.getPublicKey(bytes(secret))).toString('hex')).toBe(ek)
    const [request, accept] = data.signals
    expect(request?.rumor.tags).toContainEqual(['ek', data.callKeys.caller.ek])
    expect(accept?.rumor.tags).toContainEqual(['ek', data.callKeys.callee.ek])
    expect(data.binding).toEqual({
      call: request?.rumor.id,
      ...{ caller: agents.caller.pubkey, callee: agents.callee.pubkey },
      ...{ callerEk: data.callKeys.caller.ek, calleeEk: data.callKeys.callee.ek },
    })
  })

  test('the x of ECDH, from either side', () => {
    expect(Buffer.from(x).toString('hex')).toBe(data.ecdhX)
    const other = getSharedSecret(theirs, point(data.callKeys.caller.ek)).slice(1)
    expect(Buffer.from(other).toString('hex')).toBe(data.ecdhX)
  })

  test('the salt and the conversation key', () => {
    const { call, caller, callee, callerEk, calleeEk } = data.binding
    const label = Buffer.from(data.label, 'ascii').toString('hex')
    expect(data.salt).toBe(label + call + caller + callee + callerEk + calleeEk)
    expect(bytes(data.salt)).toHaveLength(176)
    expect(Buffer.from(key).toString('hex')).toBe(data.conversationKey)
  })

  test.each(data.signals.map((signal, n) => [n, signal] as const))('every layer of signal %i', (_, signal) => {
    const [from, to] = signal.by === 'caller' ? [agents.caller, agents.callee] : [agents.callee, agents.caller]
    const between = nip44.v2.utils.getConversationKey(bytes(from.secret), to.pubkey)
    const sealKey = signal.sealedWith === 'call' ? key : between
    const json = JSON.stringify(signal.rumor)
    expect(getEventHash(signal.rumor)).toBe(signal.rumor.id)
    expect(nip44.v2.encrypt(json, sealKey, bytes(signal.nonce))).toBe(signal.payload)
    expect([signal.seal.content, signal.seal.pubkey, signal.seal.kind]).toEqual([signal.payload, from.pubkey, 13])
    expect(verifyEvent(signal.seal)).toBe(true)
    expect(verifyEvent(signal.wrap)).toBe(true)
    const outer = nip44.v2.utils.getConversationKey(bytes(to.secret), signal.wrap.pubkey)
    // The seal within has a nonce and stamps of its own, and the same rumor.
    const inner = JSON.parse(nip44.v2.decrypt(signal.wrap.content, outer))
    expect([verifyEvent(inner), inner.pubkey]).toEqual([true, from.pubkey])
    expect(nip44.v2.decrypt(inner.content, sealKey)).toBe(json)
    if (signal.sealedWith === 'call') expect(() => nip44.v2.decrypt(inner.content, between)).toThrow('invalid MAC')
  })
})

describe('we find in them', () => {
  const side = (who: 'caller' | 'callee', binding: CallBinding, secret: string): CallKey =>
    must(deriveCallKey(must(keysFrom(bytes(secret))), binding, agents[who].pubkey))
  const other = data.invalid.otherCall
  const callees = [
    side('callee', data.binding, data.callKeys.callee.secret),
    side('callee', other.binding, other.callKeys.callee),
  ]
  const callers = [side('caller', data.binding, data.callKeys.caller.secret)]

  test('the key that both sides have', () => {
    for (const { key } of [callees[0], callers[0]].map(must))
      expect(Buffer.from(key).toString('hex')).toBe(data.conversationKey)
  })

  test('every rumor, and what it was sealed with', () => {
    for (const { by, rumor, sealedWith, wrap } of data.signals) {
      const [to, ring] = by === 'caller' ? [agents.callee, callees] : [agents.caller, callers]
      const opened = unwrap(must(parseEvent(wrap)), must(keysFrom(must(fromHex(to.secret)))), keyringOf(ring))
      expect(opened).toMatchObject({ ok: true, rumor, key: sealedWith })
    }
  })

  test('what is a call key', () => {
    const identities = [agents.caller.pubkey, agents.callee.pubkey]
    expect(data.eks).toHaveLength(12)
    for (const { what, values, fault } of data.eks) {
      if (fault !== 'copied') expect([what, ekFault(values, identities) ?? null]).toEqual([what, fault])
      const sides = { call: data.binding.call, caller: agents.caller.pubkey, callee: agents.callee.pubkey }
      const inAccept = bindCall({ ...sides, requestEks: [data.callKeys.caller.ek], acceptEks: values })
      if (fault === null) continue
      expect([what, inAccept]).toEqual([what, { sealedWith: 'identity', faults: { callee: fault } }])
    }
  })

  test('what is a downgrade', () => {
    const { accepted, signals } = data.downgrades
    for (const { dropped, ...signal } of signals)
      expect([signal, isDowngraded(signal, accepted)]).toEqual([signal, dropped])
    expect(signals.filter(({ dropped }) => dropped)).toHaveLength(8)
  })

  test('what the wraps are that say what is not so', () => {
    const me = must(keysFrom(bytes(agents.callee.secret)))
    const ring = keyringOf(callees)
    const become = data.invalid.wraps.map(({ wrap }) => {
      const event = must(parseEvent(wrap))
      expect(verifyEvent({ ...event })).toBe(true)
      const opened = unwrap(event, me, ring)
      if (!opened.ok) return opened.reason
      const by = opened.from === agents.caller.pubkey ? 'caller' : 'callee'
      const ack = Number(tags(opened.rumor, 'ack')[0]?.[1])
      const signal = { type: 'message', by, seq: 2, ack, at: opened.rumor.created_at } as const
      return opened.key === 'identity' && isDowngraded(signal, data.downgrades.accepted) ? 'downgraded' : opened.key
    })
    expect(become).toEqual(data.invalid.wraps.map(({ becomes }) => becomes))
  })
})
