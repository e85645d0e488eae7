// What is done with a secret by OpenSSL: the public key, the shared x, the signature.
//
// Of timing: OpenSSL's multiplications take the same time for every secret. The two lines of arithmetic in `sign` are
// BigInt, whose time depends on the numbers, as is all of noble; each uses a nonce that never comes again. Nobody outside
// can time one signature of a process that makes a few and ends; and from code that runs beside us nothing could be hidden.
import { createPrivateKey, diffieHellman, type ECDH, type KeyObject, timingSafeEqual } from 'node:crypto'
import { noble } from './noble.ts'
import { evenPoint, evenPublicKey, keyPairOf, modOrder, ORDER, taggedHash, toBytes, toNumber } from './openssl-curve.ts'

type PreparedSecret = {
  /** A copy of the bytes it was made of: an array that was changed since holds another secret. */
  bytes: Uint8Array
  /** The x of the public key, and the secret or its negative, whichever has the even y (BIP-340's P and d). */
  key: Uint8Array
  scalar: bigint
  pair: ECDH
  object: KeyObject | undefined
  shared: number
}

/** From this many on, a KeyObject is worth making: importing it costs 1 ms cold, and each ECDH is then a quarter cheaper. */
const KEY_OBJECT_FROM = 4

const preparedSecrets = new WeakMap<Uint8Array, PreparedSecret>()

/** The x-only public key of a secret (BIP-340); undefined for a secret that is none. */
export function publicKey(secret: Uint8Array): Uint8Array | undefined {
  const own = prepareSecret(secret)
  return own === undefined ? undefined : Uint8Array.from(own.key)
}

/** The x coordinate of ECDH with an x-only key, 32 bytes; undefined where one of the two is none. */
export function sharedX(secret: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const own = prepareSecret(secret)
  // OpenSSL does not look at what comes after the point that it reads.
  if (own === undefined || key.length !== 32) return undefined
  own.shared += 1
  try {
    if (own.shared < KEY_OBJECT_FROM) return own.pair.computeSecret(evenPoint(key))
    own.object ??= keyObjectOf(own)
    return diffieHellman({ privateKey: own.object, publicKey: evenPublicKey(key) })
  } catch {
    // OpenSSL throws where the key is no point, and noble says undefined; where it throws for another reason, noble computes it.
    return noble.sharedX(secret, key)
  }
}

/**
 * BIP-340, Default Signing. The signature is not verified afterwards, as noble does and BIP-340 advises against faults of the machine:
 * a faulty signature gives the secret away only beside another one with the same nonce, and with fresh `aux` there is none.
 */
export function sign(hash: Uint8Array, secret: Uint8Array, aux: Uint8Array): Uint8Array {
  const own = prepareSecret(secret)
  if (own === undefined) throw new RangeError('the secret is no key')
  if (aux.length !== 32) throw new RangeError('aux has 32 bytes')
  const mask = taggedHash('aux', aux)
  const masked = toBytes(own.scalar).map((byte, at) => byte ^ (mask[at] ?? 0))
  const drawn = modOrder(toNumber(taggedHash('nonce', masked, own.key, hash)))
  const nonce = prepareSecret(toBytes(drawn))
  if (nonce === undefined) throw new Error('the nonce is zero')
  const challenge = modOrder(toNumber(taggedHash('challenge', nonce.key, own.key, hash)))
  return Buffer.concat([nonce.key, toBytes(modOrder(nonce.scalar + challenge * own.scalar))])
}

// A nonce is prepared here too; nobody else has its array, and what is kept of it goes when the array goes.
function prepareSecret(secret: Uint8Array): PreparedSecret | undefined {
  const found = preparedSecrets.get(secret)
  if (found !== undefined && secret.length === 32 && timingSafeEqual(found.bytes, secret)) return found
  if (secret.length !== 32) return undefined
  const scalar = toNumber(secret)
  if (scalar === 0n || scalar >= ORDER) return undefined
  const bytes = Uint8Array.from(secret)
  const pair = keyPairOf(bytes)
  const compressed = pair.getPublicKey(null, 'compressed')
  const own: PreparedSecret = {
    bytes,
    key: compressed.subarray(1),
    scalar: compressed[0] === 2 ? scalar : ORDER - scalar,
    pair,
    object: undefined,
    shared: 0,
  }
  preparedSecrets.set(secret, own)
  return own
}

// RFC 5915 with the public key in it, so that OpenSSL need not compute it once more.
function keyObjectOf({ bytes, pair }: PreparedSecret): KeyObject {
  const [start, parameters] = [Buffer.from('30740201010420', 'hex'), Buffer.from('a00706052b8104000aa144034200', 'hex')]
  const key = Buffer.concat([start, bytes, parameters, pair.getPublicKey()])
  return createPrivateKey({ key, format: 'der', type: 'sec1' })
}
