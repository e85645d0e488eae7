// Runs one target in a thread of its own, so that a case that never ends, or takes all memory, can be stopped and named.
import { parentPort, workerData } from 'node:worker_threads'
import { fuzz } from './run.ts'
import { TARGETS } from './targets.ts'

export type Task = { name: string; seed: string; from: number; cases: number; at: Int32Array<SharedArrayBuffer> }

void work(workerData)

async function work({ name, at, ...rest }: Task): Promise<void> {
  const target = TARGETS.find((one) => one.name === name)
  if (target === undefined) throw new Error(`no target is called ${name}`)
  parentPort?.postMessage(await fuzz(target, { ...rest, beat: (n) => Atomics.store(at, 0, n) }))
}
