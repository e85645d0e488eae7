// How a call that rings stands, whatever its caller says of the time.
import { expect, test } from 'vitest'
import { callStatusOf, callStatusParts, ringingText } from '../../src/call/call-status.ts'
import { replay } from '../../src/call/replay.ts'
import { foreignLine } from '../../src/sanitize.ts'
import { must } from '../support/must.ts'
import { ME, START, sampleCall } from './transcript/sample-transcripts.ts'

const HOUR = 3600

test.each([
  ['as long as it has', -30, '90 s'],
  ['from when it came in, where it is dated ahead of that', 10 * HOUR, '59 s'],
  ['no longer than any call may ring, where it is dated 1970', -START, '23 h'],
])('a call has been ringing %s', (_, asked, age) => {
  const { log } = sampleCall('peer', 'topic', '', asked)
  const heard = { ...log, entries: { [log.id]: { ...must(log.entries[log.id]), heard: START + 1 } } }
  const call = must(replay(heard, ME, START + 60))
  const { rings } = callStatusOf(call, heard, START + 900)
  expect(ringingText(must(rings), false, START + 60)).toMatch(new RegExp(`^ringing for ${age}, until`))
})

test('a call of ours that no relay has is not waited for as if the other side could know of it', () => {
  const { log } = sampleCall('me', 'topic', '', 0)
  const text = (accepted: string[]) => {
    const outbox = { [log.id]: { wrappedAt: START, wrapCount: 1, accepted, failed: [] } }
    const { rings } = callStatusOf(must(replay(log, ME, START)), { ...log, outbox }, START + 900)
    return ringingText(must(rings), true, START + 60)
  }
  expect(text([])).toMatch(/: no relay has taken it yet, it is queued \(on disk only\)$/)
  expect(text(['wss://relay.example'])).toMatch(/: nothing has been heard from its program yet$/)
})

test('a word that no relay takes is told with what they say', () => {
  const call = sampleCall('me', 'topic')
  call.say('peer', { type: 'accept' })
  const id = call.say('me', { type: 'message', text: 'hello' })
  const refused = { url: 'wss://relay.example', reason: foreignLine('blocked: no writes') }
  const text = (accepted: string[]) => {
    const outbox = { [id]: { wrappedAt: START, wrapCount: 1, accepted, failed: [refused] } }
    const status = callStatusOf(must(replay(call.log, ME, START)), { ...call.log, outbox }, START + 900)
    return callStatusParts(status, true, START + 60).join('; ')
  }
  const queued = 'your last word, me/2, is queued (on disk only; wss://relay.example: "blocked: no writes")'
  expect(text([])).toBe(queued)
  expect(text(['wss://other.example'])).toBe('your last word, me/2, is relayed, not delivered yet')
})
