// What we owe a peer without being asked: one receipt, the confirming end, and the end that answers a late accept.
import { describe, expect, test } from 'vitest'
import { itemsOf } from '../../src/call/inbox-items.ts'
import { type Policy, recordAcksTaken } from '../../src/state/receipts.ts'
import {
  ACCEPT,
  CALL,
  callIn,
  END,
  hears,
  inCall,
  logIn,
  mailOf,
  policyOf,
  raw,
  receipt,
  ringing,
  type Side,
  STATUS,
  says,
  send,
  side,
  T,
  tells,
  turn,
} from '../support/conversation.ts'

describe('a receipt', () => {
  test('one for all that came in, with what is missing', () => {
    const { ada, ben, id } = inCall()
    const rumors = [1, 2, 3, 4].flatMap((n) => says(ada, send(`${n}`)))
    const { receiptsOwed } = hears(
      ben,
      [rumors[0], rumors[3]].flatMap((r) => r ?? []),
    )
    expect(receiptsOwed).toEqual([{ call: id, to: ada.key, ack: { seq: 2, id: rumors[0]?.id }, missing: [[3, 4]] }])
  })

  test('none more for what is heard again in a wrap that was seen, as by inbox --deep; one for what was wrapped anew', () => {
    const { ada, ben, id } = inCall()
    const rumors = says(ada, send('one'))
    const mail = mailOf(...rumors)
    const [owed] = turn(ben, STATUS, { mail }).receiptsOwed
    ben.state = recordAcksTaken(ben.state, [{ call: id, ack: owed?.ack.seq ?? 0 }])
    expect(turn(ben, STATUS, { mail: { ...mail, deep: true }, now: T + 900 }).receiptsOwed).toEqual([])
    expect(turn(ben, STATUS, { mail: mailOf(...rumors), now: T + 900 }).receiptsOwed).toEqual([owed])
  })

  test('none where something goes out that carries the ack', () => {
    const { ada, ben } = inCall()
    const one = says(ada, send('one'))
    const { receiptsOwed, said } = turn(ben, send('yes'), { mail: mail(ben, one) })
    expect(receiptsOwed).toEqual([])
    expect(said[0]?.rumor.tags).toContainEqual(['ack', '2', one[0]?.id])
  })

  test('none for nothing, and none for a receipt', () => {
    const { ada, ben, id } = inCall()
    hears(ada, [])
    expect(turn(ada, STATUS).receiptsOwed).toEqual([])
    expect(hears(ada, [receipt(ben, id, ada.key, 1)]).receiptsOwed).toEqual([])
  })

  test('again after a minute while no relay has taken it, and no more once one has', () => {
    const { ada, ben, id } = inCall()
    expect(hears(ben, says(ada, send('one'))).receiptsOwed).toHaveLength(1)
    expect(hears(ben, [], { now: T + 59 }).receiptsOwed).toEqual([])
    expect(hears(ben, [], { now: T + 60 }).receiptsOwed).toHaveLength(1)
    tells(ben, id, 2)
    expect(hears(ben, [], { now: T + 300 }).receiptsOwed).toEqual([])
  })

  test('asks again for what is missing after five minutes, also by a clock that was set back', () => {
    const { ada, ben, id } = inCall()
    says(ada, send('lost'))
    expect(hears(ben, says(ada, send('one'))).receiptsOwed[0]?.missing).toEqual([[2, 2]])
    tells(ben, id, 1)
    expect(hears(ben, [], { now: T + 299 }).receiptsOwed).toEqual([])
    expect(hears(ben, [], { now: T + 300 }).receiptsOwed[0]?.missing).toEqual([[2, 2]])
    expect(hears(ben, [], { now: T - 86_400 }).receiptsOwed[0]?.missing).toEqual([[2, 2]])
  })

  test('asks for nothing any more once nobody keeps it: a gap is not asked for forever', () => {
    const { ada, ben, id } = inCall()
    says(ada, send('lost'))
    hears(ben, says(ada, send('one')))
    tells(ben, id, 1)
    const day = 86_400
    expect(hears(ben, [], { now: T + 10 * day }).receiptsOwed[0]?.missing).toEqual([[2, 2]])
    for (const days of [15, 20, 90]) expect(hears(ben, [], { now: T + days * day }).receiptsOwed).toEqual([])
  })
})

