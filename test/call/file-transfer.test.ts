// Files in chunks: what is cut is put together again, whatever order it comes in; what does not fit is not believed.
import { expect, it } from 'vitest'
import { parseRemote } from '../../src/call/file-codec.ts'
import { assemble, CHUNK, chunksOf, INLINE_LIMITS, refusedFor, transfers } from '../../src/call/file-transfer.ts'
import { emptyLog, type Log, type LogEntry } from '../../src/call/log.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { type Call, replay } from '../../src/call/replay.ts'
import { type Body, type FileBody, LIMIT, NOTHING } from '../../src/call/signal.ts'
import { parseSignal, signalTemplate } from '../../src/call/signal-codec.ts'
import { randomBytes, sha256, toHex } from '../../src/nostr/crypto.ts'
import { rumorOf } from '../../src/nostr/event.ts'
import { fitsRelays } from '../../src/nostr/nip59.ts'
import { must } from '../support/must.ts'

const [ada, ben] = [toHex(randomBytes(32)), toHex(randomBytes(32))]
const T = 1_800_000_000
const HEX = '0'.repeat(64)

/** A call that ben has accepted and in which ada says all this, as ben holds it; seqs and clocks count up. */
function heard(bodies: readonly Body[], order = bodies.map((_, i) => i)): { call: Call; log: Log } {
  const request: Body = { type: 'request', text: 'files', deadline: T + 900, name: '', relays: [] }
  const first = { call: undefined, to: ben, seq: 1, prev: undefined, ack: NOTHING }
  const asked = rumorOf(signalTemplate(request, first, T), ada)
  const entries: Record<string, LogEntry> = {}
  const log = { ...emptyLog(asked.id), entries }
  entries[asked.id] = { rumor: asked, heard: T }
  const accept: Body = { type: 'accept', text: '', name: '', relays: [] }
  const position = { call: asked.id, to: ada, seq: 1, prev: undefined, ack: { seq: 1, id: asked.id } }
  const taken = rumorOf(signalTemplate(accept, position, T), ben)
  entries[taken.id] = { rumor: taken }
  let prev = asked.id
  const said = bodies.map((body, i) => {
    const place = { call: asked.id, to: ben, seq: i + 2, prev, ack: { seq: 1, id: taken.id } }
    const rumor = rumorOf(signalTemplate(body, place, T), ada)
    prev = rumor.id
    return rumor
  })
  for (const i of order) {
    const rumor = said[i]
    if (rumor !== undefined) entries[rumor.id] = { rumor, heard: T }
  }
  const call = replay(log, ben, T)
  if (call === undefined) throw new Error('no call')
  return { call, log }
}

const only = ({ call, log }: ReturnType<typeof heard>) => {
  const [transfer, second] = transfers(call, log, ada)
  if (transfer === undefined || second !== undefined) throw new Error('not one transfer')
  return transfer
}

it.each([1, CHUNK - 1, CHUNK, CHUNK + 1, 200_000])('cuts %i bytes and puts them together in any order', (size) => {
  const bytes = randomBytes(size)
  const bodies = chunksOf('a.bin', 'x/y', bytes, 'salt')
  expect(bodies).toHaveLength(Math.ceil(size / CHUNK))
  const order = bodies.map((_, i) => i).sort(() => Math.random() - 0.5)
  const transfer = only(heard(bodies, [...order, ...order]))
  expect(transfer).toMatchObject({
    name: 'a.bin',
    size,
    sha256: toHex(sha256(bytes)),
    have: bodies.length,
    of: bodies.length,
  })
  expect(Buffer.from(bytes).equals(Buffer.from(must(assemble(transfer))))).toBe(true)
})

it('cuts so that every relay takes the wrap, whatever the name', () => {
  const id = '0'.repeat(64)
  const place = { call: id, to: ben, seq: LIMIT.seq, prev: id, ack: { seq: LIMIT.seq, id } }
  for (const body of chunksOf('\u{1f4be}'.repeat(60), 'application/octet-stream', randomBytes(CHUNK), 'salt'))
    expect(fitsRelays(rumorOf(signalTemplate(body, place, T), ada))).toBe(true)
})

it('has two transfers of the same bytes apart', () => {
  const [one] = chunksOf('a', 'x/y', new Uint8Array([1]), '1')
  const [two] = chunksOf('a', 'x/y', new Uint8Array([1]), '2')
  expect(one?.transferId).not.toBe(two?.transferId)
})

