// The executable: umask, argv in, exit code out.
import { main } from './cli.ts'

// Whatever is written is for its owner alone, also where a library forgets to say so.
process.umask(0o077)
// A reader that has seen enough (`p2p list | head -1`) is no fault.
process.stdout.on('error', () => process.exit(0))

void main(process.argv.slice(2), process.env).then((code) => {
  // What is still open (a name that is being looked up) belongs to nobody any more.
  process.exit(code)
})
