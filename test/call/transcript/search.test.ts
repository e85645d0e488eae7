// Finding words in what was said.
import { expect, it } from 'vitest'
import { hitsIn } from '../../../src/call/transcript/search.ts'
import { unsafeTextOf } from '../../../src/call/wording.ts'
import { START, sampleCall } from './sample-transcripts.ts'

const always = { since: undefined, until: undefined }

function talk() {
  const call = sampleCall('me', 'The invoice of July')
  call.say('peer', { type: 'accept', text: 'Fine' }, 10)
  call.say('peer', { type: 'message', text: 'first line\nthe INVOICE is late\nlast line' }, 20)
  call.say('me', { type: 'message', text: 'no bill here' }, 30, false)
  call.say('peer', { type: 'file', name: 'invoice.pdf', size: 9 }, 40)
  call.say('peer', { type: 'message', text: 'lost' }, 50, true)
  call.say('peer', { type: 'message', text: `${'x'.repeat(500)} needle ${'y'.repeat(500)}` }, 60)
  return call.transcript()
}

it('finds a word whatever its case, with the line, the author and the place', () => {
  expect(hitsIn(talk(), 'invoice', always)).toMatchObject([
    { call: talk().call.id, n: 1, type: 'request', from: 'me', line: 'The invoice of July', at: START },
    { n: 3, type: 'message', from: 'peer', line: 'the INVOICE is late', at: START + 20, seq: 2 },
    { n: 5, type: 'file', from: 'peer', line: 'invoice.pdf (9 bytes)' },
  ])
})

it('finds all of several words in one entry, in any order', () => {
  expect(hitsIn(talk(), 'late  first', always)).toMatchObject([{ n: 3, line: 'the INVOICE is late' }])
  expect(hitsIn(talk(), 'late july', always)).toEqual([])
})

it('takes the query as it stands: it is no pattern', () => {
  expect(hitsIn(talk(), '.', always)).toMatchObject([{ n: 5 }])
  expect(hitsIn(talk(), '.*', always)).toEqual([])
  expect(hitsIn(talk(), '[', always)).toEqual([])
})

it('finds full-width letters by the plain ones', () => {
  const call = sampleCall('me', 'ＩＮＶＯＩＣＥ')
  expect(hitsIn(call.transcript(), 'invoice', always)).toHaveLength(1)
})

it('keeps to a period, both ends included', () => {
  const found = (since?: number, until?: number) => hitsIn(talk(), 'i', { since, until }).map((hit) => hit.n)
  expect(found(START + 20, START + 30)).toEqual([3, 4])
  expect(found(START + 21)).toEqual([4, 5])
  expect(found(undefined, START)).toEqual([1])
})

it('shows of a long line what stands around the word', () => {
  const [hit] = hitsIn(talk(), 'needle', always)
  expect(hit?.line).toMatch(/^…x+ needle y+…$/)
  expect(unsafeTextOf(hit?.line ?? '').length).toBeLessThanOrEqual(242)
  const call = sampleCall('me', '\u{1f600}'.repeat(190))
  expect(hitsIn(call.transcript(), '\u{1f600}', always).every(({ line }) => unsafeTextOf(line).isWellFormed())).toBe(
    true,
  )
})

it('never finds a gap, nor anything for no word', () => {
  expect(hitsIn(talk(), 'arrived', always)).toEqual([])
  expect(hitsIn(talk(), '  ', always)).toEqual([])
})

it('shows the word where signs before it stand for many letters each', () => {
  const call = sampleCall('me', `${'\ufdfa'.repeat(100)} needle ${'y'.repeat(300)}`)
  expect(hitsIn(call.transcript(), 'needle', always)).toMatchObject([
    { line: expect.stringMatching(/^….* needle y+…$/) },
  ])
})
