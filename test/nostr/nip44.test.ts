import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chacha20, fromHex, hmacSha256, keysFrom, randomBytes, toHex } from '../../src/nostr/crypto.ts'
import {
  conversationKey,
  decrypt,
  encrypt,
  MAX_PAYLOAD,
  MAX_PLAINTEXT,
  messageKeys,
  paddedLength,
  payloadLength,
} from '../../src/nostr/nip44.ts'
import { codePoint } from '../support/code-points.ts'
import { must } from '../support/must.ts'
import { describeVectors, sha256Of } from '../support/official-vectors.ts'
import { alice, bob } from '../support/people.ts'

type Message = { conversation_key: string; nonce: string }
type Vectors = {
  v2: {
    valid: {
      get_conversation_key: { sec1: string; pub2: string; conversation_key: string }[]
      get_message_keys: {
        conversation_key: string
        keys: { nonce: string; chacha_key: string; chacha_nonce: string; hmac_key: string }[]
      }
      calc_padded_len: [number, number][]
      encrypt_decrypt: (Message & { sec1: string; sec2: string; plaintext: string; payload: string })[]
      encrypt_decrypt_long_msg: (Message & {
        pattern: string
        repeat: number
        plaintext_sha256: string
        payload_sha256: string
      })[]
    }
    invalid: {
      encrypt_msg_lengths: number[]
      get_conversation_key: { sec1: string; pub2: string; note: string }[]
      decrypt: (Message & { plaintext: string; payload: string; note: string })[]
    }
  }
}

const hex = (text: string): Uint8Array => must(fromHex(text))
const key = must(conversationKey(alice.secret, bob.pubkey))

describeVectors('nip44.vectors.json', (text) => {
  const { valid, invalid }: Vectors['v2'] = JSON.parse(text).v2

  test('is the file that NIP-44 names', () => {
    expect(sha256Of(text)).toBe('269ed0f69e4c192512cc779e78c555090cebc7c785b609e338a62afc3ce25040')
    expect(valid.get_conversation_key).toHaveLength(35)
  })

  test('valid.get_conversation_key', () => {
    for (const row of valid.get_conversation_key)
      expect(toHex(must(conversationKey(hex(row.sec1), row.pub2)))).toBe(row.conversation_key)
  })

  test('valid.get_message_keys', () => {
    for (const row of valid.get_message_keys.keys) {
      const keys = messageKeys(hex(valid.get_message_keys.conversation_key), hex(row.nonce))
      expect(toHex(keys.chachaKey)).toBe(row.chacha_key)
      expect(toHex(keys.chachaNonce)).toBe(row.chacha_nonce)
      expect(toHex(keys.hmacKey)).toBe(row.hmac_key)
    }
  })

  test('valid.calc_padded_len', () => {
    for (const [length, padded] of valid.calc_padded_len) expect(paddedLength(length)).toBe(padded)
  })

  test('valid.encrypt_decrypt, from both sides', () => {
    for (const row of valid.encrypt_decrypt) {
      const [first, second] = [must(keysFrom(hex(row.sec1))), must(keysFrom(hex(row.sec2)))]
      const there = must(conversationKey(first.secret, second.pubkey))
      const back = must(conversationKey(second.secret, first.pubkey))
      expect([toHex(there), toHex(back)]).toEqual([row.conversation_key, row.conversation_key])
      expect(encrypt(row.plaintext, there, hex(row.nonce))).toBe(row.payload)
      expect(decrypt(row.payload, back)).toBe(row.plaintext)
    }
  })

  test('valid.encrypt_decrypt_long_msg', () => {
    for (const row of valid.encrypt_decrypt_long_msg) {
      const plaintext = row.pattern.repeat(row.repeat)
      expect(sha256Of(plaintext)).toBe(row.plaintext_sha256)
      const payload = encrypt(plaintext, hex(row.conversation_key), hex(row.nonce))
      expect(sha256Of(payload)).toBe(row.payload_sha256)
      expect(decrypt(payload, hex(row.conversation_key))).toBe(plaintext)
    }
  })

  test('invalid.encrypt_msg_lengths', () => {
    for (const length of invalid.encrypt_msg_lengths) expect(() => encrypt('a'.repeat(length), key)).toThrow(RangeError)
  })

  for (const row of invalid.get_conversation_key)
    test(`invalid.get_conversation_key: ${row.note}`, () => {
      expect(conversationKey(hex(row.sec1), row.pub2)).toBeUndefined()
    })

  for (const row of invalid.decrypt)
    test(`invalid.decrypt: ${row.note}`, () => {
      expect(decrypt(row.payload, hex(row.conversation_key))).toBeUndefined()
    })
})

