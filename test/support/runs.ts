// The program in this process: `main` as a process runs it, with streams, an environment, a clock and signals of its own, at the
// real relays and on the real disk. What a process itself is for (kills, locks against others, modes, loading) starts one.
import type { ProcessOptions, ProcessResult, RunningProcess } from '../../scripts/processes.ts'
import { PROGRAM } from '../../scripts/processes.ts'
import { main } from '../../src/cli/cli.ts'
import type { Host, OutputStream } from '../../src/cli/host.ts'
import { withClock } from './clocks.ts'

/** No command stays longer, in ms. */
const TIMEOUT_MS = 60_000

export type RunOptions = Omit<ProcessOptions, 'cwd'> & {
  /** Milliseconds by which this run's clock is ahead. */
  clock?: number
}

/** Starts `p2p <args>`. What takes too long is stopped, and ends with code null. */
export function startRun(
  args: readonly string[],
  { env, stdin = '', patience = TIMEOUT_MS, clock = 0 }: RunOptions,
): RunningProcess {
  const began = performance.now()
  const printed = { stdout: '', stderr: '' }
  const stops: (() => void)[] = []
  const stop = () => {
    for (const act of stops.splice(0)) act()
  }
  const ended = new Promise<number | null>((resolve) => {
    const late = setTimeout(() => {
      stop()
      resolve(null)
    }, patience)
    const host: Host = {
      argv: [process.execPath, PROGRAM, ...args],
      env,
      stdin: stdinOf(stdin),
      stdout: streamInto(printed, 'stdout'),
      stderr: streamInto(printed, 'stderr'),
      once: (_, act) => stops.push(act),
      exit: resolve,
    }
    void withClock(clock, () => main(host))
      .then(resolve, (error: unknown) => {
        printed.stderr += `main has rejected: ${String(error)}\n`
        resolve(null)
      })
      .finally(() => clearTimeout(late))
  })
  return { ended: ended.then((code): ProcessResult => ({ code, ...printed, ms: performance.now() - began })), stop }
}

async function* stdinOf(text: string): AsyncGenerator<Buffer> {
  if (text !== '') yield Buffer.from(text)
}

function streamInto(printed: { stdout: string; stderr: string }, name: 'stdout' | 'stderr'): OutputStream {
  return {
    write(text, done) {
      printed[name] += text
      if (done !== undefined) setImmediate(done)
    },
    on: () => {},
  }
}
