// When a call counts as long, and when as a circle.
import { expect, test } from 'vitest'
import { paceOf } from '../../src/call/pace.ts'
import { replay } from '../../src/call/replay.ts'
import { must } from '../support/must.ts'
import { ME, START, sampleCall } from './transcript/sample-transcripts.ts'

/** A call in which `turns` texts are said in turn, `each` seconds apart, `times` in a row by each side. */
function talk(turns: number, { each = 5, text = 'ok', times = 1 } = {}) {
  const call = sampleCall('peer', 'topic')
  call.say('me', { type: 'accept', text: 'fine' }, 1)
  for (let n = 0; n < turns * times; n++)
    call.say(Math.floor(n / times) % 2 === 0 ? 'peer' : 'me', { type: 'message', text }, 10 + n * each)
  return paceOf(must(replay(call.log, ME, START + 3600)))
}

test('messages are counted, and nothing else', () => {
  expect(talk(0)).toEqual({ messages: 0, circling: undefined })
  expect(talk(7, { times: 3 }).messages).toBe(21)
})

test('thirty short turns within ten minutes are a circle', () => {
  expect(talk(29).circling).toBeUndefined()
  expect(talk(30).circling).toEqual({ turns: 30, seconds: 145 })
  expect(talk(300).circling).toEqual({ turns: 30, seconds: 145 })
  // Slower, or with more to say, or one side telling much in a row: that is work.
  expect(talk(60, { each: 21 }).circling).toBeUndefined()
  expect(talk(60, { text: 'x'.repeat(201) }).circling).toBeUndefined()
  expect(talk(29, { times: 20 }).circling).toBeUndefined()
})
