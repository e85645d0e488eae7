// A call is a fold over the set of what was said: any order, any repetition, one answer, whoever lies about what.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyLog, type Log } from '../../src/call/log.ts'
import type { Call } from '../../src/call/replay.ts'
import { replay } from '../../src/call/replay.ts'
import { type Body, LIMIT } from '../../src/call/signal.ts'
import { sha256, toHex } from '../../src/nostr/crypto.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import {
  CALL,
  callIn,
  END,
  hears,
  inCall,
  logIn,
  mailOf,
  raw,
  receipt,
  ringing,
  type Side,
  STATUS,
  says,
  send,
  side,
  T,
  turn,
} from '../support/conversation.ts'

const words = (text: string): Body => ({ type: 'message', text })

describe('any order, any repetition', () => {
  // Who speaks, what, and whether the other has heard of it before it speaks itself.
  const talk = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 9 }), fc.boolean()), { maxLength: 25 })

  function played(script: readonly (readonly [boolean, number, boolean])[]) {
    const { ada, ben, id } = inCall()
    const sides = [ada, ben] as const
    const said: [Rumor[], Rumor[]] = [Object.values(logIn(ada, id).entries).map((e) => e.rumor), []]
    const waiting: [Rumor[], Rumor[]] = [[], []]
    for (const [who, what, heard] of script) {
      const [me, other] = who ? ([0, 1] as const) : ([1, 0] as const)
      const mail = heard ? mailOf(...waiting[me].splice(0)) : {}
      const intent = what === 9 ? END : what === 8 ? STATUS : send(`${what}`)
      const { said: out } = turn(sides[me], intent, { mail, selector: id })
      const rumors = out.map((s) => s.rumor)
      said[me].push(...rumors)
      waiting[other].push(...rumors)
    }
    return { ada, ben, id, said, waiting }
  }

  test('of the entries of a log', () => {
    fc.assert(
      fc.property(talk, fc.infiniteStream(fc.nat()), (script, dice) => {
        const { ada, id } = played(script)
        const log = logIn(ada, id)
        const entries = Object.entries(log.entries).sort(() => ((dice.next().value ?? 0) % 3) - 1)
        expect(replay({ ...log, entries: Object.fromEntries(entries) }, ada.key, T)).toEqual(replay(log, ada.key, T))
      }),
      { numRuns: 60 },
    )
  })

  test('of what comes in, in any batches', () => {
    fc.assert(
      fc.property(talk, fc.array(fc.nat(200), { minLength: 1, maxLength: 80 }), (script, order) => {
        const { ada, ben, id, said, waiting } = played(script)
        hears(ben, waiting[1])
        // Ada as she was before she heard anything, with what she has said herself.
        const own = Object.entries(logIn(ada, id).entries).filter(([, e]) => e.rumor.pubkey === ada.key)
        const deaf: Side = { ...ada, state: bookWith({ ...logIn(ada, id), entries: Object.fromEntries(own) }, ada) }
        const theirs = Object.values(logIn(ben, id).entries).flatMap((e) =>
          e.rumor.pubkey === ben.key ? [e.rumor] : [],
        )
        const again = order.map((n) => theirs[n % theirs.length]).filter((r) => r !== undefined)
        const some = Object.assign({}, deaf)
        hears(some, theirs)
        for (const rumor of [...again, ...theirs.toReversed()]) hears(deaf, [rumor, rumor])
        expect(said[0].length).toBeGreaterThan(0)
        expect(shapeOf(callIn(deaf, id))).toEqual(shapeOf(callIn(some, id)))
        expect(logIn(deaf, id).acked).toBe(logIn(some, id).acked)
        expect(Object.keys(logIn(deaf, id).outbox).sort()).toEqual(Object.keys(logIn(some, id).outbox).sort())
      }),
      { numRuns: 60 },
    )
  })
})

