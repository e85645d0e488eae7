// Letters to the owner in the outbox: owed until a relay has taken one.
import { describe, expect, test } from 'vitest'
import { randomKeys } from '../../src/nostr/crypto.ts'
import type { Event } from '../../src/nostr/event.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'
import { foreign } from '../../src/sanitize.ts'
import { parseIndex } from '../../src/state/index-codec.ts'
import { directMessage, lettersDue, oweLetter, recordLettersSent } from '../../src/state/letters.ts'
import { emptyIndex, type OutgoingLetter, type State } from '../../src/state/state.ts'
import { must } from '../support/must.ts'

const T = 1_800_000_000
const keys = randomKeys()
const owner = randomKeys()
const at = (now: number, pid = 1) => ({ me: keys.pubkey, now, pid })
const nobody = () => false

const rumor = directMessage('May I?', owner.pubkey, at(T))
const empty: State = { index: emptyIndex(), logs: {} }
const owing = oweLetter(empty, rumor, owner.pubkey)
const wrap = giftWrap(rumor, owner.pubkey, keys, { now: T, callKey: undefined })

const verdict = (event: Event, accepted: boolean) => {
  const receipt = { relay: 'wss://a', event: event.id, accepted, reason: accepted ? '' : 'error', text: foreign`` }
  return [{ rumor: rumor.id, wrap: event, oks: [receipt] }]
}

test("a letter is NIP-17's chat message to one receiver", () => {
  expect(rumor).toMatchObject({ kind: 14, content: 'May I?', tags: [['p', owner.pubkey]], pubkey: keys.pubkey })
})

describe('owed', () => {
  test('at once, to its receiver, outside of calls', () => {
    const { dues, state } = lettersDue(owing, at(T), nobody)
    expect(dues).toEqual([{ to: owner.pubkey, rumor, wrap: undefined, skip: [] }])
    expect(state.index.outgoingLetters[rumor.id]?.entry.claim).toEqual({ pid: 1, at: T })
  })

  test('unless a disk has damaged it: it could not be sealed', () => {
    const { index } = owing
    const damaged = (changes: Partial<OutgoingLetter>): State => {
      const letter = { ...must(index.outgoingLetters[rumor.id]), ...changes }
      return { ...owing, index: { ...index, outgoingLetters: { [rumor.id]: letter } } }
    }
    for (const changes of [{ rumor: { ...rumor, content: 'May he?' } }, { to: 'f'.repeat(64) }])
      expect(lettersDue(damaged(changes), at(T), nobody).dues).toEqual([])
  })

  test('by one process at a time', () => {
    const { state } = lettersDue(owing, at(T), nobody)
    expect(lettersDue(state, at(T + 1, 2), () => true).dues).toEqual([])
    expect(lettersDue(state, at(T + 1, 2), nobody).dues).toHaveLength(1)
  })

  test('until a relay has taken it', () => {
    expect(recordLettersSent(owing, verdict(wrap, true), at(T)).index.outgoingLetters).toEqual({})
  })

  test('the same wrap for five minutes, then a new one', () => {
    const refused = recordLettersSent(owing, verdict(wrap, false), at(T))
    expect(refused.index.outgoingLetters[rumor.id]?.entry).toMatchObject({
      wrapCount: 1,
      wrappedAt: T,
      failed: [{ url: 'wss://a' }],
    })
    expect(lettersDue(refused, at(T + 300), nobody).dues).toMatchObject([{ wrap: { id: wrap.id } }])
    expect(lettersDue(refused, at(T + 301), nobody).dues).toMatchObject([{ wrap: undefined }])
  })

  test('for as long as relays would keep it', () => {
    expect(lettersDue(owing, at(T + 7 * 86_400 - 1), nobody).dues).toHaveLength(1)
    const { state, dues } = lettersDue(owing, at(T + 7 * 86_400), nobody)
    expect(dues).toEqual([])
    expect(state.index.outgoingLetters).toEqual({})
  })

  test('also after a restart, and in a state that knew no letters', () => {
    const read = (value: unknown) => parseIndex(JSON.parse(JSON.stringify(value)))
    expect(read(owing.index)).toEqual(owing.index)
    const { outgoingLetters: _, pendingEscalations: __, ...before } = emptyIndex()
    expect(read(before)).toMatchObject({ outgoingLetters: {}, pendingEscalations: {} })
    expect(read({ ...before, outgoingLetters: 3 })).toBeUndefined()
  })

  test('those that 0.1.0 still owed are owed on', () => {
    const posting = { wrapped: T, wraps: 1, accepted: [], failed: [], retried: T + 900 }
    const { outgoingLetters: _, pendingEscalations: __, ...rest } = emptyIndex()
    const letters = { [rumor.id]: { to: owner.pubkey, rumor, posting } }
    expect(parseIndex({ ...rest, version: 1, letters, appeals: {}, strays: [] })).toMatchObject({
      version: 2,
      outgoingLetters: {
        [rumor.id]: { to: owner.pubkey, rumor, entry: { wrappedAt: T, wrapCount: 1, retriedAt: T + 900 } },
      },
    })
  })
})

test('nothing owed changes nothing, and what others owe is left alone', () => {
  expect(lettersDue(empty, at(T), nobody).state).toBe(empty)
  expect(recordLettersSent(owing, [{ rumor: 'c'.repeat(64), wrap, oks: [] }], at(T))).toBe(owing)
})
