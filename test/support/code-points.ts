// Texts of all of Unicode for tests that try many.
import fc from 'fast-check'

const [SURROGATES, SURROGATE_COUNT, LAST] = [0xd800, 0x800, 0x10ffff]

/**
 * Every code point but the surrogates: for `fc.string` the same texts, in the same order, as its own unit 'binary', which makes a table
 * of them all (1.3 s of a core in every worker).
 */
export const codePoint: fc.Arbitrary<string> = fc.nat(LAST - SURROGATE_COUNT).map(
  (n) => String.fromCodePoint(n < SURROGATES ? n : n + SURROGATE_COUNT),
  (char) => {
    const point = typeof char === 'string' ? char.codePointAt(0) : undefined
    if (point === undefined || char !== String.fromCodePoint(point)) throw new Error('not one code point')
    return point < SURROGATES ? point : point - SURROGATE_COUNT
  },
)
