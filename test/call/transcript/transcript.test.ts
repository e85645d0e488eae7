// What becomes an entry of a transcript, and what is known of it.
import { expect, it } from 'vitest'
import { ME, PEER, START, sampleCall, transcriptIn } from './sample-transcripts.ts'

it('tells who said what when, in order, and how far our own words have come', () => {
  const call = sampleCall('me', 'Minutes')
  call.say('peer', { type: 'accept', text: 'Fine' }, 10)
  const last = call.say('me', { type: 'message', text: 'One\r\nTwo' }, 20)
  call.log.outbox[last] = { wrappedAt: START, wrapCount: 1, accepted: ['wss://a'], failed: [] }
  const { entries, call: facts, digest, verified } = call.transcript()
  expect(facts).toMatchObject({ direction: 'outgoing', state: 'active', topic: 'Minutes', createdAt: START })
  expect(entries).toMatchObject([
    {
      n: 1,
      from: 'me',
      author: { pubkey: ME },
      type: 'request',
      text: 'Minutes',
      at: START,
      seq: 1,
      state: 'delivered',
    },
    { n: 2, from: 'peer', author: { pubkey: PEER }, type: 'accept', text: 'Fine', at: START + 10, seq: 1 },
    { n: 3, from: 'me', type: 'message', text: 'One\nTwo', at: START + 20, seq: 2, state: 'relayed' },
  ])
  expect(entries[1]).not.toHaveProperty('state')
  expect([digest, verified]).toEqual([undefined, 'pending'])
})

it('shows what came before something that it follows below everything else, behind the gap', () => {
  const call = sampleCall('peer', 'Minutes')
  call.say('me', { type: 'accept' }, 1)
  call.say('peer', { type: 'message', text: 'two' }, 2, true)
  call.say('peer', { type: 'message', text: 'three' }, 3, true)
  const late = call.say('peer', { type: 'message', text: 'four' }, 5)
  call.say('me', { type: 'message', text: 'still there?' }, 6)
  const { [late]: waiting, ...entries } = call.log.entries
  const log = { ...call.log, entries, waiting: waiting === undefined ? {} : { [late]: waiting } }
  expect(transcriptIn(log).entries.map((e) => [e.n, e.type, e.text, e.waiting])).toEqual([
    [1, 'request', 'Minutes', undefined],
    [2, 'accept', '', undefined],
    [3, 'message', 'still there?', undefined],
    [4, 'gap', '2 messages have not arrived yet', undefined],
    [5, 'message', 'four', true],
  ])
})

it('makes one entry of the chunks of a file, at the place of the first that is here', () => {
  const call = sampleCall('peer', 'Files')
  call.say('me', { type: 'accept' }, 1)
  const file = { type: 'file', transferId: 'f', name: 'a\u202eb.txt', size: 50_000, sha256: 'cd'.repeat(32) } as const
  call.say('peer', { ...file, chunk: [1, 3] }, 2, true)
  call.say('peer', { ...file, chunk: [2, 3] }, 3)
  call.say('peer', { ...file, chunk: [3, 3] }, 4)
  const shown = () => call.transcript().entries.filter((e) => e.type === 'file')
  expect(shown()).toMatchObject([{ seq: 3, text: 'ab.txt (50000 bytes)', name: 'ab.txt', parts: { have: 2, of: 3 } }])
  call.log.files[`f ${file.sha256}`] = { path: '/files/ab.txt' }
  expect(shown()).toMatchObject([{ path: '/files/ab.txt', sha256: file.sha256, size: 50_000 }])
  expect(shown()[0]).not.toHaveProperty('parts')
})

it('says of an own file what is true of the chunk that is furthest behind', () => {
  const call = sampleCall('me', 'Files')
  call.say('peer', { type: 'accept' }, 1)
  const file = { type: 'file', transferId: 'f', name: 'a.txt', size: 50_000, sha256: 'cd'.repeat(32) } as const
  const ids = [1, 2, 3].map((n) => call.say('me', { ...file, chunk: [n, 3] }, 1 + n))
  call.log.peerAcked = { seq: 2, id: ids[0] }
  const sent = { wrappedAt: START, wrapCount: 1, failed: [] }
  call.log.outbox[ids[1] ?? ''] = { ...sent, accepted: ['wss://a'] }
  call.log.outbox[ids[2] ?? ''] = { ...sent, accepted: [] }
  expect(call.transcript().entries.at(-1)).toMatchObject({ state: 'queued', parts: { have: 1, of: 3 } })
})

it('does not let a peer attach its file to ours by the same names', () => {
  const call = sampleCall('me', 'Files')
  call.say('peer', { type: 'accept' }, 1)
  call.say('me', { type: 'file', transferId: 'f', sha256: 'cd'.repeat(32), chunk: [1, 1] }, 2)
  call.log.files[`f ${'cd'.repeat(32)}`] = { path: '/files/theirs' }
  expect(call.transcript().entries.at(-1)).not.toHaveProperty('path')
})

it('marks what the end had not acknowledged as late, and says why a call was rejected', () => {
  const ended = sampleCall('me', 'Bye')
  ended.say('peer', { type: 'accept' }, 1)
  ended.say('me', { type: 'end' }, 2)
  ended.say('peer', { type: 'message', text: 'one more' }, 3, false, { seq: 1, id: ended.log.id })
  expect(ended.transcript().entries.at(-2)).toMatchObject({ text: 'one more', late: true })
  expect(ended.transcript().entries.at(-1)).toMatchObject({ type: 'end', unseen: ['peer/2'] })

  const refused = sampleCall('me', 'Hello')
  refused.say('peer', { type: 'reject', reason: 'busy', text: 'later' }, 1)
  expect(refused.transcript().entries.at(-1)).toMatchObject({ type: 'reject', reason: 'busy', text: 'later' })
  expect(refused.transcript().call.state).toBe('rejected')
})

it('shows a line without its words for what the rules did not let its author say', () => {
  const call = sampleCall('peer', 'Hello')
  call.say('peer', { type: 'message', text: 'listen' }, 1)
  expect(call.transcript().entries.map((e) => [e.type, e.text])).toEqual([
    ['request', 'Hello'],
    ['opaque', 'message'],
  ])
})
