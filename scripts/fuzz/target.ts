// A target of fuzzing: one parser, with how its cases are made and what must hold for its results.
import type { SeededChoices } from './random.ts'

export type Target = {
  name: string
  /** Its share of all cases, in proportion to those of the others. */
  share: number
  /** Makes a case. `input` is for people; `run` tries it, and gives what is wrong with the result, if anything is. */
  attempt(chance: SeededChoices): FuzzCase
}

export type FuzzCase = { input: unknown; run: () => Fault | Promise<Fault> }

export type Fault = string | undefined

/** A target. @param make makes an input @param check parses it and gives what is wrong with the result; what it throws is a fault too */
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

/** The first claim that does not hold; undefined where all hold. */
export function faultOf(claims: Readonly<Record<string, boolean>>): Fault {
  return Object.entries(claims).find(([, holds]) => !holds)?.[0]
}

/** Whether a text may be shown on one line: without controls, line breaks, changes of direction and halves of characters. */
export function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(text)
}
