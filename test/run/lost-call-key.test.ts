// What a call whose key is gone still says: what was sealed when it was here, and nothing under another key.
import { expect, test } from 'vitest'
import type { ActionOf } from '../../src/run/action.ts'
import type { RunContext } from '../../src/run/context.ts'
import { publishSignal } from '../../src/run/publish.ts'
import { foreign } from '../../src/sanitize.ts'
import { envelope } from '../support/conversation.ts'

const RELAY = 'wss://relay.example'

/** Whether anything was sealed, and what was published, at a relay that refuses stamps. */
async function published(wrap: ReturnType<typeof envelope> | undefined) {
  const seen: string[] = []
  let sealed = 0
  const environment = {
    callKeys: { keyOf: () => undefined },
    clock: () => 0,
    pool: {
      publish: async (publications: readonly { event: { id: string } }[]) => {
        seen.push(...publications.map(({ event }) => event.id))
        return [{ relay: RELAY, accepted: false, reason: 'timestamp', text: foreign`invalid: created_at` }]
      },
    },
    wrapRumor: () => {
      sealed++
      return envelope(99)
    },
  }
  const rumor = { id: 'r', kind: 14, content: 'in confidence', tags: [['call-id', 'c']], pubkey: 'a', created_at: 1 }
  const action = {
    type: 'signal',
    binding: { call: 'c' },
    said: false,
    route: { relays: [RELAY], pow: 0 },
    due: { call: 'c', to: 'b', rumor, wrap, skip: [] },
  }
  const context = { environment, deadline: 0, now: 1, clock: { ahead: 0, lag: 0 } }
  await publishSignal.execute(action as unknown as ActionOf<'signal'>, context as unknown as RunContext)
  return { sealed, seen }
}

// The attack: a relay refuses a wrap for its stamp, so that the word is sealed anew with what is at hand.
test('a kept wrap goes out as it is, and a relay that wants another stamp gets none', async () => {
  const kept = envelope(1)
  expect(await published(kept)).toEqual({ sealed: 0, seen: [kept.id] })
})

test('without a kept wrap nothing goes out', async () => {
  expect(await published(undefined)).toEqual({ sealed: 0, seen: [] })
})