it('is not whole before all of it is here', () => {
  const bodies = chunksOf('a', 'x/y', randomBytes(60_000), 'salt')
  const transfer = only(heard(bodies, [0, 2]))
  expect(transfer).toMatchObject({ have: 2, of: 3 })
  expect(assemble(transfer)).toBeUndefined()
})

it.each<[string, (chunk: FileBody) => Partial<FileBody>]>([
  ['other bytes', ({ text }) => ({ text: `AAAA${text.slice(4)}` })],
  ['fewer bytes', ({ text }) => ({ text: text.slice(4) })],
  ['no base64', () => ({ text: 'ignore all previous instructions' })],
])('is damaged by a chunk with %s', (_, lie) => {
  const bodies = chunksOf('a', 'x/y', randomBytes(60_000), 'salt')
  const lying = bodies.map((body, i) => (i === 1 ? { ...body, ...lie(body) } : body))
  expect(assemble(only(heard(lying)))).toBe('damaged')
})

it('takes no chunk that contradicts the first one', () => {
  const bytes = randomBytes(60_000)
  const [a, b, c] = chunksOf('a', 'x/y', bytes, 'salt')
  if (a === undefined || b === undefined || c === undefined) throw new Error('no chunks')
  const again = { ...b, text: 'AAAA' }
  const other = { ...c, text: 'AAAA', chunk: [3, 4] as const }
  const transfer = only(heard([a, b, again, other, c]))
  expect(Buffer.from(bytes).equals(Buffer.from(must(assemble(transfer))))).toBe(true)
})

it('takes no chunk from anybody else, and none from before the call was taken', () => {
  const { call, log } = heard(chunksOf('a', 'x/y', randomBytes(10), 'salt'))
  expect(transfers(call, log, ben)).toEqual([])
  const early = replay(
    { ...log, entries: Object.fromEntries(Object.entries(log.entries).filter(([, e]) => e.heard)) },
    ben,
    T,
  )
  if (early === undefined) throw new Error('no call')
  expect(transfers(early, log, ada)).toEqual([])
})

it('counts what the peer has acked as having arrived, of what is ours', () => {
  const { log } = heard(chunksOf('a', 'x/y', randomBytes(60_000), 'salt'))
  const acked = { seq: 3, id: log.id }
  const call = replay({ ...log, peerAcked: acked }, ada, T)
  if (call === undefined) throw new Error('no call')
  expect(transfers(call, { ...log, peerAcked: acked }, ada)).toMatchObject([{ have: 2, of: 3 }])
})

it('has bounds', () => {
  const transfer = only(heard(chunksOf('a', 'x/y', randomBytes(60_000), 'salt'), [0]))
  const whole = only(heard(chunksOf('a', 'x/y', randomBytes(10), 'salt')))
  expect(refusedFor(transfer, INLINE_LIMITS.open - 1)).toBeUndefined()
  expect(refusedFor(transfer, INLINE_LIMITS.open)).toMatch(/too many/)
  expect(refusedFor(whole, INLINE_LIMITS.open)).toBeUndefined()
  expect(refusedFor({ ...transfer, size: INLINE_LIMITS.bytes }, 0)).toBeUndefined()
  expect(refusedFor({ ...transfer, size: INLINE_LIMITS.bytes + 1 }, 0)).toMatch(/too large/)
  expect(refusedFor({ ...whole, of: Math.ceil(INLINE_LIMITS.bytes / CHUNK) + 1 }, 0)).toMatch(/too large/)
})

const control = (tags: string[][], content = 'AAAA') => {
  const numbers = [
    ['p', ben],
    ['op', 'file'],
    ['call-id', '0'.repeat(64)],
    ['seq', '2'],
    ['prev', HEX],
    ['ack', '0'],
  ]
  return parseSignal(rumorOf({ kind: 1410, created_at: T, tags: [...numbers, ...tags], content }, ada))
}

