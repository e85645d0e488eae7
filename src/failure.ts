// The one error class: an expected failure, with the word a program reads and the next step a person takes.

/** Exit codes of the command line (docs: README, "Exit codes"). */
export const EXIT = {
  ok: 0,
  fault: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  waited: 5,
  impossible: 6,
  rejected: 7,
} as const

export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** @param code fixed upper-case word, one per cause (all in codes.ts); @param hint what to type or do next, "" when there is nothing. */
export class Failure extends Error {
  readonly code: string
  readonly exit: Exit
  readonly hint: string

  constructor(code: string, exit: Exit, message: string, hint = '') {
    super(message)
    this.name = 'Failure'
    this.code = code
    this.exit = exit
    this.hint = hint
  }
}
