// The protocol as one page: who may say what in which phase. And that what we let ourselves say is what the other side
// accepts, by playing it.
import { describe, expect, test } from 'vitest'
import type { Intent } from '../../src/call/intent.ts'
import { lastSignal } from '../../src/call/replay.ts'
import { isOver, nextPhase, type Party, type Phase, RULES } from '../../src/call/rules.ts'
import type { Body, SignalType } from '../../src/call/signal.ts'
import {
  ACCEPT,
  CALL,
  callIn,
  END,
  hears,
  inCall,
  logIn,
  REJECT,
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

const PHASES = Object.keys(RULES).filter((name): name is Phase => name in RULES)
const TYPES: SignalType[] = [
  ...(['request', 'accept', 'reject', 'message', 'file', 'progress', 'propose', 'agree', 'decline'] as const),
  ...(['escalate', 'end', 'receipt', 'opaque'] as const),
]
const PARTIES: Party[] = ['caller', 'callee']

test('every phase, signal and party', () => {
  const page = PHASES.map((phase) => {
    const allowed = TYPES.flatMap((type) =>
      PARTIES.flatMap((party) => {
        const after = nextPhase(phase, type, party)
        return after === undefined ? [] : [`  ${type.padEnd(9)} of the ${party} → ${after}`]
      }),
    )
    return [`${phase}${isOver(phase) ? ' (over)' : ''}`, ...(allowed.length === 0 ? ['  nothing'] : allowed)].join('\n')
  })
  expect(`\n${page.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    ringing
      accept    of the callee → active
      reject    of the callee → rejected
      end       of the caller → cancelled
    active
      message   of the caller → active
      message   of the callee → active
      file      of the caller → active
      file      of the callee → active
      progress  of the caller → active
      progress  of the callee → active
      propose   of the caller → active
      propose   of the callee → active
      agree     of the caller → active
      agree     of the callee → active
      decline   of the caller → active
      decline   of the callee → active
      escalate  of the caller → active
      escalate  of the callee → active
      end       of the caller → ended
      end       of the callee → ended
    ended (over)
      end       of the caller → ended
      end       of the callee → ended
    expired (over)
      end       of the caller → ended
      end       of the callee → ended
    missed (over)
      end       of the caller → missed
      end       of the callee → missed
    rejected (over)
      nothing
    cancelled (over)
      nothing
    merged (over)
      nothing
    forked (over)
      nothing
    "
  `)
})

test('the table names no phase that does not exist, and a receipt or a second request changes none', () => {
  expect(PHASES).toHaveLength(9)
  for (const phase of PHASES) {
    for (const party of PARTIES) {
      expect(nextPhase(phase, 'receipt', party)).toBeUndefined()
      expect(nextPhase(phase, 'request', party)).toBeUndefined()
    }
  }
})

// A call in each phase, as both sides have it.
const SCENES: Record<Phase, () => { ada: Side; ben: Side; id: string }> = {
  ringing,
  active: inCall,
  rejected: () => after(ringing(), 'ben', REJECT),
  cancelled: () => after(ringing(), 'ada', END),
  ended: () => after(inCall(), 'ada', END),
  missed: () => {
    const context = ringing(T - 10_000)
    const mail = { completeReads: [{ relay: 'r', cursor: T, began: T }] }
    hears(context.ada, [], { mail })
    hears(context.ben, [])
    return context
  },
  merged: () => {
    const [ada, ben] = [side('a'), side('b')]
    const [x, y] = [says(ada, CALL, { peer: ben.key }), says(ben, CALL, { peer: ada.key })]
    // Whoever holds the greater request accepts the other one by itself, and closes its own.
    const [toBen, toAda] = [hears(ada, y).said, hears(ben, x).said]
    hears(
      ben,
      toBen.map((said) => said.rumor),
    )
    hears(
      ada,
      toAda.map((said) => said.rumor),
    )
    const [one = '', other = ''] = [x[0]?.id, y[0]?.id].sort()
    expect(callIn(ada, one).phase).toBe('active')
    return { ada, ben, id: other }
  },
  forked: () => {
    const context = inCall()
    const [one, other] = ['one', 'other'].map((text) => rawIn(context.ben, context.id, { type: 'message', text }))
    hears(
      context.ada,
      [one, other].flatMap((rumor) => rumor ?? []),
    )
    const { receiptsOwed } = turn(context.ada, STATUS)
    expect(receiptsOwed).toEqual([])
    hears(context.ben, [raw(context.ada, FORK, { call: context.id, to: context.ben.key, seq: 0 })])
    return context
  },
  expired: () => {
    const context = inCall()
    for (const who of [context.ada, context.ben]) hears(who, [], { now: LATER })
    return context
  },
}

const FORK: Body = { type: 'receipt', text: '', missing: [], fork: { seq: 1, id: '0'.repeat(64) } }

const LATER = T + 8 * 86_400

const INTENTS: { type: SignalType; intent: Intent }[] = [
  { type: 'accept', intent: ACCEPT },
  { type: 'reject', intent: REJECT },
  { type: 'message', intent: send('words') },
  {
    type: 'file',
    intent: { type: 'sendfile', files: [{ name: 'a', content: { type: 'bytes', bytes: Buffer.from('a') } }] },
  },
  { type: 'escalate', intent: { type: 'escalate', text: 'help' } },
  { type: 'end', intent: END },
]

const BODIES: Record<string, Body> = {
  accept: { type: 'accept', text: '', name: '', relays: [] },
  reject: { type: 'reject', text: '', reason: 'busy' },
  message: { type: 'message', text: 'words' },
  escalate: { type: 'escalate', text: 'help' },
  end: { type: 'end', text: 'bye', expired: false },
}

describe.each(PHASES)('in a call that is %s', (phase) => {
  const now = phase === 'expired' ? LATER : T
  const play = SCENES[phase]

  test.each(INTENTS)('what may be said of $type is said, and accepted by the other side', ({ type, intent }) => {
    for (const who of ['ada', 'ben'] as const) {
      const { id, ...sides } = play()
      const [me, peer] = [sides[who], sides[who === 'ada' ? 'ben' : 'ada']]
      const before = callIn(me, id, now)
      expect(before.phase).toBe(phase)
      const allowed = nextPhase(phase, type, before.role)
      const { said, decision } = turn(me, intent, { now, selector: id })
      if (said.length === 0) {
        // What is allowed and not said: a second end of one who has ended it, or whose end is said without asking.
        expect(decision.refusal?.code).toBe('NO_CALL')
        expect(allowed === undefined || before.ends[before.role] !== undefined || phase === 'missed').toBe(true)
        continue
      }
      expect(allowed).toBeDefined()
      expect(callIn(me, id, now).phase).toBe(allowed)
      hears(
        peer,
        said.map((s) => s.rumor),
        { now },
      )
      const heard = callIn(peer, id, now)
      const line = heard.lines.find((l) => l.signal.id === said[0]?.rumor.id)
      expect(line).toMatchObject({ late: false, effective: true })
      // A call that is ended is confirmed in the same turn.
      expect(heard.phase).toBe(allowed)
    }
  })
})

describe.each(PHASES)('in a call that is %s, whatever comes in', (phase) => {
  const now = phase === 'expired' ? LATER : T
  const { ada, ben, id } = SCENES[phase]()
  const [caller, callee] = callIn(ada, id, now).role === 'caller' ? [ada, ben] : [ben, ada]

  test.each(Object.entries(BODIES))('%s makes of it what the table says, and nothing else', (_, body) => {
    for (const [party, me, peer] of [['caller', caller, callee] as const, ['callee', callee, caller] as const]) {
      const before = callIn(peer, id, now)
      // What it hears of itself is what it has said, in its own place.
      const { seq, id: prev } = lastSignal(logIn(peer, id), me.key)
      const place = { call: id, to: peer.key, seq: seq + 1, prev, ack: before.own }
      const rumor = raw(me, body, place, now + 60)
      // A copy: what is tried on it must not be there for the next.
      const listener = { ...peer }
      hears(listener, [rumor], { now: now + 60 })
      // Time does the rest: whoever is heard of again has not been silent for 7 days.
      const silent = phase === 'expired' && body.type !== 'end' ? 'active' : phase
      const expected = before.ends[party] === undefined ? nextPhase(phase, body.type, party) : undefined
      expect(callIn(listener, id, now + 60).phase, `${body.type} of the ${party}`).toBe(expected ?? silent)
    }
  })
})

function after(context: { ada: Side; ben: Side; id: string }, who: 'ada' | 'ben', intent: Intent) {
  hears(context[who === 'ada' ? 'ben' : 'ada'], says(context[who], intent))
  return context
}
