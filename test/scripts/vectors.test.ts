// The protocol document and its vectors are what the code does, and an independent client reads them.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { nip59 } from 'nostr-tools'
import { expect, test } from 'vitest'
import { FILES, fillDocument, makeVectors } from '../../scripts/vectors.ts'
import { parseSignal } from '../../src/call/signal-codec.ts'
import { fromHex, keysFrom } from '../../src/nostr/crypto.ts'
import { parseEvent, verifyEvent } from '../../src/nostr/event.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'

const data = makeVectors()
const keys = keysFrom(fromHex(data.agents.callee.secret) ?? new Uint8Array())

test('protocol.json is what `npm run vectors` makes', () => {
  expect(readFileSync(FILES.vectors, 'utf8')).toBe(`${JSON.stringify(data, null, 1)}\n`)
})

test("the document's examples, rules and call are those of the vectors", () => {
  const document = readFileSync(FILES.document, 'utf8')
  expect(document).toBe(fillDocument(document, data))
  expect(document).toContain(`"id": "${data.call.id}"`)
})

test('both sides find the same verified call in them', () => {
  const [one, other] = data.call.sides
  expect(one).toEqual(other)
  expect(one).toMatchObject({ phase: 'ended', verified: true })
})

test('the digest is what the document says: SHA-256 over the ids in transcript order, the confirming end left out', () => {
  // The caller hung up; the callee's end says only that it heard.
  const confirming = data.signals.filter((s) => s.op === 'end').at(-1)?.rumor.id
  const ids = (data.call.sides[0]?.order ?? []).filter((id) => id !== confirming)
  const digest = createHash('sha256')
    .update(Buffer.from(ids.join(''), 'hex'))
    .digest('hex')
  expect(digest).toBe(data.call.sides[0]?.digest)
})

test('nostr-tools opens every wrap and finds the rumor', () => {
  const secrets = new Map([data.agents.caller, data.agents.callee].map((a) => [a.pubkey, Buffer.from(a.secret, 'hex')]))
  for (const { rumor, wrap } of data.signals) {
    const to = rumor.tags.find((t) => t[0] === 'p')?.[1] ?? ''
    expect(nip59.unwrapEvent(wrap, secrets.get(to) ?? Buffer.alloc(0))).toEqual(rumor)
  }
})

test('what is invalid is dropped', () => {
  for (const { why, rumor, wrap } of data.invalid) {
    if (rumor !== undefined) expect([why, parseSignal(rumor)]).toEqual([why, undefined])
    const event = parseEvent(wrap)
    if (event === undefined || keys === undefined) continue
    // The envelope itself is good: it is what is inside that must be found out.
    expect(verifyEvent(event)).toBe(true)
    expect([why, unwrap(event, keys).ok]).toEqual([why, false])
  }
  expect(data.invalid).toHaveLength(16)
})
