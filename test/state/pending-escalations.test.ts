// When the owner is told again, and when no more.
import { describe, expect, test } from 'vitest'
import type { Escalation } from '../../src/call/escalation.ts'
import { foreign } from '../../src/sanitize.ts'
import { dueEscalations, openEscalation, recordOwnerTold } from '../../src/state/pending-escalations.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'

const T = 1_800_000_000
const empty: State = { index: emptyIndex(), logs: {} }
const all = ['webhook', 'command', 'openclaw']
const at = (now: number, pid = 1) => ({ me: 'me', now, pid })
const nobody = () => false
const everybody = () => true

const asked: Escalation = {
  ...{ id: 'e1', at: T, agent: '', npub: '', name: foreign``, call: '', text: 'May I?' },
  ...{ peer: '', peerNpub: '', peerName: foreign``, peerTrust: '', topic: foreign``, topicBy: '', told: '' },
}

/** A state in which the owner was asked at T. */
function asking(channels: readonly string[], letter?: string): State {
  const { index, logs } = openEscalation(empty, asked, channels, letter)
  return letter === undefined ? { index, logs } : { index: { ...index, outgoingLetters: { [letter]: LETTER } }, logs }
}

const LETTER = {
  to: 'owner',
  rumor: { id: 'r', pubkey: 'me', created_at: T, kind: 14, tags: [], content: '' },
  entry: { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [] },
}

const due = (state: State, now = T, configured: readonly string[] = all) =>
  dueEscalations(state, configured, at(now), nobody).dues.map((d) => [...d.channels].sort().join(' '))

const heardBack = (state: State, results: Record<string, string | undefined>, now = T) =>
  recordOwnerTold(state, [{ id: 'e1', results: told(results) }], all, now)

const told = (results: Record<string, string | undefined>) =>
  Object.fromEntries(
    Object.entries(results).map(
      ([channel, why]) => [channel, why === undefined ? undefined : foreign`${why}`] as const,
    ),
  )

describe('a new one', () => {
  test('is told through every channel', () => {
    const { dues, state } = dueEscalations(asking(all), all, at(T), nobody)
    expect(dues).toEqual([{ escalation: asked, channels: all, letter: undefined, neverTold: true }])
    expect(state.index.pendingEscalations.e1?.claim).toEqual({ pid: 1, at: T })
  })

  test('is due without any channel too, for the log', () => {
    expect(dueEscalations(asking([]), [], at(T), nobody).dues).toMatchObject([{ channels: [], neverTold: true }])
  })

  test('is left alone while the process that tells it lives, and taken over when it has died', () => {
    const { state } = dueEscalations(asking(all), all, at(T), everybody)
    expect(dueEscalations(state, all, at(T + 5, 2), everybody).dues).toEqual([])
    expect(dueEscalations(state, all, at(T + 5, 2), nobody).dues).toMatchObject([{ neverTold: true }])
    expect(dueEscalations(state, all, at(T + 500, 2), everybody).dues).toMatchObject([{ neverTold: true }])
  })

  test('is forgotten once the owner was told through every channel', () => {
    const told = heardBack(asking(all), { webhook: undefined, command: undefined, openclaw: undefined })
    expect(told.index.pendingEscalations).toEqual({})
  })

  test('changes nothing when there is nothing to do', () => {
    expect(dueEscalations(empty, all, at(T), nobody).state).toBe(empty)
  })
})

describe('a channel that failed', () => {
  const failed = heardBack(asking(all), { webhook: 'no', command: 'no', openclaw: 'no' })

  test('is tried with the next command after a minute, then ever more seldom', () => {
    expect(failed.index.pendingEscalations.e1?.neverTold).toBeUndefined()
    expect(due(failed, T + 59)).toEqual([])
    expect(due(failed, T + 60)).toEqual(['command openclaw webhook'])
    const waits: number[] = []
    let [state, now] = [failed, T]
    while (state.index.pendingEscalations.e1 !== undefined) {
      while (due(state, now).length === 0) now += 10
      waits.push(now - T)
      state = heardBack(state, { webhook: 'no', command: 'no', openclaw: 'no' }, now)
    }
    expect(waits).toEqual([60, 660, 4260, 25_860, 112_260, 285_060])
  })

  test('is tried no more once another has told the owner, unless twice is harmless there', () => {
    const one = heardBack(asking(all), { webhook: 'no', command: undefined, openclaw: 'no' })
    expect(due(one, T + 60)).toEqual(['webhook'])
    expect(heardBack(one, { webhook: undefined }).index.pendingEscalations).toEqual({})
    const other = heardBack(asking(all), { webhook: undefined, command: 'no', openclaw: 'no' })
    expect(other.index.pendingEscalations).toEqual({})
  })

  test('is tried no more once a relay has taken the letter', () => {
    const waiting = heardBack(asking(['command'], 'r'), { command: 'no' })
    expect(due(waiting, T + 60)).toEqual(['command'])
    const sent = { ...waiting, index: { ...waiting.index, outgoingLetters: {} } }
    expect(due(sent, T + 60)).toEqual([''])
    expect(heardBack(sent, {}).index.pendingEscalations).toEqual({})
  })

  test('is tried no more when nobody wants it any more, and the question is forgotten', () => {
    expect(due(failed, T + 60, ['webhook'])).toEqual(['webhook'])
    expect(due(failed, T + 60, [])).toEqual([''])
    expect(recordOwnerTold(failed, [{ id: 'e1', results: {} }], [], T).index.pendingEscalations).toEqual({})
  })

  test('is tried no more after a week', () => {
    expect(due(failed, T + 7 * 86_400 - 1)).toEqual(['command openclaw webhook'])
    expect(due(failed, T + 7 * 86_400)).toEqual([''])
  })

  test('is tried also when the clock was set back', () => {
    const twice = heardBack(failed, { webhook: 'no', command: 'no', openclaw: 'no' })
    expect(due(twice, T + 30)).toEqual([])
    expect(due(twice, T - 3600)).toEqual(['command openclaw webhook'])
  })
})

test('what many questions of before ask again does not go out at once, and keeps no new one from going out', () => {
  let state = empty
  for (let n = 0; n < 30; n++) state = openEscalation(state, { ...asked, id: `e${n}` }, all, undefined)
  const no = told({ webhook: 'no', command: 'no', openclaw: 'no' })
  const ids = Array.from({ length: 30 }, (_, n) => ({ id: `e${n}`, results: no }))
  state = openEscalation(recordOwnerTold(state, ids, all, T), { ...asked, id: 'new' }, all, undefined)
  const first = dueEscalations(state, all, at(T + 60), everybody)
  expect(first.dues.map((d) => d.escalation.id)).toEqual([...Array.from({ length: 10 }, (_, n) => `e${n}`), 'new'])
  expect(dueEscalations(first.state, all, at(T + 60, 2), everybody).dues[0]?.escalation.id).toBe('e10')
})
