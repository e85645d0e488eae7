// Whose seals are kept for an accept that is still to come, and how many.
import { expect, test } from 'vitest'
import type { OpenedWrap } from '../../src/nostr/nip59-unwrap.ts'
import {
  ACCEPT,
  END,
  hears,
  logIn,
  REJECT,
  ringing,
  type Side,
  STATUS,
  says,
  T,
  turn,
} from '../support/conversation.ts'

/** Whether the caller and the callee wait for an accept. */
function awaiting(ada: Side, ben: Side, id: string): boolean[] {
  return [ada, ben].map(({ state }) => state.index.calls[id]?.awaitsAcceptUntil !== undefined)
}

test('the caller awaits an accept until there is one, also when it hangs up; whoever is called awaits none', () => {
  const { ada, ben, id } = ringing()
  expect(awaiting(ada, ben, id)).toEqual([true, false])
  says(ada, END)
  expect(awaiting(ada, ben, id)).toEqual([true, false])
  hears(ada, says(ben, ACCEPT))
  expect(awaiting(ada, ben, id)).toEqual([false, false])
})

test('a call that was rejected awaits none', () => {
  const { ada, ben, id } = ringing()
  hears(ada, says(ben, REJECT))
  expect(awaiting(ada, ben, id)).toEqual([false, false])
})

test('two runs that each keep as many as fit keep no more of them together', () => {
  const { ada, ben, id } = ringing()
  const seals = (run: number) => Array.from({ length: 150 }, (_, n) => sealed(ben, 1_000 * run + n))
  turn(ada, STATUS, { mail: { opened: seals(1) } })
  turn(ada, STATUS, { mail: { opened: seals(2) } })
  expect(Object.keys(logIn(ada, id).earlySeals ?? {})).toHaveLength(200)
})

/** What nothing opens yet, and the keyring wants kept. */
function sealed(from: Side, n: number): OpenedWrap {
  const id = `${n}`.padStart(64, '0')
  const seal = { id, pubkey: from.key, created_at: T, kind: 13, tags: [], content: '', sig: '0'.repeat(128) }
  const wrap = { id, stamp: T, bits: 0, pubkey: from.key, sig: '0'.repeat(128) }
  return { ...wrap, reason: 'undecryptable', unopened: { from: from.key, tried: [], left: 0, seal } }
}
