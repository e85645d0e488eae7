// What a peer can do that holds a valid key and chooses every number, link, text and order. Each worked on 0.1.0.
import { describe, expect, test } from 'vitest'
import { isShown } from '../../src/call/inbox-items.ts'
import type { Body, Link } from '../../src/call/signal.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { markRead } from '../../src/state/read-marks.ts'
import { recordAcksTaken } from '../../src/state/receipts.ts'
import {
  ACCEPT,
  CALL,
  callIn,
  END,
  hears,
  inCall,
  logIn,
  policyOf,
  raw,
  rawIn,
  ringing,
  type Side,
  STATUS,
  says,
  send,
  side,
  T,
  turn,
} from '../support/conversation.ts'
import { must } from '../support/must.ts'

const words = (text: string): Body => ({ type: 'message', text })
const BYE: Body = { type: 'end', text: '', expired: false }

/** A call of a liar that we have accepted. */
function called(): { me: Side; liar: Side; id: string } {
  const { ada, ben, id } = inCall()
  return { me: ben, liar: ada, id }
}

function receiptFor(from: Side, to: Side, call: string, ack: Link): Rumor {
  return raw(from, { type: 'receipt', text: '', missing: [] }, { call, to: to.key, seq: 0, ack })
}

function textsIn(who: Side, id: string): string[] {
  return callIn(who, id).lines.map(({ signal, effective }) => (effective ? signal.body.text : ''))
}

/** Whatever a run of ours says, and the receipts, as the other side gets them. */
function out({ said }: ReturnType<typeof turn>): Rumor[] {
  return said.map((one) => one.rumor)
}

