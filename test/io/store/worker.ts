// A process of its own for the tests of io/: node worker.cjs <what> <home> [number]. It prints a line for all it has done.
import { writeSync } from 'node:fs'
import { placeFile } from '../../../src/io/files/received.ts'
import { loadIdentity } from '../../../src/io/home/identity.ts'
import { homeOf } from '../../../src/io/home/paths.ts'
import { openStore } from '../../../src/io/store/store.ts'
import { CALL_ID, CALL_SECRET, countingCodec, countUp } from '../../support/counting-codec.ts'

const [what = '', root = '', number = '0'] = process.argv.slice(2)
const home = homeOf(root, {})
const store = (step?: (name: string) => void) =>
  openStore(home, countingCodec, { say: print, command: `worker ${what}`, lockMs: 20_000, ...(step && { step }) })

const jobs: Record<string, () => unknown> = {
  async count() {
    const one = store()
    for (let n = 0; n < Number(number); n++) print(`${await one.update([], countUp)}`)
  },
  async die() {
    print(`${await store(atStep('SIGKILL')).update([], (fresh) => countUp(fresh, 'written by the one that died'))}`)
  },
  async stop() {
    print(`${await store(atStep('SIGSTOP')).update([], countUp)}`)
  },
  async loose() {
    process.umask(0)
    loadIdentity(home, {})
    await store().update([], (fresh) => ({ ...countUp(fresh), secrets: [CALL_SECRET] }))
    print(placeFile(home, CALL_ID, 'report.json', new Uint8Array([1])))
  },
  identity() {
    print(loadIdentity(home, {}).pubkey)
  },
  place() {
    print(placeFile(home, CALL_ID, 'report.json', new TextEncoder().encode(number.repeat(1000))))
  },
}

void work()

async function work(): Promise<void> {
  // Ready, then at once with all the others: the test writes a line to every worker's stdin.
  if (process.env.GATE !== undefined) {
    print('ready')
    await new Promise((resolve) => process.stdin.once('data', resolve))
    process.stdin.destroy()
  }
  await jobs[what]?.()
}

// Ends or stops this very process right before its n-th step on the disk.
function atStep(signal: NodeJS.Signals): () => void {
  let n = 0
  return () => {
    if (++n === Number(number)) process.kill(process.pid, signal)
  }
}

// Unbuffered: what was printed is out even if the next thing that happens is SIGKILL.
function print(line: string): void {
  writeSync(1, `${line}\n`)
}