describe('what came too late', () => {
  test('what was said after the end of the call is late, on both sides alike', () => {
    const { ada, ben, id } = inCall()
    const end = says(ada, END)
    // Ben has not heard of it and goes on.
    const after = says(ben, send('are you there?'))
    hears(ben, end)
    hears(ada, after)
    for (const who of [ada, ben]) {
      const late = callIn(who, id).lines.filter((l) => l.late)
      expect(late.map((l) => l.signal.body.text)).toEqual(['are you there?'])
      expect(callIn(who, id).phase).toBe('ended')
    }
  })

  test('what was said before the end and had not come by then is past its cut, and late too', () => {
    const { ada, ben, id } = inCall()
    const crossed = says(ben, send('one more thing'))
    for (let i = 0; i < 5; i++) says(ada, send(`${i}`))
    says(ada, END)
    hears(ada, crossed)
    const call = callIn(ada, id)
    expect(call.lines.findIndex((l) => l.signal.id === crossed[0]?.id)).toBeLessThan(call.lines.length - 1)
    expect(call.lines.filter((l) => l.late).map((l) => l.signal.id)).toEqual([crossed[0]?.id])
  })

  test('whoever talks into a call that nobody has accepted is counted and shown to nobody', () => {
    const { ada, ben, id } = ringing()
    hears(ben, [raw(ada, words('listen!'), { call: id, to: ben.key, seq: 2, lc: 2 })])
    const call = callIn(ben, id)
    expect(call.lines.map((l) => l.unasked)).toEqual([false, true])
    expect([call.phase, call.ack]).toEqual(['ringing', 2])
  })
})

describe('gaps', () => {
  test('are known, told in ranges, and closed by what comes', () => {
    const { ada, ben, id } = inCall()
    const rumors = [1, 2, 3, 4, 5, 6].flatMap((n) => says(ada, send(`${n}`)))
    hears(
      ben,
      [rumors[1], rumors[5]].flatMap((r) => r ?? []),
    )
    expect(callIn(ben, id)).toMatchObject({
      ack: 1,
      gaps: [
        [2, 2],
        [4, 6],
      ],
    })
    hears(ben, rumors)
    expect(callIn(ben, id)).toMatchObject({ ack: 7, gaps: [] })
  })

  test('an end says how much there is, also when nothing else has come', () => {
    const { ada, ben, id } = inCall()
    const lost = [1, 2, 3].flatMap((n) => says(ada, send(`${n}`)))
    hears(ben, says(ada, END))
    expect(callIn(ben, id)).toMatchObject({ phase: 'ended', ack: 1, gaps: [[2, 4]], verified: 'pending' })
    expect(callIn(ben, id).ends.callee, 'an end is confirmed once all of it is here').toBeUndefined()
    hears(ben, lost)
    expect(callIn(ben, id).ends.callee).toBeDefined()
  })

  test('are bounded, whatever a peer says', () => {
    const { ada, ben, id } = inCall()
    hears(
      ben,
      Array.from({ length: 80 }, (_, i) => raw(ada, words('x'), { call: id, to: ben.key, seq: 2 * i + 3, lc: 9 })),
    )
    expect(callIn(ben, id).gaps).toHaveLength(LIMIT.missing)
    const huge: Body = { type: 'end', text: '', cut: [LIMIT.seq, LIMIT.seq], digest: '', expired: false }
    hears(ben, [raw(ada, huge, { call: id, to: ben.key, seq: LIMIT.seq, lc: 10 })])
    expect(callIn(ben, id)).toMatchObject({ ack: 1, verified: 'pending' })
  })
})