describe('rewriting', () => {
  test.each([
    ['before the end', false],
    ['after both have ended and it was verified', true],
  ])('a second text under a taken number changes nothing: %s', (_, ended) => {
    const { me, liar, id } = called()
    const promise = rawIn(liar, id, words('I will pay'))
    hears(me, [promise])
    hears(liar, says(me, send('Agreed')))
    if (ended) {
      const end = rawIn(liar, id, BYE, { seq: 3, prev: promise.id })
      hears(liar, out(hears(me, [end])))
      const own = callIn(me, id).own
      hears(me, [receiptFor(liar, me, id, own)])
      expect(callIn(me, id).verified).toBe(true)
    }
    const before = callIn(me, id)
    hears(me, [
      rawIn(liar, id, words('I pay nothing, and you agreed')),
      rawIn(liar, id, BYE, { seq: 3, prev: promise.id }),
    ])
    const after = callIn(me, id)
    expect(textsIn(me, id).slice(0, 4)).toEqual(['hello', '', 'I will pay', 'Agreed'])
    expect(after.verified).toBe(ended)
    expect(after.digest).toBe(before.digest)
    expect(after.phase).toBe(ended ? 'ended' : 'forked')
    expect(logIn(me, id).unread).toContain('forked')
    expect(Object.values(logIn(me, id).aside).map(({ rumor }) => rumor.content)).toContain(
      'I pay nothing, and you agreed',
    )
  })

  test('who goes on behind its end is told once a minute up to where we have it', () => {
    const { me, liar, id } = called()
    const end = rawIn(liar, id, BYE)
    hears(liar, out(hears(me, [end])))
    const taken = { seq: 2, id: end.id }
    const more = (n: number, now: number) => {
      me.state = recordAcksTaken(me.state, [{ call: id, ack: taken.seq }])
      return hears(me, [rawIn(liar, id, words(`more ${n}`), { seq: 3, prev: end.id })], { now }).receiptsOwed
    }
    for (let n = 0; n < 5; n++) {
      const now = T + 1_000 + 100 * n
      expect(more(n, now)).toMatchObject([{ call: id, ack: taken }])
      expect(more(n + 100, now + 10)).toEqual([])
    }
  })

  test('nor does one that links to something else than what is taken', () => {
    const { me, liar, id } = called()
    hears(me, [rawIn(liar, id, words('one'))])
    hears(me, [rawIn(liar, id, words('three'), { seq: 3, prev: 'f'.repeat(64) })])
    expect(callIn(me, id)).toMatchObject({ phase: 'forked', verified: false, fork: { by: 'peer' } })
    expect(textsIn(me, id)).toEqual(['hello', '', 'one'])
  })

  test('of several that wait for one number, the first that came is taken, and the call is forked', () => {
    const { me, liar, id } = called()
    const two = rawIn(liar, id, words('two'))
    const [three, other] = ['three', 'another three'].map((text) =>
      rawIn(liar, id, words(text), { seq: 3, prev: two.id }),
    )
    hears(
      me,
      [three, other, two].flatMap((rumor) => rumor ?? []),
    )
    expect(textsIn(me, id)).toEqual(['hello', '', 'two', 'three'])
    expect(callIn(me, id).phase).toBe('forked')
  })

  test('what is forked is answered with what we hold, once a minute, and nothing more is said in it', () => {
    const { me, liar, id } = called()
    const [one, two] = ['one', 'two'].map((text) => rawIn(liar, id, words(text)))
    hears(
      me,
      [one].flatMap((rumor) => rumor ?? []),
    )
    says(me, send('yes'))
    const first = hears(
      me,
      [two].flatMap((rumor) => rumor ?? []),
      { now: T + 700 },
    )
    expect(first.receiptsOwed).toMatchObject([{ call: id, fork: { seq: 2, id: one?.id } }])
    expect(first.signalsDue).toEqual([])
    const again = rawIn(liar, id, words('three'))
    expect(hears(me, [again], { now: T + 720 }).receiptsOwed).toEqual([])
    expect(hears(me, [rawIn(liar, id, words('four'))], { now: T + 800 }).receiptsOwed).toHaveLength(1)
    expect(turn(me, send('more'), { now: T + 900, selector: id }).decision.refusal?.code).toBe('NO_CALL')
    expect(turn(me, STATUS, { now: T + 8_000 }).signalsDue).toEqual([])
  })

  test('nothing is built on a log with two branches, not even on the one that was taken', () => {
    const { me, liar, id } = called()
    const one = rawIn(liar, id, words('one'))
    hears(me, [one, rawIn(liar, id, words('another one'))])
    const before = callIn(me, id)
    const two = rawIn(liar, id, words('two'), { seq: 3, prev: one.id })
    const { receiptsOwed } = hears(me, [two, rawIn(liar, id, BYE, { seq: 4, prev: two.id })], { now: T + 700 })
    expect(textsIn(me, id)).toEqual(['hello', '', 'one'])
    expect(callIn(me, id)).toMatchObject({ taken: before.taken, waiting: [], ends: {} })
    expect(receiptsOwed).toMatchObject([{ call: id, fork: { seq: 2, id: one.id } }])
    expect(Object.values(logIn(me, id).aside).map(({ why }) => why)).toEqual(['fork', 'fork', 'fork'])
  })

  test('what the other side misses of a log with two branches is not offered again', () => {
    const { me, liar, id } = called()
    says(me, send('yes'))
    const own = callIn(me, id).own
    hears(me, [receiptFor(liar, me, id, own)])
    hears(me, [rawIn(liar, id, words('one')), rawIn(liar, id, words('another one'))])
    const request = must(logIn(me, id).entries[id]).rumor
    const missing: Body = { type: 'receipt', text: '', missing: [[1, 2]] }
    const again = raw(liar, missing, { call: id, to: me.key, seq: 0, ack: own })
    expect(hears(me, [request, again], { now: T + 900 }).signalsDue).toEqual([])
    expect(logIn(me, id).outbox).toEqual({})
  })

  test('who misses everything is offered a hundred at a time', () => {
    const { me, liar, id } = called()
    for (let n = 0; n < 150; n++) says(me, send(`${n}`))
    const own = callIn(me, id).own
    hears(me, [receiptFor(liar, me, id, own)])
    expect(logIn(me, id).outbox).toEqual({})
    const missing: Body = { type: 'receipt', text: '', missing: [[2, 151]] }
    hears(me, [raw(liar, missing, { call: id, to: me.key, seq: 0, ack: own })], { now: T + 900 })
    const due = turn(me, STATUS, { now: T + 1_200 }).signalsDue
    expect(due).toHaveLength(100)
  })

  test('what claims a number far ahead of what is taken waits for nothing', () => {
    const { me, liar, id } = called()
    const far = (seq: number) => rawIn(liar, id, words(`${seq}`), { seq, prev: 'f'.repeat(64) })
    hears(me, [far(1_002), far(1_001)])
    expect(callIn(me, id).waiting.map(({ seq }) => seq)).toEqual([1_001])
    expect(me.state.index.dropped).toMatchObject({ 'too-far': 1 })
  })

  test('three rumors without a place are kept, whatever the reason, and the rest is counted', () => {
    const { me, liar, id } = called()
    const texts = Array.from({ length: 12 }, (_, n) => rawIn(liar, id, words(`text ${n}`)))
    hears(me, texts)
    // One that is kept comes once more.
    hears(me, texts.slice(1, 2))
    expect(Object.keys(logIn(me, id).aside)).toHaveLength(3)
    expect(logIn(me, id).asideMore).toBe(8)
  })
})