it.each<[string, string[]]>([
  ['chunk', ['chunk', '0', '1']],
  ['chunk', ['chunk', '2', '1']],
  ['chunk', ['chunk', '1', '1001']],
  ['chunk', ['chunk', '1e0', '1']],
  ['x', ['x', 'ab']],
  ['x', ['x', 'A'.repeat(64)]],
  ['size', ['size', '-1']],
  ['size', ['size', '1e3']],
  ['size', ['size', '9'.repeat(13)]],
  ['file', ['file', '']],
  ['file', ['file', 'x'.repeat(65)]],
])('does not read a chunk whose %s is %j', (name, lie) => {
  const good = [
    ['file', 'f'],
    ['name', 'n'],
    ['m', 'x/y'],
    ['size', '3'],
    ['x', 'a'.repeat(64)],
    ['chunk', '1', '1'],
  ]
  expect(control(good)?.body.type).toBe('file')
  // It keeps its place in the log, and is no file.
  expect(control([...good.filter((t) => t[0] !== name), lie])?.body).toEqual({ type: 'opaque', text: '', op: 'file' })
})

const stored: FileBody = {
  ...{
    type: 'file',
    text: 'https://files.example/x.bin',
    transferId: 'b'.repeat(16),
    name: 'a.pdf',
    mime: 'application/pdf',
  },
  ...{ size: 1000, sha256: 'c'.repeat(64), chunk: [1, 1] },
  remote: {
    ...{ aesKey: 'd'.repeat(64), nonce: 'e'.repeat(24), ciphertextSha256: 'b'.repeat(64) },
    fallbacks: ['https://one.example/x', 'https://two.example/x'],
  },
}

it('announces a file on a server with the tags of NIP-17, and reads them back', () => {
  const place = { call: HEX, to: ben, seq: 2, prev: HEX, ack: { seq: 1, id: HEX } }
  const rumor = rumorOf(signalTemplate(stored, place, T), ada)
  expect(rumor).toMatchObject({ kind: 15, content: stored.text })
  // The size is that of what lies on the server.
  expect(rumor.tags).toEqual(
    expect.arrayContaining([
      ['file-type', 'application/pdf'],
      ['encryption-algorithm', 'aes-gcm'],
      ['decryption-key', 'd'.repeat(64)],
      ['decryption-nonce', 'e'.repeat(24)],
      ['x', 'b'.repeat(64)],
      ['ox', 'c'.repeat(64)],
      ['size', '1016'],
      ['name', 'a.pdf'],
      ['fallback', 'https://one.example/x'],
    ]),
  )
  expect(parseSignal(rumor)?.body).toEqual(stored)
  expect(transfers(...pairOf(heard([stored, stored])))).toMatchObject([{ of: 1, remote: stored.remote }])
})

const pairOf = ({ call, log }: ReturnType<typeof heard>): [Call, Log, string] => [call, log, ada]

it.each<[string, string[] | undefined]>([
  ['decryption-key', undefined],
  ['decryption-key', ['decryption-key', 'd'.repeat(62)]],
  ['decryption-nonce', undefined],
  ['decryption-nonce', ['decryption-nonce', 'e'.repeat(26)]],
  ['encryption-algorithm', ['encryption-algorithm', 'aes-cbc']],
  ['x', undefined],
  ['x', ['x', '../../etc/passwd']],
  ['ox', ['ox', 'c'.repeat(63)]],
])('does not read a file message whose %s is %j', (name, lie) => {
  const { tags, ...rest } = signalTemplate(stored, { call: undefined, to: ben, seq: 2, prev: HEX, ack: NOTHING }, T)
  const lying = [...tags.filter((t) => t[0] !== name), ...(lie === undefined ? [] : [lie])]
  expect(parseRemote(rumorOf({ ...rest, tags }, ada))).toBeDefined()
  expect(parseRemote(rumorOf({ ...rest, tags: lying }, ada))).toBeUndefined()
})

it('keeps what has become of files, and takes a call file for damaged where it says something else of one', () => {
  const files = {
    a: { path: '/x', size: 3, sha256: 'ab' },
    b: { refused: 'no' },
    c: { fetching: { have: 1, tries: 2, at: 3, why: 'w', claim: { pid: 1, at: 2 } } },
  }
  const log = { ...emptyLog('0'.repeat(64)), files }
  expect(parseLog(JSON.parse(JSON.stringify(log)))).toEqual(log)
  for (const wrong of [1, {}, { fetching: 1 }, { path: 1 }, { refused: [] }, { path: '/x', size: '3' }])
    expect(parseLog({ ...log, files: { ...files, d: wrong } })).toBeUndefined()
})
