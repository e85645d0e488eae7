// How a call that rings stands, whatever its caller says of the time.
import { expect, test } from 'vitest'
import { callStatusOf, ringingText } from '../../src/call/call-status.ts'
import { replay } from '../../src/call/replay.ts'
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
