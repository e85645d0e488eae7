// The equation that a BIP-340 signature claims to hold, and whether it does, with the multiplications done by OpenSSL.
// Many equations summed into one: if all are true, so is their sum with any coefficients; if one is false, the sum is true for
// one choice of coefficients in 2^128 (BIP-340, Batch Verification).
import { createCipheriv, createHash, randomBytes, verify } from 'node:crypto'
import { etc, Point } from '@noble/secp256k1'
import type { SignedByKey } from './engine.ts'
import { liftX, modOrder, ORDER, publicKeyAt, taggedHash, timesBase, toBytes, toNumber } from './openssl-curve.ts'

/** s·G = R + e·P, with R and P on the curve and s and e from 1 to the order less one. */
export type SignatureEquation = { R: Point; P: Point; s: bigint; e: bigint }

/** The equation of each signature; undefined for one that cannot be good, whatever the key. */
export function equationsOf(items: readonly SignedByKey[]): (SignatureEquation | undefined)[] {
  const keys = new Map<string, Point | undefined>()
  return items.map(({ signature, hash, key }) => {
    if (signature.length !== 64 || key.length !== 32) return undefined
    const name = key.toString()
    if (!keys.has(name)) keys.set(name, liftX(key))
    const r = signature.subarray(0, 32)
    const [R, P, s] = [liftX(r), keys.get(name), toNumber(signature.subarray(32))]
    // BIP-340 refuses s from the order upwards. noble refuses zero too, which no signer makes.
    if (R === undefined || P === undefined || s === 0n || s >= ORDER) return undefined
    return { R, P, s, e: modOrder(toNumber(taggedHash('challenge', r, key, hash))) }
  })
}

/**
 * Whether the equation is true; undefined when this way cannot tell (by chance that never happens).
 *
 * node:crypto offers no e·P with both coordinates, but it has ECDSA. To verify, ECDSA computes u·G + v·Q and compares
 * its x with a number; a hash z and a signature (r, w) make u = z / w and v = r / w. So Q, r and w are chosen here, for the
 * hash of nothing, in such a way that what ECDSA computes is s·G - e·P + t·G and what it compares with is the x of R + t·G.
 *
 * Why t: x alone does not tell R from -R, and BIP-340 takes only the one. t is drawn once in a process and told to nobody.
 * Two different points moved by the same unknown t·G have the same x for at most one t, or for x that differ by exactly the
 * order: together a chance of less than 2^-126, which nobody can improve without t.
 */
export function isTrueEquation({ R, P, s, e }: SignatureEquation): boolean | undefined {
  secretShift ??= newShift()
  const { t, T } = secretShift
  const r = modOrder(R.add(T).toAffine().x)
  if (r === 0n || e === 0n) return undefined
  const inverse = etc.invert(modOrder(e * r), ORDER)
  // v = r / w = -e, so w = -r / e.
  const w = modOrder(-r * r * inverse)
  // Q = P + k·G, and z / w - e·k = s + t, so k = -(s + t) / e - z / r.
  const k = modOrder(-((s + t) * r + HASH_OF_NOTHING * e) * inverse)
  if (k === 0n) return undefined
  const Q = P.add(timesBase(k))
  if (Q.is0()) return undefined
  const ecdsa = Buffer.concat([toBytes(r), toBytes(w)])
  return verify('sha256', NOTHING, { key: publicKeyAt(Q.toAffine()), dsaEncoding: 'ieee-p1363' }, ecdsa)
}

const NOTHING = new Uint8Array(0)
const HASH_OF_NOTHING = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855n

let secretShift: { t: bigint; T: Point } | undefined

function newShift() {
  const t = modOrder(toNumber(randomBytes(32))) || 1n
  return { t, T: timesBase(t) }
}

const COEFFICIENT_BITS = 128

/** Whether all equations are true: (Σ a·s)·G = Σ a·R + Σ (a·e)·P. By a chance too small to matter, false means undecided. */
export function areAllTrue(equations: readonly SignatureEquation[]): boolean {
  const a = coefficients(equations)
  const nonces: Term[] = []
  // One term for each key, not for each signature: most people who write once write often.
  const keys = new Map<bigint, Term>()
  let sum = 0n
  for (const [index, { R, P, s, e }] of equations.entries()) {
    const factor = a[index] ?? 0n
    nonces.push({ point: R, scalar: factor })
    keys.set(P.X, { point: P, scalar: (keys.get(P.X)?.scalar ?? 0n) + factor * e })
    sum += factor * s
  }
  const left = modOrder(sum)
  if (left === 0n) return false
  const reduced = [...keys.values()].map(({ point, scalar }) => ({ point, scalar: modOrder(scalar) }))
  return timesBase(left).equals(multiply(nonces, COEFFICIENT_BITS).add(multiply(reduced, 256)))
}

// BIP-340 derives them from all the inputs, so that nobody can choose a signature to fit them; random bytes on top, so that
// nobody can try many in advance either.
function coefficients(equations: readonly SignatureEquation[]): bigint[] {
  const seed = createHash('sha256').update(randomBytes(32))
  for (const { R, P, s, e } of equations) for (const number of [R.X, P.X, s, e]) seed.update(toBytes(number))
  const bytes = createCipheriv('chacha20', seed.digest(), new Uint8Array(16)).update(
    new Uint8Array(16 * equations.length),
  )
  return equations.map((_, index) => toNumber(bytes.subarray(16 * index, 16 * index + 16)))
}

type Term = { point: Point; scalar: bigint }

/** Σ scalar·point by Pippenger's buckets. Its time depends on the numbers, which are all public. */
function multiply(terms: readonly Term[], bits: number): Point {
  const width = widthFor(terms.length, bits)
  let total: Point | undefined
  for (let at = width * (Math.ceil(bits / width) - 1); at >= 0; at -= width) {
    for (let i = 0; i < width; i++) total = total?.double()
    total = addPoints(total, sumColumn(terms, BigInt(at), width))
  }
  return total ?? Point.ZERO
}

// Digit by digit: points with the same digit are added up, then the sum for digit d is taken d times.
function sumColumn(terms: readonly Term[], at: bigint, width: number): Point | undefined {
  const buckets: (Point | undefined)[] = new Array(2 ** width)
  const mask = (1n << BigInt(width)) - 1n
  for (const { point, scalar } of terms) {
    const digit = Number((scalar >> at) & mask)
    if (digit > 0) buckets[digit] = addPoints(buckets[digit], point)
  }
  let running: Point | undefined
  let sum: Point | undefined
  for (let digit = buckets.length - 1; digit > 0; digit--) {
    running = addPoints(running, buckets[digit])
    sum = addPoints(sum, running)
  }
  return sum
}

// Zero is undefined here: as a point it would cost as much to add as any other.
function addPoints(a: Point | undefined, b: Point | undefined): Point | undefined {
  return b === undefined ? a : (a?.add(b) ?? b)
}

// The digit's width that needs the fewest additions.
function widthFor(count: number, bits: number): number {
  const cost = (width: number) => Math.ceil(bits / width) * (count + 2 ** (width + 1))
  let best = 1
  for (let width = 2; width <= 16; width++) if (cost(width) < cost(best)) best = width
  return best
}