describe('what NIP-44 prints', () => {
  const printedKey = hex('c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d')
  const one = hex(`${'00'.repeat(31)}01`)

  test('the example of a vector', () => {
    const payload =
      'AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb'
    expect(encrypt('a', printedKey, one)).toBe(payload)
    expect(decrypt(payload, printedKey)).toBe('a')
  })

  const table = [
    [
      65_535,
      65_536,
      '6e1bebca6a8229364a162a72ef064826c4cd7457bf54f190ef782bd9deff3e42',
      '6d8c2810d1e870fbaa1f0a0937126cca837a15f9260e27060c331d70a3c0bc84',
    ],
    [
      65_536,
      65_536,
      'bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a',
      'b7b4edb36ba92e267d322d56d9aebc22e7fa96ff52e3c12adc07f07a43cbc616',
    ],
    [
      65_537,
      81_920,
      '008ffc88d3c96a9f307524eb361e47c5222a887fc45fa0c1fb8d429c5c23b430',
      'eeb7c7c5373894ea2c1547cfd3ccb15d5a0b2d619da852e5c79df792dcc9e435',
    ],
  ] as const
  for (const [length, padded, plaintextSum, payloadSum] of table)
    test(`the checksums of ${length} bytes, read back`, () => {
      const plaintext = 'a'.repeat(length)
      expect(sha256Of(plaintext)).toBe(plaintextSum)
      expect(paddedLength(length)).toBe(padded)
      // encrypt() stops at 65,535 bytes; beyond, the payload is put together here, and the printed sum says that it is right.
      const prefix = length < 65_536 ? u16(length) : Buffer.concat([u16(0), u32(length)])
      const payload = seal(
        printedKey,
        one,
        Buffer.concat([prefix, Buffer.alloc(padded)]).fill('a', prefix.length, prefix.length + length),
      )
      expect(sha256Of(payload)).toBe(payloadSum)
      expect(payload).toHaveLength(payloadLength(length))
      expect(decrypt(payload, printedKey)).toBe(plaintext)
      if (length <= MAX_PLAINTEXT) expect(encrypt(plaintext, printedKey, one)).toBe(payload)
    })
})

describe('encrypt', () => {
  test('uses a fresh nonce each time', () => {
    expect(encrypt('a', key)).not.toBe(encrypt('a', key))
  })

  test('gives payloads of the announced length, and back comes the text', () => {
    for (const length of [
      1, 2, 31, 32, 33, 63, 64, 65, 255, 256, 257, 320, 321, 1_000, 32_768, 32_769, 65_534, 65_535,
    ]) {
      const text = 'x'.repeat(length)
      const payload = encrypt(text, key)
      expect(payload).toHaveLength(payloadLength(length))
      expect(decrypt(payload, key)).toBe(text)
    }
  })

  test('counts bytes of UTF-8, not characters', () => {
    expect(() => encrypt('é'.repeat(32_768), key)).toThrow(RangeError)
    expect(decrypt(encrypt('é'.repeat(32_767), key), key)).toBe('é'.repeat(32_767))
  })

  test('keeps a byte order mark and every character', () => {
    for (const text of ['\ufeff', '\ufeffa', 'a\u0000', '\u0000', '😀', '\u{10ffff}'])
      expect(decrypt(encrypt(text, key), key)).toBe(text)
  })

  test('is refused for no text, too much text, and keys and nonces of another length', () => {
    expect(() => encrypt('', key)).toThrow(RangeError)
    expect(() => encrypt('x'.repeat(MAX_PLAINTEXT + 1), key)).toThrow(RangeError)
    expect(() => encrypt('x', key.subarray(1))).toThrow(RangeError)
    expect(() => encrypt('x', key, randomBytes(31))).toThrow(RangeError)
  })
})

describe('padded lengths', () => {
  test('follow the shape of NIP-44 up to the largest plaintext', () => {
    expect(paddedLength(2 ** 32 - 1)).toBe(2 ** 32)
    expect(paddedLength(2 ** 31 + 1)).toBe(2 ** 31 + 2 ** 29)
    for (let n = 1; n <= 66_000; n++) {
      const padded = paddedLength(n)
      if (padded < n || padded % 32 !== 0 || padded < paddedLength(Math.max(1, n - 1))) expect.fail(`${n}: ${padded}`)
    }
  })
})

