// What a call's digest stands for, worked out here once more by the words of docs/PROTOCOL.md, "The end".
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Body } from '../../src/call/signal.ts'
import { callIn, END, hears, inCall, raw, says } from '../support/conversation.ts'
import { must } from '../support/must.ts'

const end = (said: Partial<Extract<Body, { type: 'end' }>>): Body => ({
  type: 'end',
  text: '',
  expired: false,
  ...said,
})

test.each<[string, Body, 'after' | 'across', boolean]>([
  ['that only confirms ours is left out', end({}), 'after', false],
  ['with a farewell counts', end({ text: 'Bye' }), 'after', true],
  ['with an outcome counts', end({ outcome: 'done' }), 'after', true],
  ['that crossed ours counts', end({}), 'across', true],
])('an end %s', (_, body, when, counts) => {
  const { ada: me, ben: peer, id } = inCall()
  const accept = callIn(me, id).taken
  const ours = must(says(me, END)[0])
  const own = { seq: 2, id: ours.id }
  const ack = when === 'after' ? own : { seq: 1, id }
  const theirs = raw(peer, body, { call: id, to: me.key, seq: 2, prev: accept.id, ack })
  const receipt: Body = { type: 'receipt', text: '', missing: [] }
  hears(me, [theirs, raw(peer, receipt, { call: id, to: me.key, seq: 0, ack: own })])
  // Two that crossed are ordered by their authors' keys.
  const ends = me.key < peer.key || when === 'after' ? [ours.id, theirs.id] : [theirs.id, ours.id]
  const ids = [id, must(accept.id), ...(counts ? ends : [ours.id])]
  const digest = createHash('sha256')
    .update(Buffer.from(ids.join(''), 'hex'))
    .digest('hex')
  expect(callIn(me, id)).toMatchObject({ verified: true, digest })
})
