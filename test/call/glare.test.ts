// Both call at once: what was said decides, the same for everybody who looks.
import { expect, test } from 'vitest'
import { contest } from '../../src/call/glare.ts'
import { emptyLog, type Log } from '../../src/call/log.ts'
import { type Body, write } from '../../src/call/signal.ts'
import { rumorOf } from '../../src/nostr/event.ts'

const [ada, ben] = ['a'.repeat(64), 'b'.repeat(64)]
const T = 1_795_000_000

/** A call that `from` asked for at `at`, with what was said in it afterwards. */
function asked(from: string, at: number, ...said: { from: string; at: number; body: Body }[]): Log {
  const to = from === ada ? ben : ada
  const body: Body = { type: 'request', text: 'hi', deadline: at + 900, name: '', relays: [] }
  const request = rumorOf(write(body, { call: undefined, to, seq: 1, lc: 1, ack: 0 }, at), from)
  const log = emptyLog(request.id)
  log.entries[request.id] = { rumor: request }
  for (const [i, { from: who, at: when, body: what }] of said.entries()) {
    const place = {
      call: request.id,
      to: who === ada ? ben : ada,
      seq: who === from ? i + 2 : i + 1,
      lc: i + 2,
      ack: 1,
    }
    const rumor = rumorOf(write(what, place, when), who)
    log.entries[rumor.id] = { rumor }
  }
  return log
}

const end: Body = { type: 'end', text: '', cut: [1, 0], digest: '', expired: false }
const reject: Body = { type: 'reject', text: '', reason: 'busy' }
const message: Body = { type: 'message', text: 'hello' }

test('one of two calls that crossed wins, whoever looks', () => {
  const [one, other] = [asked(ada, T), asked(ben, T + 5)]
  expect([contest(one, other), contest(other, one)].sort()).toEqual(['lost', 'won'])
  expect(contest(one, other)).toBe(one.id < other.id ? 'won' : 'lost')
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
  ['it was cancelled before the call back', asked(ada, T, { from: ada, at: T + 2, body: end }), asked(ben, T + 5)],
])('%s: no contest', (_, one, other) => {
  expect([contest(one, other), contest(other, one)]).toEqual([undefined, undefined])
})

test('what is said in the won call afterwards, be it in the same second, changes nothing', () => {
  const plain = contest(asked(ada, T), asked(ben, T))
  const talking = asked(ada, T, { from: ben, at: T, body: message }, { from: ada, at: T + 3, body: message })
  expect(contest(talking, asked(ben, T))).toBe(plain)
})