describe('a proof of nothing', () => {
  test('an end that acknowledges nothing verifies nothing, and what is confirmed is known', () => {
    const { me, liar, id } = called()
    says(me, send('one'))
    says(me, send('two'))
    says(me, END)
    hears(me, [rawIn(liar, id, BYE, { ack: { seq: 0, id: undefined } })])
    const call = callIn(me, id)
    expect(call.verified).toBe('pending')
    expect([call.acked, call.own.seq]).toEqual([0, 4])
    // Only an acknowledgement of our own end, by its id, binds the peer to all of ours.
    const lie = { seq: 4, id: '1'.repeat(64) }
    hears(me, [receiptFor(liar, me, id, lie)])
    expect(callIn(me, id).verified).not.toBe(true)
  })

  test('a call that was hung up before anybody had accepted it never was a conversation that could be verified', () => {
    const { ada: me, ben: liar, id } = ringing()
    says(me, END)
    const ack = callIn(me, id).own
    hears(me, [raw(liar, BYE, { call: id, to: me.key, seq: 1, prev: undefined, ack })])
    expect(callIn(me, id)).toMatchObject({ phase: 'cancelled', acked: 2, verified: 'pending' })
  })
})

describe('two calls at once', () => {
  test('an accept does not take in a request that was accepted: that conversation goes on', () => {
    const { me, liar, id } = called()
    const [ours] = says(me, CALL, { peer: liar.key })
    const mine = must(ours).id
    const accept: Body = { type: 'accept', text: '', name: '', relays: [], merged: id }
    hears(me, [raw(liar, accept, { call: mine, to: me.key, ack: { seq: 1, id: mine } })])
    expect([callIn(me, mine).phase, callIn(me, id).phase]).toEqual(['active', 'active'])
  })
})

describe('the order', () => {
  test('a question that is placed before our answer stands there marked', () => {
    const { me, liar, id } = called()
    hears(me, [rawIn(liar, id, words('Shall I delete the temporary files?'))])
    const known = logIn(me, id).peerAcked
    const [two] = callIn(me, id).lines.slice(-1)
    says(me, send('Yes, go ahead.'))
    hears(me, [
      rawIn(liar, id, words('I mean: the production database'), {
        seq: 3,
        prev: two?.signal.id,
        ack: { seq: 1, id: callIn(me, id).lines[1]?.signal.id },
      }),
    ])
    expect(known.seq).toBe(1)
    const lines = callIn(me, id).lines
    const yes = lines.find(({ signal }) => signal.body.text === 'Yes, go ahead.')
    const meant = lines.findIndex(({ signal }) => signal.body.text.startsWith('I mean'))
    expect(lines.indexOf(yes ?? (lines[0] as (typeof lines)[number])) < meant || yes?.unseen?.[1] === 3).toBe(true)
  })

  test('one who had acknowledged more before is marked as such', () => {
    const { me, liar, id } = called()
    says(me, send('No.'))
    const own = callIn(me, id).own
    hears(me, [receiptFor(liar, me, id, own)])
    const accept = callIn(me, id).lines[1]?.signal.id
    hears(me, [rawIn(liar, id, words('So you said yes?'), { ack: { seq: 1, id: accept } })])
    expect(callIn(me, id).lines.find(({ signal }) => signal.seq === 2 && signal.from === liar.key)?.hadAcked).toBe(2)
  })

  test('a farewell that crossed a hang-up keeps its words', () => {
    const { ada, ben, id } = ringing()
    says(ben, ACCEPT)
    says(ben, { type: 'end', text: 'Good bye', maxChars: 0 })
    hears(ben, says(ada, END))
    const call = callIn(ben, id)
    expect(call.phase).toBe('cancelled')
    const own = call.lines.find(({ signal }) => signal.body.text === 'Good bye')
    expect(own && isShown(own)).toBe(true)
  })

  test('an end cannot make late what its author had acknowledged', () => {
    const { me, liar, id } = called()
    says(me, send('one'))
    says(me, send('two'))
    const own = callIn(me, id).own
    hears(me, [receiptFor(liar, me, id, own)])
    const accept = callIn(me, id).lines[1]?.signal.id
    hears(me, [rawIn(liar, id, BYE, { ack: { seq: 1, id: accept } })])
    expect(callIn(me, id).lines.filter(({ late }) => late)).toEqual([])
  })
})

