// A process of its own for the tests of io/: node worker.mjs <what> <home> [number]. It prints a line for all it has done.
import { writeSync } from 'node:fs'
import { placeFile } from '../../../src/io/files/received.ts'
import { loadIdentity } from '../../../src/io/home/identity.ts'
import { homeOf } from '../../../src/io/home/paths.ts'
import { openStore } from '../../../src/io/store/store.ts'
import { removalsOf } from '../../../src/state/retention.ts'
import { CALL_ID, CALL_SECRET, countingCodec, countUp } from '../../support/counting-codec.ts'
import { addMessages, endCall, smallArchiveCodec } from '../../support/long-call.ts'

const [what = '', root = '', number = '0'] = process.argv.slice(2)
const home = homeOf(root, {})
const store = (step?: (name: string) => void) =>
  openStore(home, countingCodec, { say: print, command: `worker ${what}`, lockMs: 20_000, ...(step && { step }) })

const spoken = () =>
  openStore(home, smallArchiveCodec, { say: print, command: `worker ${what}`, lockMs: 20_000, step: atStep('SIGKILL') })

// How the lock is taken and left is what other jobs are for.
const BEYOND_THE_LOCK = /calls|state\.json|take away|remove|clear lock/

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
  async dieAtWord() {
    print(`${await spoken().update([], addMessages)}`)
  },
  async dieAtEnd() {
    await spoken().update([], endCall)
    print('ended')
  },
  async dieAtKey() {
    const one = store(atStep('SIGKILL', BEYOND_THE_LOCK))
    print(`${await one.update([], (fresh) => ({ ...countUp(fresh), secrets: [CALL_SECRET] }))}`)
  },
  async dieAtRemoval() {
    const removals = removalsOf(CALL_ID, [], true)
    for (const path of await store(atStep('SIGKILL', BEYOND_THE_LOCK)).remove((snapshot) => ({ snapshot, removals })))
      print(path)
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
  dieAtIdentity() {
    print(loadIdentity(home, {}, { step: atStep('SIGKILL') }).pubkey)
  },
  place() {
    print(placeFile(home, CALL_ID, 'report.json', new TextEncoder().encode(number.repeat(1000))))
  },
  dieAtPlace() {
    print(placeFile(home, CALL_ID, 'report.json', new Uint8Array([2]), atStep('SIGKILL')))
  },
}

// Ready, then at once with all the others: the test writes a line to every worker's stdin.
if (process.env.GATE !== undefined) {
  print('ready')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdin.destroy()
}
await jobs[what]?.()

// Ends or stops this very process right before its n-th step on the disk, of those whose name is meant.
function atStep(signal: NodeJS.Signals, meant = /./): (name: string) => void {
  let n = 0
  return (name) => {
    if (meant.test(name) && ++n === Number(number)) process.kill(process.pid, signal)
  }
}

// Unbuffered: what was printed is out even if the next thing that happens is SIGKILL.
function print(line: string): void {
  writeSync(1, `${line}\n`)
}
