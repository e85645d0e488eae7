// What a run gets from the process that it runs in: arguments, environment, streams, signals and exit. Several runs may share a process,
// each with a host of its own, so runs get these from nowhere else.

import type { Env } from '../io/home/paths.ts'

/** `argv`: as in Node; the second word is the file of the program. */
export type Host = {
  readonly argv: readonly string[]
  readonly env: Env
  readonly stdin: AsyncIterable<unknown> & { readonly isTTY?: boolean }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  once(signal: 'SIGINT' | 'SIGTERM', stop: () => void): unknown
  /** Ends the process, where it belongs to this run alone; where it is shared, the run goes on to its end. */
  exit(code: number): void
}

/** stdout or stderr. `columns`: the width of a terminal. */
export type OutputStream = {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string, done?: (error?: Error | null) => void): unknown
  on(event: 'error', hear: (error: Error) => void): unknown
}
