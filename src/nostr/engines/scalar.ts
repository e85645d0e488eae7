// Numbers of 32 bytes, and the group of secp256k1 that they count (SEC 2, 2.4.1).

/** How many points the group has: scalars are reduced modulo this. */
export const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** Bytes, big-endian, as a number. */
export function toNumber(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return BigInt(`0x0${hex}`)
}

/** A number below 2^256 as 32 bytes, big-endian. */
export function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}

/** A number modulo the order, from 0 upwards. */
export function reduce(value: bigint): bigint {
  const rest = value % order
  return rest < 0n ? rest + order : rest
}