describe('a call that is forced', () => {
  const nobody = {
    trust: () => 'unknown' as const,
    calls: 'nobody' as const,
    silent: false,
    pow: 0,
    autoAnswer: 'nobody' as const,
  }

  test('a request dated into the ringing of a call that is over is an ordinary one, and refused', () => {
    const { ada: me, ben: liar, id } = inCall()
    hears(liar, says(me, END))
    for (let n = 0; n < 8; n++) {
      const request = raw(
        liar,
        { type: 'request', text: `again ${n}`, deadline: T + 900_000, name: '', relays: [] },
        { to: me.key },
        T - n,
      )
      const { said } = hears(me, [request], { now: T + 60 + n * 90_000, context: { policy: nobody } })
      expect(callIn(me, id, T + 60).phase).toBe('ended')
      expect(callIn(me, request.id, T + 60).phase).toBe('rejected')
      expect(said.map((one) => one.rumor.tags.find((tag) => tag[0] === 'op')?.[1])).toContain('reject')
      hears(me, [raw(liar, words('do it'), { call: request.id, to: me.key, seq: 2, prev: request.id })])
      expect(callIn(me, request.id, T + 60).lines.filter(({ effective }) => effective)).toHaveLength(2)
    }
  })

  test('a request dated into the future stands before no later call', () => {
    const [me, liar] = [side('b'), side('a')]
    const body: Body = { type: 'request', text: 'me first', deadline: T + 900, name: '', relays: [] }
    const request = raw(liar, body, { to: me.key }, 253_402_300_799)
    hears(me, [request])
    expect(callIn(me, request.id).createdAt).toBe(T)
    expect(me.state.index.calls[request.id]?.createdAt).toBe(T)
  })

  test('before an answer nothing of a caller is kept but its request and the end that cancels', () => {
    const [me, liar] = [side('b'), side('a')]
    const [request] = says(liar, CALL, { peer: me.key })
    hears(me, request === undefined ? [] : [request])
    const id = request?.id ?? ''
    let prev = id
    const flood = Array.from({ length: 1_000 }, (_, n) => {
      const rumor = raw(liar, words('x'.repeat(20_000)), { call: id, to: me.key, seq: n + 2, prev })
      prev = rumor.id
      return rumor
    })
    hears(me, flood)
    expect(JSON.stringify(me.state.logs).length).toBeLessThan(3_000)
    expect(logIn(me, id).countBeforeAnswer).toBe(1_000)
    hears(me, [raw(liar, BYE, { call: id, to: me.key, seq: 2, prev: id })])
    expect(callIn(me, id).phase).toBe('cancelled')
  })

  test('what the rules do not let a peer say is not unread: it holds no mark back and keeps no call open', () => {
    const { me, liar, id } = called()
    const nonsense = rawIn(liar, id, { type: 'accept', text: 'yes', name: '', relays: [] })
    const word = rawIn(liar, id, words('one'), { seq: 3, prev: nonsense.id })
    const end = rawIn(liar, id, BYE, { seq: 4, prev: word.id })
    hears(liar, out(hears(me, [nonsense, word, end])))
    const own = callIn(me, id).own
    hears(me, [receiptFor(liar, me, id, own)])
    expect(callIn(me, id).verified).toBe(true)
    expect(me.state.index.calls[id]).toMatchObject({ unread: 2, open: true })
    const shown = [word.id, end.id].map((one) => ({ id: one, call: id, type: 'message' as const }))
    me.state = markRead(me.state, shown, { me: me.key, now: T })
    expect(me.state.index.calls[id]).toMatchObject({ unread: 0, open: false })
    expect(logIn(me, id).read).toBe(4)
  })

  test('an accept that was never asked for opens nothing', () => {
    const [me, liar] = [side('b'), side('a')]
    const [request] = says(liar, CALL, { peer: me.key })
    hears(me, request === undefined ? [] : [request])
    const id = request?.id ?? ''
    hears(me, [
      raw(liar, { type: 'accept', text: '', name: '', relays: [] }, { call: id, to: me.key, seq: 2, prev: id }),
    ])
    expect(callIn(me, id).phase).toBe('ringing')
  })
})