describe('the confirming end', () => {
  test('is said in the turn that hears of the end, and once', () => {
    const { ada, ben, id } = inCall()
    const end = says(ada, END)
    const { said } = hears(ben, end)
    expect(said.map((s) => s.rumor.tags.find((t) => t[0] === 'op')?.[1])).toEqual(['end'])
    expect(hears(ben, end).said).toEqual([])
    // Verified once ada has bound herself to it.
    expect(callIn(ben, id)).toMatchObject({ phase: 'ended', verified: 'pending' })
    expect(hears(ada, rumors(said)).receiptsOwed).toMatchObject([{ ack: { seq: 2 } }])
    hears(ben, [receipt(ada, id, ben.key, 2)])
    for (const who of [ada, ben]) expect(callIn(who, id).verified).toBe(true)
    expect(callIn(ada, id).digest).toBe(callIn(ben, id).digest)
  })

  test('waits for what is missing before the end', () => {
    const { ada, ben } = inCall()
    const lost = says(ada, send('lost'))
    expect(hears(ben, says(ada, END)).said).toEqual([])
    expect(hears(ben, lost).said).toHaveLength(1)
  })

  test('is not answered', () => {
    const { ada, ben } = inCall()
    const { said } = hears(ben, says(ada, END))
    expect(hears(ada, rumors(said)).said).toEqual([])
  })

  test('two ends that cross are not offered again to each other for ever', () => {
    const { ada, ben, id } = inCall()
    const [mine, theirs] = [says(ada, END), says(ben, END)]
    hears(ada, theirs)
    hears(ben, mine)
    hears(ada, [receipt(ben, id, ada.key, 2)])
    hears(ben, [receipt(ada, id, ben.key, 2)])
    for (const who of [ada, ben]) expect(callIn(who, id).verified).toBe(true)
    for (let n = 1; n < 4; n++)
      expect(hears(ada, theirs, { now: T + 100 * n })).toMatchObject({
        signalsDue: [],
        receiptsOwed: [{ ack: { seq: 2 } }],
      })
  })

  test('comes also from one who has missed the call that is hung up', () => {
    const { ada, ben, id } = ringing()
    hears(ben, [], { now: T + 1000 })
    expect(callIn(ben, id, T + 1000).phase).toBe('missed')
    const { said } = hears(ben, says(ada, END), { now: T + 1000 })
    // There was no conversation, so there is nothing to verify.
    hears(ada, rumors(said))
    expect([callIn(ada, id).verified, callIn(ben, id).verified]).toEqual(['pending', 'pending'])
  })
})

describe('an accept that comes too late', () => {
  const late = T + 1000

  function missed(): { ada: Side; ben: Side; id: string; accept: ReturnType<typeof says> } {
    const { ada, ben, id } = ringing()
    const accept = says(ben, ACCEPT)
    hears(ada, [], { now: late, mail: { completeReads: [{ relay: 'r', cursor: late, began: late }] } })
    expect(callIn(ada, id, late).phase).toBe('missed')
    return { ada, ben, id, accept }
  }

  test('is answered with an end that says why, and that with its confirmation', () => {
    const { ada, ben, id, accept } = missed()
    const { said } = hears(ada, accept, { now: late })
    expect(said[0]?.rumor.tags).toContainEqual(['reason', 'expired'])
    const confirmed = hears(ben, rumors(said), { now: late })
    expect(callIn(ben, id, late).phase).toBe('ended')
    hears(ada, rumors(confirmed.said), { now: late })
    expect(callIn(ada, id, late).phase).toBe('missed')
    expect(logIn(ben, id).unread).toContain(said[0]?.rumor.id)
  })

  test('is told with what was said behind it', () => {
    const { ada, ben, id } = missed()
    // Of a program without keys for calls, so that all of it can be read at once.
    const place = { call: id, to: ada.key, ack: { seq: 1, id } }
    const accept = raw(ben, { type: 'accept', text: 'yes', name: '', relays: [] }, { ...place, seq: 1 })
    const word = raw(ben, { type: 'message', text: 'at noon' }, { ...place, seq: 2, prev: accept.id })
    const opened = mailOf(accept, word).opened.map(({ openedWithKeyOf: _, ...wrap }) => wrap)
    turn(ada, { type: 'status' }, { now: late, mail: { opened } })
    const told = itemsOf(logIn(ada, id), callIn(ada, id, late), { contacts: [], owner: undefined, names: {} })
    expect(told.map(({ text, late }) => [text, late])).toEqual([
      ['yes', true],
      ['at noon', true],
      ['hello', undefined],
    ])
  })

  test('is answered once', () => {
    const { ada, accept } = missed()
    hears(ada, accept, { now: late })
    expect(hears(ada, accept, { now: late + 100 }).said).toEqual([])
  })
})

