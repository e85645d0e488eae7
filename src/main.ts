// The executable: umask, argv in, exit code out. As a second thread of itself it unwraps gift wraps and does nothing else.
import { serveUnwrapThread, UNWRAP_THREAD } from './io/unwrap-worker.ts'

void start()

async function start(): Promise<void> {
  if (process.argv[2] === UNWRAP_THREAD && serveUnwrapThread()) return
  // Whatever is written is for its owner alone, also where a library forgets to say so.
  process.umask(0o077)
  const [{ main }, { processHost }] = await Promise.all([import('./cli/cli.ts'), import('./cli/process-host.ts')])
  const code = await main(processHost())
  // Whatever is still open, such as a DNS lookup, serves nobody any more.
  process.exit(code)
}
