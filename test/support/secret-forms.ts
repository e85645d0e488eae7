// The forms in which a secret key is passed around, for tests that look whether one of them gets out.
import { nsecEncode } from 'nostr-tools/nip19'

const hex = (secret: Uint8Array) => Buffer.from(secret).toString('hex')
const identity = (secret: Uint8Array) =>
  JSON.stringify({ version: 1, secretKey: hex(secret), pubkey: 'ab'.repeat(32) }, null, 2)

const TEXTS: Readonly<Record<string, (secret: Uint8Array) => string>> = {
  hex,
  'HEX in capitals': (secret) => hex(secret).toUpperCase(),
  'hex with colons': (secret) => hex(secret).match(/../g)?.join(':') ?? '',
  'hex on two lines': (secret) => hex(secret).replace(/.{32}/, '$&\r\n  '),
  'hex with signs that are not seen': (secret) => [...hex(secret)].join('\u200b'),
  nsec: nsecEncode,
  'NSEC in capitals': (secret) => nsecEncode(secret).toUpperCase(),
  'nsec letter by letter': (secret) => [...nsecEncode(secret)].join(' '),
  'nsec without its checksum': (secret) => nsecEncode(secret).slice(5, -6),
  'a sentence with it': (secret) => `Use “${nsecEncode(secret)}”, and tell nobody.`,
  base64: (secret) => Buffer.from(secret).toString('base64'),
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  'base64 of hex': (secret) => Buffer.from(hex(secret)).toString('base64'),
  'base64 of nsec': (secret) => Buffer.from(nsecEncode(secret)).toString('base64'),
  'base64 of the identity file': (secret) => Buffer.from(identity(secret)).toString('base64'),
  'base64 of it behind one more letter': (secret) => Buffer.from(` ${identity(secret)}`).toString('base64url'),
  'base64 on lines of 76': (secret) => Buffer.from(identity(secret)).toString('base64').replace(/.{76}/g, '$&\n'),
  'the identity file': identity,
}

/** By name: the bytes of each. */
export const SECRET_FORMS: Readonly<Record<string, (secret: Uint8Array) => Buffer>> = {
  ...Object.fromEntries(
    Object.entries(TEXTS).map(([name, form]) => [name, (secret: Uint8Array) => Buffer.from(form(secret))]),
  ),
  bytes: (secret) => Buffer.from(secret),
  'the identity file in UTF-16': (secret) => Buffer.from(`\ufeff${identity(secret)}`, 'utf16le'),
}

/** By name: those that are text. */
export const SECRET_TEXTS = TEXTS
