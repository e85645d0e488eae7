// What is fuzzed: one parser each, with how its cases are made and what must hold of whatever comes out.
import type { SeededChoices } from './random.ts'

export type Target = {
  name: string
  /** How many cases of all it gets, in proportion to the others'. */
  share: number
  /** Makes a case and tries it. `input` is for people; `fault` says what is wrong with the outcome, if anything is. */
  attempt(chance: SeededChoices): FuzzCase
}

export type FuzzCase = { input: unknown; run: () => Fault | Promise<Fault> }

export type Fault = string | undefined

/** @param check what is wrong with what becomes of an input; whatever it throws is a fault too */
export function target<I>(
  name: string,
  share: number,
  make: (chance: SeededChoices) => I,
  check: (input: I) => Fault | Promise<Fault>,
): Target {
  return {
    name,
    share,
    attempt(chance) {
      const input = make(chance)
      return { input, run: () => check(input) }
    },
  }
}

/** The first of these that does not hold. */
export function faultOf(claims: Readonly<Record<string, boolean>>): Fault {
  return Object.entries(claims).find(([, holds]) => !holds)?.[0]
}

/** What nobody may be shown on one line: controls, breaks, directions, halves of characters. */
export function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(text)
}
