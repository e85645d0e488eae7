// What a run has of the process that it runs in: arguments, environment, streams, signals and exit. Several runs may share a process, each
// with a host of its own, so no run takes these from anywhere else.

import type { Env } from '../io/home/paths.ts'

/** `argv`: as Node has it, with the file that holds the whole program in second place. */
export type Host = {
  readonly argv: readonly string[]
  readonly env: Env
  readonly stdin: AsyncIterable<unknown> & { readonly isTTY?: boolean }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  once(signal: 'SIGINT' | 'SIGTERM', stop: () => void): unknown
  /** Ends the process, where it is this run's alone; a run that shares one goes on to its end. */
  exit(code: number): void
}

/** `columns`: the width of a terminal. */
export type OutputStream = {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string, done?: (error?: Error | null) => void): unknown
  on(event: 'error', hear: (error: Error) => void): unknown
}
