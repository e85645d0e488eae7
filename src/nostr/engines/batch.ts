// Many claims in one equation: if all are true, so is their sum with any coefficients; if one is false, the sum is true for
// one choice of coefficients in 2^128 (BIP-340, Batch Verification).
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { Point } from '@noble/secp256k1'
import type { Claim } from './claim.ts'
import { timesBase } from './curve.ts'
import { reduce, toBytes, toNumber } from './scalar.ts'

const coefficientBits = 128

/** Whether all claims are true: (Σ a·s)·G = Σ a·R + Σ (a·e)·P. False may also mean, by no chance that matters, undecided. */
export function allHold(claims: readonly Claim[]): boolean {
  const a = coefficients(claims)
  const nonces: Term[] = []
  // One term for each key, not for each signature: most people who write once write often.
  const keys = new Map<bigint, Term>()
  let sum = 0n
  for (const [index, { R, P, s, e }] of claims.entries()) {
    const factor = a[index] ?? 0n
    nonces.push({ point: R, scalar: factor })
    keys.set(P.X, { point: P, scalar: (keys.get(P.X)?.scalar ?? 0n) + factor * e })
    sum += factor * s
  }
  const left = reduce(sum)
  if (left === 0n) return false
  const reduced = [...keys.values()].map(({ point, scalar }) => ({ point, scalar: reduce(scalar) }))
  return timesBase(left).equals(multiply(nonces, coefficientBits).add(multiply(reduced, 256)))
}

// BIP-340 derives them from all the inputs, so that nobody can choose a signature to fit them; random bytes on top, so that
// nobody can try many in advance either.
function coefficients(claims: readonly Claim[]): bigint[] {
  const seed = createHash('sha256').update(randomBytes(32))
  for (const { R, P, s, e } of claims) for (const number of [R.X, P.X, s, e]) seed.update(toBytes(number))
  const bytes = createCipheriv('chacha20', seed.digest(), new Uint8Array(16)).update(new Uint8Array(16 * claims.length))
  return claims.map((_, index) => toNumber(bytes.subarray(16 * index, 16 * index + 16)))
}

type Term = { point: Point; scalar: bigint }

/** Σ scalar·point by Pippenger's buckets. Its time depends on the numbers, which are all public. */
function multiply(terms: readonly Term[], bits: number): Point {
  const width = widthFor(terms.length, bits)
  let total: Point | undefined
  for (let at = width * (Math.ceil(bits / width) - 1); at >= 0; at -= width) {
    for (let i = 0; i < width; i++) total = total?.double()
    total = plus(total, column(terms, BigInt(at), width))
  }
  return total ?? Point.ZERO
}

// Digit by digit: points with the same digit are added up, then the sum for digit d is taken d times.
function column(terms: readonly Term[], at: bigint, width: number): Point | undefined {
  const buckets: (Point | undefined)[] = new Array(2 ** width)
  const mask = (1n << BigInt(width)) - 1n
  for (const { point, scalar } of terms) {
    const digit = Number((scalar >> at) & mask)
    if (digit > 0) buckets[digit] = plus(buckets[digit], point)
  }
  let running: Point | undefined
  let sum: Point | undefined
  for (let digit = buckets.length - 1; digit > 0; digit--) {
    running = plus(running, buckets[digit])
    sum = plus(sum, running)
  }
  return sum
}

// Nothing is zero: adding it to a point would cost as much as any other.
function plus(a: Point | undefined, b: Point | undefined): Point | undefined {
  return b === undefined ? a : (a?.add(b) ?? b)
}

// The digit's width that needs the fewest additions.
function widthFor(count: number, bits: number): number {
  const cost = (width: number) => Math.ceil(bits / width) * (count + 2 ** (width + 1))
  let best = 1
  for (let width = 2; width <= 16; width++) if (cost(width) < cost(best)) best = width
  return best
}
