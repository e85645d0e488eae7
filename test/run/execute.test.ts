// What became of signals is written down while the rest is on its way, and how long a write takes sets the pace.
import { expect, test } from 'vitest'
import type { Action } from '../../src/run/action.ts'
import type { RunContext } from '../../src/run/context.ts'
import { executeSideBySide } from '../../src/run/execute.ts'
import { envelope } from '../support/conversation.ts'

const DAY = 86_400_000

/** What a run pauses for between its writes, in ms, where each of them takes so long. */
async function pausesAfter(took: number): Promise<number[]> {
  const pauses: number[] = []
  let now = 0
  let published = 0
  const environment = {
    callKeys: { keyOf: () => undefined },
    clock: () => now,
    async pause(ms: number) {
      pauses.push(ms)
      return true
    },
    pool: {
      async publish() {
        // One after the other, with time to write what became of it.
        for (let n = 0; n < 10 * published; n++) await undefined
        published++
        return []
      },
    },
    store: {
      async update() {
        now += took
      },
    },
  }
  const actions = Array.from({ length: 8 }, (_, n) => ({
    ...{ type: 'signal', binding: undefined, said: false, route: { relays: [], pow: 0 } },
    due: { call: 'c', to: 'b', rumor: { id: `${n}`, tags: [] }, wrap: envelope(n), skip: [] },
  }))
  const context = { environment, deadline: 0, now: 1, clock: { ahead: 0, lag: 0 } }
  await executeSideBySide(actions as unknown as Action[], context as unknown as RunContext)
  return pauses
}

test('three times what the last write took', async () => {
  expect([...new Set(await pausesAfter(100))]).toEqual([0, 300])
})

// The machine went to sleep in the middle of one, or its clock was set.
test('and never longer than ten seconds', async () => {
  expect([...new Set(await pausesAfter(DAY))]).toEqual([0, 10_000])
})
