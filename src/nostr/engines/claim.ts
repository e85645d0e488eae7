// What a BIP-340 signature claims, and whether it is so, with the multiplications done by OpenSSL.
import { randomBytes, verify } from 'node:crypto'
import { etc, type Point } from '@noble/secp256k1'
import { keyAt, lift, tagged, timesBase } from './curve.ts'
import type { Signed } from './engine.ts'
import { order, reduce, toBytes, toNumber } from './scalar.ts'

/** s·G = R + e·P, with R and P on the curve and s and e from 1 to the order less one. */
export type Claim = { R: Point; P: Point; s: bigint; e: bigint }

/** What each signature claims; undefined for one that cannot be good, whatever the key. */
export function claimsOf(items: readonly Signed[]): (Claim | undefined)[] {
  const keys = new Map<string, Point | undefined>()
  return items.map(({ signature, hash, key }) => {
    if (signature.length !== 64 || key.length !== 32) return undefined
    const name = key.toString()
    if (!keys.has(name)) keys.set(name, lift(key))
    const r = signature.subarray(0, 32)
    const [R, P, s] = [lift(r), keys.get(name), toNumber(signature.subarray(32))]
    // BIP-340 refuses s from the order upwards. noble refuses zero too, which no signer makes.
    if (R === undefined || P === undefined || s === 0n || s >= order) return undefined
    return { R, P, s, e: reduce(toNumber(tagged('challenge', r, key, hash))) }
  })
}

/**
 * Whether the claim is true; undefined when this way cannot tell (by chance that never happens).
 *
 * node:crypto has no door to e·P with both coordinates, but it has ECDSA. To verify, ECDSA computes u·G + v·Q and compares
 * its x with a number; a hash z and a signature (r, w) make u = z / w and v = r / w. So Q, r and w are chosen here, for the
 * hash of nothing, in such a way that what ECDSA computes is s·G - e·P + t·G and what it compares with is the x of R + t·G.
 *
 * Why t: x alone does not tell R from -R, and BIP-340 takes only the one. t is drawn once in a process and told to nobody.
 * Two different points moved by the same unknown t·G have the same x for at most one t, or for x that differ by exactly the
 * order: together a chance of less than 2^-126, which nobody can improve without t.
 */
export function holds({ R, P, s, e }: Claim): boolean | undefined {
  secretShift ??= shift()
  const { t, T } = secretShift
  const r = reduce(R.add(T).toAffine().x)
  if (r === 0n || e === 0n) return undefined
  const inverse = etc.invert(reduce(e * r), order)
  // v = r / w = -e, so w = -r / e.
  const w = reduce(-r * r * inverse)
  // Q = P + k·G, and z / w - e·k = s + t, so k = -(s + t) / e - z / r.
  const k = reduce(-((s + t) * r + hashOfNothing * e) * inverse)
  if (k === 0n) return undefined
  const Q = P.add(timesBase(k))
  if (Q.is0()) return undefined
  const ecdsa = Buffer.concat([toBytes(r), toBytes(w)])
  return verify('sha256', nothing, { key: keyAt(Q.toAffine()), dsaEncoding: 'ieee-p1363' }, ecdsa)
}

const nothing = new Uint8Array(0)
const hashOfNothing = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855n

let secretShift: { t: bigint; T: Point } | undefined

function shift() {
  const t = reduce(toNumber(randomBytes(32))) || 1n
  return { t, T: timesBase(t) }
}