describe('the end can be verified', () => {
  test('the digest is SHA-256 over the ids in the cut, ends left out, in transcript order', () => {
    const { ada, ben, id } = inCall()
    hears(ben, says(ada, send('one')))
    hears(ada, says(ben, send('two')))
    const [end] = says(ada, END)
    const ids = callIn(ada, id).lines.map((l) => l.signal.id)
    const digest = toHex(sha256(Buffer.from(ids.slice(0, -1).join(''), 'hex')))
    expect(end?.tags).toContainEqual(['digest', digest])
    expect(end?.tags).toContainEqual(['cut', '2', '2'])
  })

  test('both sides come to the same digest, and say so', () => {
    const { ada, ben, id } = inCall()
    const { said } = hears(ben, says(ada, END))
    hears(
      ada,
      said.map((s) => s.rumor),
    )
    expect(callIn(ada, id)).toMatchObject({ phase: 'ended', verified: true })
    expect(callIn(ben, id)).toMatchObject({ phase: 'ended', verified: true, digest: callIn(ada, id).digest })
  })

  test('pending until the other has confirmed', () => {
    const { ada, id } = inCall()
    says(ada, END)
    expect(callIn(ada, id)).toMatchObject({ phase: 'ended', verified: 'pending', digest: undefined })
  })

  test('both ending at once need no further word', () => {
    const { ada, ben, id } = inCall()
    const [one, other] = [says(ada, END), says(ben, END)]
    expect([hears(ada, other).said, hears(ben, one).said]).toEqual([[], []])
    expect(callIn(ada, id)).toMatchObject({ phase: 'ended', verified: true })
    expect(callIn(ben, id)).toMatchObject({ phase: 'ended', verified: true, digest: callIn(ada, id).digest })
  })

  test('an end by one who has said nothing before counts like any other', () => {
    const [ada, ben] = [side('a'), side('b')]
    const [x, y] = [says(ada, CALL, { peer: ben.key }), says(ben, CALL, { peer: ada.key })]
    hears(ada, y)
    hears(ben, x)
    const id = [x[0]?.id ?? '', y[0]?.id ?? ''].sort()[0] ?? ''
    const [callee, caller] = callIn(ada, id).mine === 'callee' ? [ada, ben] : [ben, ada]
    const { said } = hears(caller, says(callee, END))
    hears(
      callee,
      said.map((s) => s.rumor),
    )
    for (const who of [ada, ben]) expect(callIn(who, id)).toMatchObject({ phase: 'ended', verified: true })
  })

  test('false when the peer has counted another call than we have', () => {
    const { ada, ben, id } = inCall()
    const cut: Body = { type: 'end', text: '', cut: [1, 1], digest: 'f'.repeat(64), expired: false }
    hears(ben, [raw(ada, cut, { call: id, to: ben.key, seq: 2, lc: 3 })])
    expect(callIn(ben, id)).toMatchObject({ phase: 'ended', verified: false })
  })

  test('what is late is in the digest of the call all the same, once both ends are there', () => {
    const { ada, ben, id } = inCall()
    const end = says(ada, END)
    const late = says(ben, send('wait'))
    const { said } = hears(ben, end)
    hears(ada, [...late, ...said.map((s) => s.rumor)])
    expect(callIn(ada, id).digest).toBe(callIn(ben, id).digest)
    expect(callIn(ada, id)).toMatchObject({ verified: true })
  })
})

describe('two rumors under one seq', () => {
  const twins = (first: number, second: number) => {
    const { ada, ben, id } = inCall()
    const at = { call: id, to: ben.key, seq: 2 }
    return {
      ben,
      id,
      one: raw(ada, words('yes'), { ...at, lc: first }),
      other: raw(ada, words('no'), { ...at, lc: second }),
    }
  }

  test.each([
    [5, 3],
    [3, 5],
    [4, 4],
  ])('the smaller (lc, id) stays, whichever came first: %i and %i', (first, second) => {
    const { one, other } = twins(first, second)
    const expected =
      first === second ? [one, other].sort((a, b) => (a.id < b.id ? -1 : 1))[0] : first < second ? one : other
    for (const order of [
      [one, other],
      [other, one],
      [other, one, other, one],
    ]) {
      const { ben, id } = twins(first, second)
      for (const rumor of order) hears(ben, [rumor])
      const mine = callIn(ben, id).lines.filter((l) => l.signal.seq === 2)
      expect(mine.map((l) => l.signal.id)).toEqual([expected?.id])
      expect(Object.keys(logIn(ben, id).entries)).toHaveLength(3)
      expect(logIn(ben, id).unread, 'what lost is not news').toEqual([expected?.id])
      expect(ben.state.index.dropped['seq-taken']).toBeGreaterThan(0)
    }
  })
})

describe('receipts', () => {
  test('are no part of the call, and confirm what they ack', () => {
    const { ada, ben, id } = inCall()
    says(ada, send('one'))
    says(ada, send('two'))
    hears(ada, [receipt(ben, id, ada.key, 2)])
    expect(logIn(ada, id).acked).toBe(2)
    expect(Object.keys(logIn(ada, id).outbox)).toHaveLength(1)
    expect(callIn(ada, id).lines).toHaveLength(4)
    expect(hears(ada, [receipt(ben, id, ada.key, 3)]).acks, 'a receipt is never answered').toEqual([])
  })

  test('an older one takes nothing back', () => {
    const { ada, ben, id } = inCall()
    says(ada, send('one'))
    hears(ada, [receipt(ben, id, ada.key, 2), receipt(ben, id, ada.key, 1), receipt(ben, id, ada.key, 0)])
    expect(logIn(ada, id).acked).toBe(2)
  })

  test.each([3, 4, 1_000_000])('an ack of %i, beyond what was said, confirms nothing', (ack) => {
    const { ada, ben, id } = inCall()
    says(ada, send('one'))
    hears(ada, [receipt(ben, id, ada.key, ack)])
    expect(logIn(ada, id).acked).toBe(1)
    expect(Object.keys(logIn(ada, id).outbox)).toHaveLength(1)
  })

  test('what they report missing is wanted, and nothing else', () => {
    const { ada, ben, id } = inCall()
    const said = [1, 2, 3, 4].flatMap((n) => says(ada, send(`${n}`)))
    hears(ada, [
      receipt(ben, id, ada.key, 1, [
        [2, 3],
        [5, 9],
      ]),
    ])
    const wanted = said.map((r) => logIn(ada, id).outbox[r.id]?.wanted === true)
    expect(wanted).toEqual([true, true, false, true])
  })
})

