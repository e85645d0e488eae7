// Both call at once: what was said decides, the same for everybody who looks.
import { expect, test } from 'vitest'
import { emptyLog, type Log, type LogEntry } from '../../src/call/log.ts'
import { combineGlare, judgeGlare } from '../../src/call/replay.ts'
import type { Body } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { rumorOf } from '../../src/nostr/event.ts'

const [ada, ben] = ['a'.repeat(64), 'b'.repeat(64)]
const T = 1_795_000_000

/** A call that `from` asked for at `at`, with what was said in it afterwards. */
function asked(from: string, at: number, ...said: { from: string; at: number; body: Body }[]): Log {
  return after([], from, at, ...said)
}

/** The same, by one who knows of other calls. */
function after(known: string[], from: string, at: number, ...said: { from: string; at: number; body: Body }[]): Log {
  const to = from === ada ? ben : ada
  const body: Body = { type: 'request', text: 'hi', deadline: at + 900, name: '', relays: [], after: known }
  const request = rumorOf(signalTemplate(body, { call: undefined, to, seq: 1, lc: 1, ack: 0 }, at), from)
  const entries: Record<string, LogEntry> = { [request.id]: { rumor: request } }
  for (const [i, { from: who, at: when, body: what }] of said.entries()) {
    const place = {
      call: request.id,
      to: who === ada ? ben : ada,
      seq: who === from ? i + 2 : i + 1,
      lc: i + 2,
      ack: 1,
    }
    const rumor = rumorOf(signalTemplate(what, place, when), who)
    entries[rumor.id] = { rumor }
  }
  return { ...emptyLog(request.id), entries }
}

const end: Body = { type: 'end', text: '', cut: [1, 0], digest: '', expired: false }
const reject: Body = { type: 'reject', text: '', reason: 'busy' }
const message: Body = { type: 'message', text: 'hello' }

const cancelled = asked(ada, T, { from: ada, at: T + 2, body: end })

test('one of two calls that crossed wins, whoever looks', () => {
  const [one, other] = [asked(ada, T), asked(ben, T + 5)]
  expect([judgeGlare(one, other), judgeGlare(other, one)].sort()).toEqual(['lost', 'won'])
  expect(judgeGlare(one, other)).toBe(one.id < other.id ? 'won' : 'lost')
})

test.each([
  ['the same one called twice', asked(ada, T), asked(ada, T + 5)],
  ['the first had stopped ringing', asked(ada, T), asked(ben, T + 900)],
  ['it was rejected before the call back', asked(ada, T, { from: ben, at: T + 2, body: reject }), asked(ben, T + 5)],
  [
    'it was rejected in the second of the call back',
    asked(ada, T, { from: ben, at: T + 5, body: reject }),
    asked(ben, T + 5),
  ],
  ['the call back names the call that was cancelled', cancelled, after([cancelled.id], ben, T + 5)],
  ['the call back names the call by a clock that is behind', asked(ada, T), after([asked(ada, T).id], ben, T - 500)],
])('%s: no contest', (_, one, other) => {
  expect([judgeGlare(one, other), judgeGlare(other, one)]).toEqual([undefined, undefined])
})

test('what is said in the won call afterwards, be it in the same second, changes nothing', () => {
  const plain = judgeGlare(asked(ada, T), asked(ben, T))
  const talking = asked(ada, T, { from: ben, at: T, body: message }, { from: ada, at: T + 3, body: message })
  expect(judgeGlare(talking, asked(ben, T))).toBe(plain)
})

test('that one hung up cannot be known to the other: who has spoken in the won call meanwhile keeps it', () => {
  const two = asked(ben, T + 5)
  expect(judgeGlare(cancelled, two)).toBe(judgeGlare(asked(ada, T), two))
})

test('of several calls that crossed, whoever loses once is not the conversation', () => {
  expect(combineGlare(['won', undefined, 'lost'])).toBe('lost')
  expect(combineGlare(['won', undefined])).toBe('won')
  expect(combineGlare([undefined])).toBeUndefined()
})