describe('decrypt', () => {
  const payload = encrypt('a message to bob', key)

  test('is nothing under another key, or a key of another length', () => {
    expect(decrypt(payload, must(conversationKey(alice.secret, alice.pubkey)))).toBeUndefined()
    expect(decrypt(payload, key.subarray(1))).toBeUndefined()
  })

  test('is nothing with any one byte changed', () => {
    const data = Buffer.from(payload, 'base64')
    for (let at = 0; at < data.length; at++) {
      const changed = Buffer.from(data)
      changed[at] = (data[at] ?? 0) ^ 0x01
      expect(decrypt(changed.toString('base64'), key)).toBeUndefined()
    }
  })

  test('takes canonical base64 only', () => {
    // 131 bytes of data: one "=" at the end, and two bits before it that must be zero.
    const padded = encrypt('x'.repeat(40), key)
    expect(padded.endsWith('=') && !padded.endsWith('==')).toBe(true)
    expect(decrypt(padded, key)).toBeDefined()
    const last = padded.at(-2) ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const twin = alphabet[alphabet.indexOf(last) + 1] ?? ''
    const variants = [
      padded.slice(0, -1),
      `${padded}=`,
      `${padded}\n`,
      ` ${padded}`,
      `${padded.slice(0, 50)}\n${padded.slice(50)}`,
      `${padded.slice(0, 50)}!${padded.slice(50)}`,
      `${padded.slice(0, -2)}${twin}=`,
      `${padded}AAAA`,
      `${padded.slice(0, 52)}é${padded.slice(53)}`,
    ]
    for (const variant of variants) {
      expect(variant).not.toBe(padded)
      expect(decrypt(variant, key), variant).toBeUndefined()
    }
    // base64url, on a payload that has a character to write differently.
    const urlSafe = Array.from({ length: 50 }, () => encrypt('x', key)).find((text) => /[+/]/.test(text)) ?? ''
    expect(decrypt(urlSafe, key)).toBe('x')
    expect(decrypt(urlSafe.replaceAll('+', '-').replaceAll('/', '_'), key)).toBeUndefined()
  })

  test('refuses versions it does not know, with a good MAC or not', () => {
    for (const version of [0, 1, 3, 255])
      expect(decrypt(seal(key, randomBytes(32), body('hello'), version), key)).toBeUndefined()
    expect(decrypt(seal(key, randomBytes(32), body('hello')), key)).toBe('hello')
    expect(decrypt(`#${payload}`, key)).toBeUndefined()
  })

  test('refuses lengths that lie, although the MAC is good', () => {
    const lies: Record<string, Buffer> = {
      'no text': Buffer.concat([u16(0), Buffer.alloc(32)]),
      'longer than the padding': Buffer.concat([u16(33), Buffer.alloc(32, 'a')]),
      'more padding than needed': Buffer.concat([u16(5), Buffer.from('hello'), Buffer.alloc(59)]),
      'less padding than needed': Buffer.concat([u16(33), Buffer.alloc(33, 'a')]),
      'a short length in the long form': Buffer.concat([u16(0), u32(5), Buffer.from('hello'), Buffer.alloc(27)]),
      'no length in the long form': Buffer.concat([u16(0), u32(0), Buffer.alloc(32)]),
      'the largest length': Buffer.concat([u16(0), u32(2 ** 32 - 1), Buffer.alloc(32)]),
      '65,535 in the long form': Buffer.concat([u16(0), u32(65_535), Buffer.alloc(65_536, 'a')]),
      'only half a long form': Buffer.concat([u16(0), Buffer.alloc(32, 0xff)]),
    }
    for (const [lie, bytes] of Object.entries(lies))
      expect(decrypt(seal(key, randomBytes(32), bytes), key), lie).toBeUndefined()
  })

  test('refuses text that is no UTF-8, although the MAC is good', () => {
    for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0x80]]) {
      const bytes = Buffer.concat([u16(bad.length), Buffer.from(bad), Buffer.alloc(32 - bad.length)])
      expect(decrypt(seal(key, randomBytes(32), bytes), key)).toBeUndefined()
    }
  })

  test('refuses what is larger than the bound, whatever it holds', () => {
    const most = Buffer.concat([u16(0), u32(163_840), Buffer.alloc(163_840, 'a')])
    const below = seal(key, randomBytes(32), most)
    expect(below.length).toBeLessThanOrEqual(MAX_PAYLOAD)
    expect(decrypt(below, key)).toBe('a'.repeat(163_840))
    const above = seal(key, randomBytes(32), Buffer.concat([u16(0), u32(196_608), Buffer.alloc(196_608, 'a')]))
    expect(above.length).toBeGreaterThan(MAX_PAYLOAD)
    expect(decrypt(above, key)).toBeUndefined()
    expect(decrypt('A'.repeat(50_000_000), key)).toBeUndefined()
  })

  test('never throws', () => {
    const base64 = fc.base64String({ minLength: 120, maxLength: 400 })
    const versioned = fc
      .uint8Array({ minLength: 90, maxLength: 300 })
      .map((bytes) => Buffer.from([2, ...bytes]).toString('base64'))
    const inside = fc.uint8Array({ minLength: 34, maxLength: 200 }).map((bytes) => seal(key, randomBytes(32), bytes))
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: codePoint, minLength: 132 }), base64, versioned, inside),
        (text) => {
          expect(['string', 'undefined']).toContain(typeof decrypt(text, key))
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

// The encryption without the checks, to make payloads that encrypt() would not.
function seal(conversation: Uint8Array, nonce: Uint8Array, padded: Uint8Array, version = 2): string {
  const keys = messageKeys(conversation, nonce)
  const ciphertext = chacha20(keys.chachaKey, keys.chachaNonce, padded)
  const mac = hmacSha256(keys.hmacKey, nonce, ciphertext)
  return Buffer.concat([Buffer.of(version), nonce, ciphertext, mac]).toString('base64')
}

function body(text: string): Buffer {
  return Buffer.concat([u16(text.length), Buffer.from(text), Buffer.alloc(32 - text.length)])
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
