// Of which accept a call has its key where several are known: the one that has taken the callee's first number, judged by its id, whatever
// else its author signs, and in whatever order it comes.
import { describe, expect, test } from 'vitest'
import { agentOf } from '../../src/call/agents.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { secrecyIn } from '../../src/call/secrecy.ts'
import type { Body } from '../../src/call/signal.ts'
import { secrecyText } from '../../src/call/transcript/entry.ts'
import { transcriptOf } from '../../src/call/transcript/transcript.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { bindingIn } from '../../src/run/keyring.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import { fixedKeys } from '../support/call-pair.ts'
import {
  ACCEPT,
  callIn,
  END,
  hears,
  logIn,
  mailOf,
  raw,
  ringing,
  type Side,
  says,
  send,
} from '../support/conversation.ts'
import { must } from '../support/must.ts'

const GREETING = 'a greeting in the open'

/** An accept of ben's that his program has not said, with a key of another pair. */
function otherAccept(ben: Side, id: string, to: string, ek: string[] = [fixedKeys('another').pubkey]): Rumor {
  const body: Body = { type: 'accept', text: GREETING, name: '', relays: [], ek }
  return raw(ben, body, { call: id, to, ack: { seq: 1, id } })
}

/** What ada does between the two accepts. */
const MOMENTS = {
  'at once': () => {},
  'after words': ({ ada, ben }: Pair) => {
    hears(ben, says(ada, send('one')))
    hears(ada, says(ben, send('two')))
  },
  'after an end': ({ ada }: Pair) => void says(ada, END),
  'after both have confirmed': ({ ada, ben }: Pair) => {
    const confirmed = hears(ben, says(ada, END)).said.map(({ rumor }) => rumor)
    hears(ada, confirmed)
  },
} as const

type Pair = { ada: Side; ben: Side; id: string }

const keyIn = (who: Side, id: string) => bindingIn(logIn(who, id))
const eksOf = ({ tags }: Rumor) => tags.flatMap(([name, value]) => (name === 'ek' ? [value] : []))

describe.each(Object.entries(MOMENTS))('a second accept with another key, %s', (moment, between) => {
  const isVerified = moment === 'after both have confirmed'

  test('is a fork, changes no key, and leaves no word of its in the open', () => {
    const pair = ringing()
    const { ada, ben, id } = pair
    const [first] = says(ben, ACCEPT)
    hears(ada, [must(first)])
    const key = keyIn(ada, id)
    expect(key?.calleeEk).toBe(eksOf(must(first))[0])
    between(pair)
    const second = otherAccept(ben, id, ada.key)
    for (let n = 0; n < 2; n++) hears(ada, [second])
    expect(keyIn(ada, id)).toEqual(key)
    expect([callIn(ada, id).verified, callIn(ada, id).fork !== undefined]).toEqual([isVerified, true])
    expect(ada.state.index.calls[id]?.secrecy).toBe('call')
    expect(JSON.stringify(ada.state)).not.toContain(GREETING)
    // So it is for whoever reads it all again, and for whoever has lost the index.
    const again = parseLog(JSON.parse(JSON.stringify(logIn(ada, id))))
    if (again === undefined || again === 'newer') throw new Error('unreadable')
    expect(bindingIn(again)).toEqual(key)
    expect(stateCodec.rebuild(new Map([[id, again]])).calls[id]?.secrecy).toBe('call')
  })

  test('has the key where it comes first, and the other one is the fork', () => {
    const pair = ringing()
    const { ada, ben, id } = pair
    const honest = says(ben, ACCEPT)
    hears(ada, [otherAccept(ben, id, ada.key)])
    const key = keyIn(ada, id)
    expect(key?.calleeEk).toBe(fixedKeys('another').pubkey)
    if (moment === 'after an end') says(ada, END)
    hears(ada, honest)
    expect([keyIn(ada, id), callIn(ada, id).fork?.by]).toEqual([key, 'peer'])
  })

  test('the same one is none, however often and in whatever wrap it comes', () => {
    const pair = ringing()
    const { ada, ben, id } = pair
    const accept = says(ben, ACCEPT)
    hears(ada, [...accept, ...accept])
    const key = keyIn(ada, id)
    between(pair)
    for (let n = 0; n < 3; n++) hears(ada, [...accept, ...accept])
    const { fork, phase } = callIn(ada, id)
    expect([fork, phase === 'forked', Object.keys(logIn(ada, id).aside), keyIn(ada, id)]).toEqual([
      ...[undefined, false, []],
      key,
    ])
  })
})

// The attack: a callee says something first, so that no accept of its stands under its first number, and the call goes on in the open.
describe('an accept that is not the first word of its author', () => {
  test('has no key, and the call says so', () => {
    const { ada, ben, id } = ringing()
    const first = raw(ben, { type: 'message', text: 'first' }, { call: id, to: ada.key, ack: { seq: 1, id } })
    const body: Body = { type: 'accept', text: '', name: '', relays: [], ek: [fixedKeys('another').pubkey] }
    const place = { call: id, to: ada.key, seq: 2, prev: first.id, ack: { seq: 1, id } }
    hears(ada, [], { mail: inTheOpen(first, raw(ben, body, place)) })
    const call = callIn(ada, id)
    expect([call.phase, ada.state.index.calls[id]?.secrecy]).toEqual(['active', 'identity'])
    expect(secrecyIn(logIn(ada, id))).toMatchObject({ sealedWith: 'identity', faults: { callee: 'late' } })
    const people = { contacts: [], owner: undefined, names: {} }
    const shown = transcriptOf(call, logIn(ada, id), agentOf(people, ada.key), people)
    expect(secrecyText(shown)).toMatch(/^identity .*the call key of the peer was not taken: late/)
  })
})

function inTheOpen(...rumors: readonly Rumor[]) {
  return { opened: mailOf(...rumors).opened.map(({ openedWithKeyOf: _, ...wrap }) => wrap) }
}