describe('a peer that misses everything', () => {
  test('gets what it may, once a minute and a hundred a run', () => {
    const { me, liar, id } = called()
    const content = { type: 'bytes' as const, bytes: Buffer.alloc(90_000) }
    turn(me, { type: 'sendfile', files: [{ name: 'a', content }] }, { selector: id })
    for (const rumor of Object.keys(logIn(me, id).outbox)) {
      const log = logIn(me, id)
      me.state = {
        ...me.state,
        logs: {
          [id]: {
            ...log,
            outbox: { ...log.outbox, [rumor]: { wrappedAt: T, wrapCount: 1, accepted: ['r'], failed: [] } },
          },
        },
      }
    }
    const asks = () =>
      raw(
        liar,
        { type: 'receipt', text: '', missing: [[1, 1_000_000]] },
        {
          call: id,
          to: me.key,
          seq: 0,
          ack:
            callIn(me, id).own.seq > 1 ? { seq: 1, id: callIn(me, id).lines[1]?.signal.id } : { seq: 0, id: undefined },
        },
      )
    const counts = [11, 22, 33, 70, 81].map((after) => hears(me, [asks()], { now: T + after }).signalsDue.length)
    expect(counts.slice(0, 3).every((count) => count <= 1)).toBe(true)
    expect(counts[3]).toBeLessThanOrEqual(7)
  })
})

test('a signal of a later version keeps its place, and the end is confirmed', () => {
  const { me, liar, id } = called()
  const later = rawIn(liar, id, { type: 'opaque', text: '', op: 'wave' })
  const one = rawIn(liar, id, words('one'), { seq: 3, prev: later.id })
  const two = rawIn(liar, id, words('two'), { seq: 4, prev: one.id })
  hears(me, [later, one, two])
  expect(callIn(me, id)).toMatchObject({ taken: { seq: 4 }, gaps: [], phase: 'active' })
  expect(textsIn(me, id)).toEqual(['hello', '', '', 'one', 'two'])
  expect(logIn(me, id).unread).not.toContain(later.id)
  const { said } = hears(me, [rawIn(liar, id, BYE, { seq: 5, prev: two.id })])
  expect(said.map((one) => one.rumor.tags.find((tag) => tag[0] === 'op')?.[1])).toEqual(['end'])
})

describe('both call each other at once', () => {
  const crossed = () => {
    const [ada, ben] = [side('a'), side('b')]
    const [x] = says(ada, CALL, { peer: ben.key })
    const [y] = says(ben, CALL, { peer: ada.key })
    if (x === undefined || y === undefined) throw new Error('no requests')
    const [low, high] = x.id < y.id ? [ada, ben] : [ben, ada]
    const [smaller, greater] = x.id < y.id ? [x, y] : [y, x]
    return { low, high, smaller, greater }
  }

  test('who holds the greater request accepts the other by itself; the other one does not ring', () => {
    const { low, high, smaller, greater } = crossed()
    expect(hears(low, [greater]).said).toEqual([])
    expect(logIn(low, greater.id)).toMatchObject({ heldForGlare: true, unread: [] })
    const answer = hears(high, [smaller])
    expect(callIn(high, smaller.id).phase).toBe('active')
    expect(callIn(high, greater.id).phase).toBe('merged')
    expect(out(answer).find((rumor) => rumor.tags.some((tag) => tag[0] === 'merged'))?.tags).toContainEqual([
      'merged',
      greater.id,
    ])
    hears(low, out(answer))
    expect([callIn(low, smaller.id).phase, callIn(low, greater.id).phase]).toEqual(['active', 'merged'])
  })

  test('not where the policy does not let the other in', () => {
    const { high, smaller, greater } = crossed()
    const policy = policyOf({ trust: () => 'unknown', calls: 'contacts' })
    hears(high, [smaller], { context: { policy } })
    expect(callIn(high, smaller.id).phase).toBe('rejected')
    expect(callIn(high, greater.id).phase).toBe('ringing')
  })

  test('one that was held rings when ours is rejected, and when we hang ours up', () => {
    for (const end of ['rejected', 'hung up'] as const) {
      const { low, high, smaller, greater } = crossed()
      hears(low, [greater])
      if (end === 'hung up') says(low, END, { selector: smaller.id })
      const reject = raw(
        high,
        { type: 'reject', text: '', reason: 'busy' },
        { call: smaller.id, to: low.key, ack: { seq: 1, id: smaller.id } },
      )
      hears(low, end === 'rejected' ? [reject] : [])
      expect(logIn(low, greater.id).heldForGlare).toBeUndefined()
      expect(logIn(low, greater.id).unread).toEqual([greater.id])
      expect(says(low, ACCEPT, { selector: greater.id })).toHaveLength(1)
    }
  })
})
