// This process as a host. Making one of Node's streams takes longer than most of what a command computes, so output to a file or a pipe is
// written directly. A terminal gets a stream, and so does output that a pipe has no room for now.
import { fstatSync, writeSync } from 'node:fs'
import { errno } from '../io/store/disk-errors.ts'
import type { Host, OutputStream } from './host.ts'

/** A stream as Node makes it. */
export type NodeStream = {
  readonly isTTY?: boolean
  readonly columns?: number
  write(bytes: Uint8Array, done: (error?: Error | null) => void): unknown
  on(event: 'error', hear: (error: Error) => void): unknown
}

/** The host of a run that has this process for itself. */
export function processHost(): Host {
  return {
    argv: process.argv,
    env: process.env,
    get stdin() {
      return process.stdin
    },
    stdout: openOutput(1, () => process.stdout),
    stderr: openOutput(2, () => process.stderr),
    once: (signal, stop) => process.once(signal, stop),
    exit: (code) => process.exit(code),
  }
}

/** An open file as an output stream. `makeStream`: makes Node's own stream for it, called only where that is needed. */
export function openOutput(fd: number, makeStream: () => NodeStream): OutputStream {
  const hearers: ((error: Error) => void)[] = []
  let stream = takesAtOnce(fd) ? undefined : makeStream()

  function heardStream(): NodeStream {
    const made = makeStream()
    for (const hear of hearers) made.on('error', hear)
    return made
  }

  return {
    isTTY: stream?.isTTY === true,
    get columns() {
      return stream?.columns ?? 0
    },
    on(event, hear) {
      hearers.push(hear)
      stream?.on(event, hear)
    },
    write(text, done = () => {}) {
      const bytes = Buffer.from(text)
      try {
        const rest = stream === undefined ? writeNow(fd, bytes) : bytes
        if (rest.length === 0) return done()
        stream ??= heardStream()
        stream.write(rest, done)
      } catch (error) {
        const failed = error instanceof Error ? error : new Error(String(error))
        done(failed)
        for (const hear of hearers) hear(failed)
      }
    },
  }
}

// Writes directly, and gives back what there is no room for now. In a loop: a disk that is nearly full takes only a part, which Node's
// stream of a file would count as all.
function writeNow(fd: number, bytes: Uint8Array): Uint8Array {
  let rest = bytes
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest))
  } catch (error) {
    if (errno(error) !== 'EAGAIN') throw error
  }
  return rest
}

// Whether a file can be written directly. On Windows a pipe cannot.
function takesAtOnce(fd: number): boolean {
  try {
    const stats = fstatSync(fd)
    return stats.isFile() || (process.platform !== 'win32' && (stats.isFIFO() || stats.isSocket()))
  } catch {
    return false
  }
}
