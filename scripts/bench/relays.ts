// The bench's side of the process with its relays.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { RelayRequest } from './relay-process.ts'

export type BenchRelays = { ask(wish: RelayRequest): Promise<string>; close(): void }

/** Starts the process in which the relays of the bench run. `ask` rejects with what went wrong there; `close` ends the process. */
export function openBenchRelays(): BenchRelays {
  const child = fork(fileURLToPath(new URL('relay-process.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
  const waiting = new Map<number, { resolve: (answer: string) => void; reject: (error: Error) => void }>()
  let count = 0
  child.on('message', ({ id, answer, error }: { id: number; answer?: string; error?: string }) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.resolve(answer ?? '')
    else one?.reject(new Error(error))
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the relays have ended'))
  })
  return {
    ask: (wish) =>
      new Promise((resolve, reject) => {
        count += 1
        waiting.set(count, { resolve, reject })
        child.send({ id: count, wish })
      }),
    close: () => void child.kill(),
  }
}
