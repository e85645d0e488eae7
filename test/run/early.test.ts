// What comes before its accept, because a relay keeps no order, is kept for it and opened in the run that brings it; and what came
// before it under the identities' key is dropped by then.
import { expect, test } from 'vitest'
import { NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { finalize, rumorOf } from '../../src/nostr/event.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'
import { keepEarly, openableSeals } from '../../src/state/early-seals.ts'
import { beginTransaction } from '../../src/state/transaction.ts'
import { must } from '../support/must.ts'
import { twoMachines } from '../support/two-machines.ts'

const INBOX = { type: 'inbox', peek: false, all: false, deep: false } as const
const DAY = 86_400_000

async function acceptedUnheard() {
  const here = twoMachines()
  const { ada, ben, asAda, asBen, holdBack } = here
  const { call } = await asAda('call', { type: 'call', agent: ben.keys.pubkey, topic: 'rain', wait: undefined })
  await asBen('answer', { type: 'answer', accept: true, text: '' })
  const giveAccept = holdBack(ada)
  await asBen('send', { type: 'send', text: 'early', wait: undefined })
  return { ...here, id: must(call).id, giveAccept }
}

test('a message under the key of a call whose accept is still to come is told in the run that brings the accept', async () => {
  const { ada, asAda, id, giveAccept } = await acceptedUnheard()
  expect((await asAda('inbox', INBOX)).news).toEqual([])
  expect(Object.keys(ada.disk.logs[id]?.earlySeals ?? {}).length).toBeGreaterThan(0)
  expect(ada.disk.index.dropped).toEqual({})
  giveAccept()
  expect((await asAda('inbox', INBOX)).news).toMatchObject([{ type: 'accept' }, { type: 'message', text: 'early' }])
  expect(ada.disk.logs[id]?.earlySeals).toBeUndefined()
  expect(ada.disk.index.calls[id]).toMatchObject({ secrecy: 'call' })
  const message = Object.values(must(ada.disk.logs[id]).entries).find(({ rumor }) => rumor.content === 'early')
  expect(message?.underCallKey).toBe(true)
})

test('in any order within one run as well', async () => {
  const { asAda, giveAccept } = await acceptedUnheard()
  giveAccept()
  expect((await asAda('inbox', INBOX)).news).toMatchObject([{ type: 'accept' }, { type: 'message', text: 'early' }])
})

test('what no accept comes for is dropped and counted when its ring has been over for 7 days', async () => {
  const { ada, asAda, id, pass } = await acceptedUnheard()
  await asAda('inbox', INBOX)
  pass(6 * DAY)
  await asAda('inbox', INBOX)
  expect(Object.keys(ada.disk.logs[id]?.earlySeals ?? {}).length).toBeGreaterThan(0)
  const kept = Object.keys(ada.disk.logs[id]?.earlySeals ?? {}).length
  pass(2 * DAY)
  await asAda('inbox', INBOX)
  expect(ada.disk.logs[id]?.earlySeals).toBeUndefined()
  expect(ada.disk.index.dropped).toEqual({ undecryptable: kept })
})

test('what a run could not open that began before a parallel one took the accept is kept, and opened', async () => {
  const { ada, ben, asAda, id, giveAccept, seconds } = await acceptedUnheard()
  giveAccept()
  await asAda('inbox', INBOX)
  const seal = finalize({ kind: 13, created_at: seconds(), tags: [], content: 'x' }, ben.keys)
  const opened = (tried: string[]) => ({
    ...{ id: 'a'.repeat(64), stamp: seconds(), bits: 0, reason: 'undecryptable' },
    unopened: { from: ben.keys.pubkey, tried, left: 0, seal },
  })
  const edit = beginTransaction({ index: ada.disk.index, logs: ada.disk.logs })
  expect(keepEarly(edit, opened([id]), seconds())).toBe(false)
  expect(keepEarly(edit, opened([]), seconds())).toBe(true)
  expect(openableSeals(edit.commit(), seconds())).toMatchObject([{ call: id }])
})

// The attack: it has the identity of the callee, knows the call's id, and speaks before the accept is heard.
test('what was said under the identities’ key ahead of the accept is dropped once that says that the call is secret', async () => {
  const { ada, ben, asAda, id, giveAccept, publish, seconds, boxOf } = await acceptedUnheard()
  boxOf(ada).splice(0)
  const accept = must(
    Object.values(must(ben.disk.logs[id]).entries).find(({ rumor }) => rumor.pubkey === ben.keys.pubkey),
  )
  const place = { call: id, to: ada.keys.pubkey, seq: 2, prev: accept.rumor.id, ack: NOTHING }
  const forged = rumorOf(signalTemplate({ type: 'message', text: 'forged' }, place, seconds()), ben.keys.pubkey)
  publish(giftWrap(forged, ada.keys.pubkey, ben.keys, { now: seconds(), callKey: undefined }))
  expect((await asAda('inbox', INBOX)).news).toEqual([])
  expect(Object.keys(must(ada.disk.logs[id]).waiting)).toEqual([forged.id])
  giveAccept()
  expect((await asAda('inbox', INBOX)).news).toMatchObject([{ type: 'accept' }])
  expect(must(ada.disk.logs[id]).waiting).toEqual({})
  expect(ada.disk.index.dropped).toMatchObject({ downgraded: 1 })
})

test('a call that is offered twice within a second is one call with one key', async () => {
  const { ada, ben, asAda, pass } = twoMachines()
  const call = { type: 'call', agent: ben.keys.pubkey, topic: 'rain', wait: undefined } as const
  await asAda('call', call)
  pass(-1_000)
  expect((await asAda('call', call)).failure).toBeUndefined()
  expect([Object.keys(ada.disk.logs).length, ada.disk.keys.size]).toEqual([1, 1])
})