test('whom the policy does not let in hears so, once a day, and rings nowhere', () => {
  const [ada, ben] = [side('a'), side('b')]
  const policy = policyOf({ trust: () => 'unknown', calls: 'contacts' })
  const call = { type: 'call' as const, agent: '', topic: 'buy!', wait: undefined, again: true }
  const said = [0, 1].map(
    (n) => hears(ben, says(ada, call, { peer: ben.key, now: T + n }), { context: { policy }, now: T + n }).said,
  )
  expect(said.map((s) => s.length)).toEqual([1, 0])
  expect(said[0]?.[0]?.rumor.tags).toContainEqual(['reason', 'policy'])
  expect(Object.values(ben.state.logs).flatMap((log) => log.unread)).toEqual([])
})

test('what whom the policy does not let in says as it hangs up is told to nobody', () => {
  const [ada, ben] = [side('a'), side('b')]
  const policy = policyOf({ trust: () => 'unknown', calls: 'contacts' })
  const request = says(ada, { type: 'call', agent: '', topic: 'hello' }, { peer: ben.key })
  const end = says(ada, { type: 'end', text: 'buy!', maxChars: 16_000 })
  hears(ben, [...request, ...end], { context: { policy } })
  expect(Object.values(ben.state.logs).flatMap((log) => log.unread)).toEqual([])
})

test.each([
  ['contacts', []],
  ['anyone', [true]],
] as const)('that a call is not here is told to nobody whom the policy refuses (%s)', (calls, told) => {
  const [ada, ben] = [side('a'), side('b')]
  const trust = () => 'unknown' as const
  const policy = policyOf({ trust, calls, silent: true })
  says(ada, { type: 'call', agent: '', topic: 'buy!' }, { peer: ben.key })
  hears(ben, says(ada, END), { context: { policy } })
  const acks = [T + 10, T + 20].flatMap((now) => {
    const completeReads = [{ relay: 'r', cursor: now, began: now }]
    return hears(ben, [], { now, context: { policy }, mail: { completeReads } }).receiptsOwed
  })
  expect(acks.map(({ lost }) => lost)).toEqual(told)
})

function rumors(said: { rumor: Parameters<typeof hears>[1][number] }[]) {
  return said.map((s) => s.rumor)
}

function mail(_: Side, all: Parameters<typeof hears>[1]) {
  return mailOf(...all)
}

// The attack: a dozen strangers speak in calls that never were, and what a contact is to hear waits for the next command.
test('that a call is lost here strangers hear after everybody else', () => {
  const { ada, ben, id } = inCall()
  const key = (n: number) => `${n}`.padStart(64, '0')
  const unreadable = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [key(n), { heard: T, completeReads: 2 }]))
  ben.state = { ...ben.state, index: { ...ben.state.index, unreadable } }
  const policy = policyOf({ trust: (who) => (who === ada.key ? 'known' : 'unknown') })
  const { receiptsOwed } = hears(ben, says(ada, send('one')), { context: { policy } })
  expect([receiptsOwed.length, receiptsOwed[0]?.call]).toEqual([10, id])
})

// A stranger's second call of the day looked as if nobody were there, while the agents were talking in another.
test('that its call rings is told to a stranger twice a day, and to whom we have talked with each time', () => {
  const stranger = { context: { policy: policyOf({ trust: () => 'unknown' }) } }
  const { ada, ben } = inCall()
  const carol = side('c')
  const toldOf = (caller: Side, n: number) => {
    // A caller of its own each time rings here once: it knows nothing of the calls before.
    const [request] = says({ ...caller, state: side('x').state }, CALL, { peer: ben.key, now: T + n })
    const { receiptsOwed } = hears(ben, request === undefined ? [] : [request], { ...stranger, now: T + n })
    return receiptsOwed.some(({ call }) => call === request?.id)
  }
  const calls = [1, 2, 3, 4]
  expect(calls.map((n) => toldOf(carol, n))).toEqual([true, true, false, false])
  expect(calls.map((n) => toldOf(ada, n))).toEqual([true, true, true, true])
})

test.each<[string, Partial<Policy>, boolean]>([
  ['to a contact', {}, true],
  ['to nobody with policy.silent', { silent: true }, false],
  ['to no stranger whom the policy refuses', { trust: () => 'unknown', calls: 'contacts' }, false],
])('that a call rings is told %s', (_, said, told) => {
  const [ada, ben] = [side('a'), side('b')]
  const { receiptsOwed } = hears(ben, says(ada, CALL, { peer: ben.key }), { context: { policy: policyOf(said) } })
  expect(receiptsOwed).toHaveLength(told ? 1 : 0)
})