describe('numbers that are none', () => {
  const odd = [
    '0',
    '-1',
    '+1',
    '01',
    '1.0',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '',
    'NaN',
    '1000001',
    '99999999999999999999',
    '١',
  ]

  test.each(odd)('"%s" as seq or lc: the rumor is dropped and counted', (number) => {
    const { ada, ben, id } = inCall()
    for (const name of ['seq', 'lc']) {
      const good = raw(ada, words('x'), { call: id, to: ben.key, seq: 2, lc: 3, ack: 1 })
      hears(ben, [rumorOf({ ...good, tags: good.tags.map((t) => (t[0] === name ? [name, number] : t)) }, ada.key)])
    }
    expect(callIn(ben, id).lines).toHaveLength(2)
    expect(ben.state.index.dropped).toEqual({ malformed: 2 })
  })

  test('an ack may be 0, and is a number otherwise', () => {
    const { ada, ben, id } = inCall()
    for (const ack of ['', 'x', '-1', '1000001']) {
      const good = raw(ada, words('x'), { call: id, to: ben.key, seq: 2, lc: 3 })
      hears(ben, [rumorOf({ ...good, tags: good.tags.map((t) => (t[0] === 'ack' ? ['ack', ack] : t)) }, ada.key)])
    }
    expect(callIn(ben, id).lines).toHaveLength(2)
    hears(ben, [raw(ada, words('x'), { call: id, to: ben.key, seq: 2, lc: 3, ack: 0 })])
    expect(callIn(ben, id).lines).toHaveLength(3)
  })

  test('a peer that takes the last Lamport number there is does not silence us', () => {
    const { ada, ben, id } = inCall()
    hears(ben, [raw(ada, words('last'), { call: id, to: ben.key, seq: 2, lc: LIMIT.seq })])
    const said = [...says(ben, send('one')), ...says(ben, send('two'))]
    const own = callIn(ben, id)
      .lines.filter((l) => l.signal.from === ben.key)
      .map((l) => l.signal.id)
    expect(own.slice(1)).toEqual(said.map((r) => r.id))
    hears(ada, said)
    expect(callIn(ada, id).lines.map((l) => l.signal.id)).toEqual(expect.arrayContaining(said.map((r) => r.id)))
  })
})

test('a rumor dated far ahead changes neither the order nor how long a call lasts', () => {
  const { ada, ben, id } = inCall()
  hears(ben, [raw(ada, words('from tomorrow'), { call: id, to: ben.key, seq: 2, lc: 3, ack: 1 }, T + 86_400_000)])
  hears(ada, says(ben, send('today')))
  expect(callIn(ben, id).lines.map((l) => l.signal.body.text)).toEqual(['hello', '', 'from tomorrow', 'today'])
  expect(callIn(ben, id).last).toBe(T)
  expect(callIn(ben, id, T + 8 * 86_400).phase).toBe('expired')
})

function bookWith(log: Log, { state }: Side): Side['state'] {
  const fresh = { ...emptyLog(log.id), entries: log.entries, outbox: outboxOf(log) }
  return { index: { ...state.index, seen: {} }, logs: { [log.id]: fresh } }
}

function outboxOf(log: Log): Log['outbox'] {
  const owed = { wrapped: 0, wraps: 0, accepted: [], failed: [] }
  return Object.fromEntries(Object.keys(log.entries).map((id) => [id, owed]))
}

// All of a call but when it was heard.
function shapeOf({ lines, last, ...rest }: Call) {
  return { ...rest, lines: lines.map(({ heard, ...line }) => line) }
}
