// Fuzzes NIP-44 payloads and NIP-59 wraps: wraps, seals and rumors, each spoiled inside of good outer layers.

import { chacha20, hmacSha256 } from '../../src/nostr/crypto.ts'
import { eventId, finalize, parseEvent, rumorOf } from '../../src/nostr/event.ts'
import { conversationKey, decrypt, encrypt, messageKeys, paddedLength } from '../../src/nostr/nip44.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { randomText, spoiledBytes, spoiledJson, spoiledText } from './mutate.ts'
import { agents, mustBe, NOW, rumors, seals, stranger, wraps } from './samples.ts'
import { type Fault, faultOf, target } from './target.ts'

const { caller, callee } = agents
const between = mustBe(conversationKey(caller.secret, callee.pubkey))
const outside = mustBe(conversationKey(stranger.secret, callee.pubkey))
const nonce = Buffer.alloc(32, 3)
const payload = encrypt('hello', between, nonce)

const payloads = target(
  'payloads',
  60,
  (chance) =>
    chance.often(50) ? spoiledText(chance, [payload]) : base64(spoiledBytes(chance, Buffer.from(payload, 'base64'))),
  (spoiled): Fault => {
    const found = decrypt(spoiled, between)
    return found === undefined || spoiled === payload ? undefined : 'a payload that was changed is taken'
  },
)

// With a right MAC: a peer can also write wrong lengths and padding.
const paddings = target(
  'paddings',
  40,
  (chance) => {
    const length = chance.pick([0, 1, 5, 31, 32, 33, 64, 65_535, chance.int(65_536)])
    const padded = Buffer.alloc(
      2 + chance.pick([32, 64, 96, paddedLength(Math.max(1, length)), chance.int(300)]),
      chance.int(256),
    )
    padded.writeUInt16BE(length)
    if (chance.often(30)) padded.set(Buffer.from(randomText(chance)).subarray(0, padded.length - 2), 2)
    return { length, padded }
  },
  ({ length, padded }) => {
    const { chachaKey, chachaNonce, hmacKey } = messageKeys(between, nonce)
    const ciphertext = chacha20(chachaKey, chachaNonce, padded)
    const mac = hmacSha256(hmacKey, nonce, ciphertext)
    const found = decrypt(base64(Buffer.concat([Uint8Array.of(2), nonce, ciphertext, mac])), between)
    if (found === undefined) return undefined
    return faultOf({
      'it is as long as it says': length === 0 || Buffer.byteLength(found) === length,
      'it is padded as it must be': padded.length >= 2 + paddedLength(Buffer.byteLength(found)),
      'it is whole': found.isWellFormed(),
    })
  },
)

type Envelope = { layer: 'wrap' | 'seal' | 'rumor'; inner: unknown }

const envelopes = target(
  'envelopes',
  12,
  (chance): Envelope => {
    const layer = chance.pick(['wrap', 'seal', 'seal', 'rumor', 'rumor', 'rumor'] as const)
    const sample = { wrap: wraps, seal: seals, rumor: rumors }[layer]
    return {
      layer,
      inner: chance.often(90)
        ? spoiledJson(chance, chance.pick<object>(sample))
        : spoiledText(chance, [JSON.stringify(sample[0])]),
    }
  },
  ({ layer, inner }) => {
    const event = layer === 'wrap' ? parseEvent(inner) : wrapped(layer, inner)
    const opened = event && unwrap(event, callee)
    if (!opened?.ok) return undefined
    const { rumor, from } = opened
    return faultOf({
      'its author sealed it': rumor.pubkey === from && [caller.pubkey, callee.pubkey].includes(from),
      'its id is its hash': rumor.id === eventId(rumor),
      'it has no signature': !('sig' in rumor),
    })
  },
)

function wrapped(layer: 'seal' | 'rumor', inner: unknown) {
  const sealed =
    layer === 'seal'
      ? inner
      : finalize({ kind: 13, created_at: NOW, tags: [], content: locked(inner, between) }, caller)
  const content = locked(sealed, outside)
  return {
    ...rumorOf({ kind: 1059, created_at: NOW, tags: [['p', callee.pubkey]], content }, stranger.pubkey),
    sig: '',
  }
}

function locked(inner: unknown, key: Uint8Array): string {
  const json = typeof inner === 'string' ? inner : JSON.stringify(inner)
  return encrypt(json === '' || Buffer.byteLength(json) > 60_000 ? '?' : json, key, nonce)
}

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString('base64')
}

export const wrapTargets = [payloads, paddings, envelopes]
