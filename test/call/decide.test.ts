// What a command says, or why it says nothing: refusals with their code, their exit and what to type next.
import { describe, expect, test } from 'vitest'
import { agreementsOf } from '../../src/call/agreements.ts'
import type { Intent } from '../../src/call/intent.ts'
import { LIMIT } from '../../src/call/signal.ts'
import { EXIT } from '../../src/errors.ts'
import {
  ACCEPT,
  CALL,
  callIn,
  END,
  hears,
  inCall,
  REJECT,
  type Run,
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

const ESCALATE: Intent = { type: 'escalate', text: 'help' }
const file = (bytes: number): Intent => ({
  type: 'sendfile',
  files: [{ name: 'a.bin', content: { type: 'bytes', bytes: Buffer.alloc(bytes) } }],
})

/** The refusal of a command, after which the state says what it said before. */
function refused(who: Side, intent: Intent, run: Run = {}) {
  const before = { ...who.state.logs }
  const { decision, said } = turn(who, intent, run)
  expect(said).toEqual([])
  expect(who.state.logs).toEqual(before)
  if (decision.refusal === undefined) throw new Error(`${intent.type} was not refused`)
  const { code, exit, message, hint } = decision.refusal
  return { code, exit, message, hint }
}

describe('call', () => {
  test('asks, with a deadline, our name, where we read and a key of the call', () => {
    const [ada, ben] = [side('a'), side('b')]
    const context = { name: 'ada', inbox: ['wss://one', 'wss://two'], ring: 60 }
    const [request] = says(ada, CALL, { peer: ben.key, context })
    expect(request).toMatchObject({ kind: 1410, content: 'hello', created_at: T })
    expect(request?.tags).toEqual([
      ['p', ben.key],
      ['op', 'request'],
      ['seq', '1'],
      ['ack', '0'],
      ['expiration', String(T + 60)],
      ['name', 'ada'],
      ['relay', 'wss://one'],
      ['relay', 'wss://two'],
      ['ek', expect.stringMatching(/^[0-9a-f]{64}$/)],
    ])
  })

  test('twice in one second is one call; in the next second it is refused: ALREADY_DIALING', () => {
    const { ada, ben, id } = ringing()
    expect(says(ada, CALL, { peer: ben.key })[0]?.id).toBe(id)
    const refusal = refused(ada, CALL, { peer: ben.key, now: T + 2 })
    expect(refusal).toMatchObject({ code: 'ALREADY_DIALING', exit: EXIT.impossible })
    expect(refusal.message).toContain(`call ${id.slice(0, 8)}, dialing for 2 s, until`)
    expect(refusal.hint).toContain(`p2p wait --call ${id.slice(0, 8)}`)
    expect(refusal.hint).toContain('--again')
    expect(Object.keys(ada.state.logs)).toEqual([id])
    // What has rung out is no call in the way.
    expect(says(ada, CALL, { peer: ben.key, now: T + 901 })).toHaveLength(1)
  })

  test('again: the first one is hung up', () => {
    const { ada, ben, id } = ringing()
    const [request, end] = says(
      ada,
      { type: 'call', agent: '', topic: 'hello', again: true },
      { peer: ben.key, now: T + 9 },
    )
    expect(request?.content).toBe('hello')
    expect(end?.tags).toContainEqual(['op', 'end'])
    expect(callIn(ada, id).phase).toBe('cancelled')
    expect(callIn(ada, request?.id ?? '').phase).toBe('ringing')
    hears(
      ben,
      [end, request].flatMap((one) => one ?? []),
      { now: T + 9 },
    )
    expect(callIn(ben, id).phase).toBe('cancelled')
    expect(callIn(ben, request?.id ?? '').phase).toBe('ringing')
  })

  test('ourselves: SELF_CALL', () => {
    const ada = side('a')
    expect(refused(ada, CALL, { peer: ada.key })).toMatchObject({ code: 'SELF_CALL', exit: EXIT.usage })
  })

  test('one who is calling us: ALREADY_RINGING, with how to take it', () => {
    const { ada, ben, id } = ringing()
    const refusal = refused(ben, CALL, { peer: ada.key })
    expect(refusal).toMatchObject({ code: 'ALREADY_RINGING', exit: EXIT.impossible })
    expect(refusal.hint).toContain(`p2p answer accept --call ${id.slice(0, 8)}`)
  })

  test('about too much: TEXT_TOO_LONG', () => {
    const topic = 'x'.repeat(LIMIT.topic + 1)
    const refusal = refused(side('a'), { type: 'call', agent: '', topic, wait: undefined }, { peer: side('b').key })
    expect(refusal).toMatchObject({ code: 'TEXT_TOO_LONG', exit: EXIT.usage })
    expect(refusal.message).toContain('1001')
  })
})

describe('where there is no call for it: NO_CALL, with what to do instead', () => {
  const cases: [string, Side, Intent, RegExp][] = [
    ['nothing to answer', side('a'), ACCEPT, /p2p wait --for request/],
    ['nothing to reject', side('a'), REJECT, /p2p wait --for request/],
    ['nobody to talk to', side('a'), send('hi'), /p2p list.*p2p call/],
    ['nobody to send a file to', side('a'), file(1), /p2p list.*p2p call/],
    ['nothing to end', side('a'), END, /p2p list.*p2p call/],
    ['our own call is not ours to answer', ringing().ada, ACCEPT, /p2p wait/],
    ['our call is not answered', ringing().ada, send('hi'), /p2p wait --call [0-9a-f]{8}/],
    ['theirs is not answered', ringing().ben, send('hi'), /p2p answer accept/],
    ['theirs is not answered, and not ours to end', ringing().ben, END, /p2p answer reject/],
  ]

  test.each(cases)('%s', (_, who, intent, hint) => {
    const refusal = refused(who, intent)
    expect(refusal).toMatchObject({ code: 'NO_CALL', exit: EXIT.impossible })
    expect(refusal.hint).toMatch(hint)
  })

  test('a call that is over is named as such, with where to read it', () => {
    const { ada, id } = inCall()
    says(ada, END)
    for (const intent of [send('hi'), ACCEPT, END]) {
      const refusal = refused(ada, intent, { selector: id.slice(0, 8) })
      expect(refusal).toMatchObject({ code: 'NO_CALL', exit: EXIT.impossible })
      expect(refusal.message).toContain(`the call ${id.slice(0, 8)} is over (ended)`)
      expect(refusal.hint).toContain(`p2p transcript ${id.slice(0, 8)}`)
    }
  })

  test('an escalation needs no call, unless one was named', () => {
    expect(turn(side('a'), ESCALATE).decision).toEqual({ say: [] })
    expect(refused(side('a'), ESCALATE, { selector: 'abcdef' })).toMatchObject({ code: 'NO_SUCH_CALL', exit: 6 })
  })
})

describe('which call is meant', () => {
  function two() {
    const ben = side('b')
    const others = [side('c'), side('d')]
    const ids = others.map((other) => {
      const [request] = says(other, CALL, { peer: ben.key })
      hears(ben, request === undefined ? [] : [request])
      return request?.id ?? ''
    })
    return { ben, ids, others }
  }

  test('one of several must be named: SEVERAL_CALLS, with the candidates', () => {
    const { ben, ids } = two()
    const refusal = refused(ben, ACCEPT)
    expect(refusal).toMatchObject({ code: 'SEVERAL_CALLS', exit: EXIT.impossible })
    for (const id of ids) expect(refusal.message).toContain(id.slice(0, 8))
    // Whoever types what is suggested must not speak to whom it did not mean.
    for (const id of ids) expect(refusal.hint).not.toContain(id.slice(0, 8))
    expect(refusal.hint).toContain('--call')
  })

  test('by 8 characters of its id, by its peer, or not at all', () => {
    for (const name of ['id', 'key'] as const) {
      const { ben, ids, others } = two()
      const selector = name === 'id' ? ids[1]?.slice(0, 8) : others[1]?.key
      expect(turn(ben, ACCEPT, selector === undefined ? {} : { selector }).said[0]?.call).toBe(ids[1])
    }
    const { ben, ids } = two()
    expect(refused(ben, ACCEPT, { selector: ids[1]?.slice(0, 5) ?? '' }).code).toBe('NO_SUCH_CALL')
    expect(refused(ben, ACCEPT, { selector: '000000' }).code).toBe('NO_SUCH_CALL')
  })

  test('a conversation goes before a call that still rings', () => {
    const { ada, id } = inCall()
    says(ada, CALL, { peer: side('c').key })
    expect(says(ada, END)[0]?.tags).toContainEqual(['call-id', id])
  })
})

describe('what fits into one envelope', () => {
  test('a text is measured as the event that it becomes: TEXT_TOO_LONG', () => {
    const { ada } = inCall()
    expect(turn(ada, send('x'.repeat(20_000))).said).toHaveLength(1)
    const long = refused(ada, send('x'.repeat(40_000)))
    expect(long).toMatchObject({ code: 'TEXT_TOO_LONG', exit: EXIT.usage })
    expect(long.hint).toMatch(/p2p sendfile/)
    // Each of these takes three bytes, and six once JSON has escaped it.
    expect(refused(ada, send('\u0001'.repeat(8_000))).code).toBe('TEXT_TOO_LONG')
  })

  // A peer of whoever is told "at most N bytes" must be able to do that with this very text.
  test.each<[string, string]>([
    ['letters', 'x'.repeat(60_000)],
    ['a table', '"Zürich","12,50","a ""quoted"" field"\r\n'.repeat(700)],
    ['one dense place in plain words', `${'x'.repeat(40_000)}${'"\n'.repeat(6_000)}${'x'.repeat(40_000)}`],
    ['emoji', '\u{1f600}'.repeat(12_000)],
    ['escapes', '\u0007'.repeat(20_000)],
  ])('the limit that is told holds for that text, wherever it is cut: %s', (_, text) => {
    const { ada } = inCall()
    const { hint, message } = refused(ada, send(text))
    const limit = Number(/at most (\d+) bytes/.exec(hint)?.[1])
    expect(message).toContain(`at most ${limit} of them fit`)
    const bytes = Buffer.from(text)
    expect(limit).toBeGreaterThan(3_000)
    for (let from = 0; from < bytes.length; from += Math.floor(limit / 3)) {
      // A part that ends within a letter ends before it.
      const part = new TextDecoder('utf-8', { ignoreBOM: true })
        .decode(bytes.subarray(from, from + limit))
        .replaceAll('\ufffd', '')
      if (part.trim() !== '') expect(turn(ada, send(part)).said).toHaveLength(1)
    }
  })

  test('a file goes in chunks, each with a number of its own, up to what relays carry: FILE_TOO_LARGE', () => {
    const { ada, ben, id } = inCall()
    const { said } = turn(ada, file(50_000))
    expect(said.map((s) => s.seq)).toEqual([2, 3, 4])
    hears(ben, said.map((s) => s.rumor).toReversed())
    expect(callIn(ben, id)).toMatchObject({ taken: { seq: 4 }, gaps: [] })
    const large = refused(ada, file(100_001))
    expect(large).toMatchObject({ code: 'FILE_TOO_LARGE', exit: EXIT.usage })
    expect(large.hint).toMatch(/file\.server/)
  })

  test('a name that leaves no room: FILE_TOO_LARGE', () => {
    const { ada } = inCall()
    const content = { type: 'bytes' as const, bytes: Buffer.alloc(1) }
    const refusal = refused(ada, { type: 'sendfile', files: [{ name: 'x'.repeat(60_000), content }] })
    expect(refusal).toMatchObject({ code: 'FILE_TOO_LARGE', exit: EXIT.usage })
    expect(refusal.hint).toMatch(/shorter name/)
  })
})

test('looking says nothing', () => {
  const { ada } = inCall()
  const looks: Intent[] = [
    STATUS,
    { type: 'announce', jitter: 0 },
    { type: 'inbox', peek: false, all: false, deep: false },
  ]
  for (const intent of looks) expect(turn(ada, intent).decision).toEqual({ say: [] })
})

describe('proposals', () => {
  const propose = (text: string): Intent => ({ type: 'propose', text })
  const agree = (ref?: string): Intent => ({ type: 'agree', ref, text: '' })

  test('an answer names the proposal, as NIP-10 does, and both sides come to the same', () => {
    const { ada, ben, id } = inCall()
    hears(ben, says(ada, propose('by Friday')))
    const [answer] = says(ben, { type: 'agree', ref: 'peer/2', text: 'noon' })
    const proposed = callIn(ada, id).own.id
    expect(answer?.tags).toContainEqual(['e', proposed, '', 'reply'])
    hears(ada, answer === undefined ? [] : [answer])
    const agreed = (who: Side) => agreementsOf(callIn(who, id)).map(({ text, answer }) => [text, answer.text])
    expect(agreed(ada)).toEqual([['by Friday', 'noon']])
    expect(agreed(ben)).toEqual(agreed(ada))
  })

  test('nobody agrees to its own, also where its program says so', () => {
    const { ada, ben, id } = inCall()
    says(ada, propose('by Friday'))
    expect(refused(ada, agree('me/2'))).toMatchObject({ code: 'NO_PROPOSAL' })
    const { id: own } = callIn(ada, id).own
    if (own === undefined) throw new Error('nothing was said')
    const forged = rawIn(ada, id, { type: 'agree', text: '' }, { re: own })
    hears(ben, [...Object.values(ada.state.logs[id]?.entries ?? {}).map(({ rumor }) => rumor), forged])
    expect(callIn(ben, id).lines.map(({ signal }) => signal.body.type)).toContain('agree')
    expect(agreementsOf(callIn(ben, id))).toEqual([])
  })

  test('the first answer stands', () => {
    const { ada, ben, id } = inCall()
    hears(ben, says(ada, propose('by Friday')))
    hears(ada, says(ben, { type: 'decline', ref: 'peer/2', text: '' }))
    expect(refused(ben, agree('peer/2'))).toMatchObject({
      code: 'NO_PROPOSAL',
      message: expect.stringContaining('declined'),
    })
    const late = rawIn(ben, id, { type: 'agree', text: '' }, { re: callIn(ada, id).own.id })
    hears(ada, [late])
    expect(agreementsOf(callIn(ada, id))).toEqual([])
  })

  test('a ref that is none: NO_SUCH_REF, with the last there is', () => {
    const { ada } = inCall()
    expect(refused(ada, { type: 'send', text: 'x', wait: undefined, re: 'peer/2' })).toMatchObject({
      code: 'NO_SUCH_REF',
      exit: EXIT.impossible,
      message: expect.stringContaining('the last one is peer/1'),
    })
  })
})
