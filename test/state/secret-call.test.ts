// A whole call with keys of its own, from the two states to what relays keep, and a thief who comes when it is over: the pieces of
// "Calls that stay secret" put together as a run puts them together.
import { describe, expect, it } from 'vitest'
import type { IntendedSignal } from '../../src/call/decision.ts'
import { type Log, parsedSignal } from '../../src/call/log.ts'
import { replay } from '../../src/call/replay.ts'
import { type CallSecrecy, goesUnderCallKey, isDowngraded, sealedSignalOf, secrecyOf } from '../../src/call/secrecy.ts'
import type { Body, Signal } from '../../src/call/signal.ts'
import { parseSignal, signalTemplate } from '../../src/call/signal-codec.ts'
import { type CallKey, deriveCallKey, makeCallKeys } from '../../src/nostr/call-key.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import { type Event, type Rumor, rumorOf, tag } from '../../src/nostr/event.ts'
import { conversationKey, decrypt } from '../../src/nostr/nip44.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'
import { type OpenedWrap, openedWrapOf, openKeptSeal, unwrap, wrapHeaderOf } from '../../src/nostr/nip59-unwrap.ts'
import { openKeyring } from '../../src/state/call-keyring.ts'
import { receiveAll } from '../../src/state/receive.ts'
import { positionIn, recordSignals } from '../../src/state/record-signals.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'
import { must } from '../support/must.ts'
import { alice, bob, now } from '../support/people.ts'

type Agent = { keys: Keys; peer: string; state: State; secrets: Map<string, Keys>; dropped: string[]; kept: Event[] }

const agent = (keys: Keys, peer: string): Agent => ({
  ...{ keys, peer, secrets: new Map(), dropped: [], kept: [] },
  state: { index: { ...emptyIndex(), agent: keys.pubkey }, logs: {} },
})

const WORDS = ['the first secret', 'the second secret', 'an answer to it', 'goodbye, secretly']

describe('a call with keys', () => {
  it('is verified, and whoever steals both identities afterwards reads its request and its accept', () => {
    const { ada, ben, relay, id } = wholeCall()
    for (const { state, keys } of [ada, ben]) {
      const call = must(replay(must(state.logs[id]), keys.pubkey, now))
      expect([call.phase, call.verified]).toEqual(['ended', true])
      expect(must(secretOf(must(state.logs[id]), call)).sealedWith).toBe('call')
    }
    const read = stolen(relay)
    expect(read.map((rumor) => tag(rumor, 'op') ?? 'message')).toEqual(['request', 'accept'])
    for (const word of WORDS) expect(JSON.stringify(read)).not.toContain(word)
    // A thief who comes while the key is there reads on: the test looks at the right thing.
    const { binding } = bindingOf(ada, id)
    const key = must(deriveCallKey(must(ben.secrets.get(id)), binding, bob.pubkey))
    expect(relay.filter((wrap) => opensFor(ben, wrap, [key])).length).toBeGreaterThan(WORDS.length)
  })

  it('hides nothing where one side has sent no key, and says so', () => {
    const { ada, relay, id } = wholeCall({ calleeHasKeys: false })
    expect(secretOf(must(ada.state.logs[id]), must(replay(must(ada.state.logs[id]), alice.pubkey, now)))).toMatchObject(
      {
        sealedWith: 'identity',
        faults: { callee: 'missing' },
      },
    )
    for (const word of WORDS) expect(JSON.stringify(stolen(relay))).toContain(word)
  })

  it('takes what comes before its accept, once that is here', () => {
    const { ada, ben, id } = ringing()
    const accept = speak(ben, { call: id, body: introduction('accept', ben) })
    const early = speak(ben, { call: id, body: { type: 'message', text: 'early' } })
    hear(ada, [early])
    expect([ada.kept.length, Object.keys(must(ada.state.logs[id]).entries).length]).toEqual([1, 1])
    hear(ada, [accept])
    reopen(ada)
    expect(textsIn(ada, id)).toContain('early')
    expect(ada.dropped).toEqual([])
  })

  it('drops what a thief of an identity says in it, and what the peer says in the open', () => {
    const { ada, ben, id } = inCall()
    const place = { call: id, to: alice.pubkey, ...positionOf(ben, id) }
    const forged = rumorOf(signalTemplate({ type: 'message', text: 'I agree to everything' }, place, now), bob.pubkey)
    hear(ada, [giftWrap(forged, alice.pubkey, bob, { now, callKey: undefined })])
    expect([ada.dropped, textsIn(ada, id)]).toEqual([['downgraded'], []])
    hear(ada, [speak(ben, { call: id, body: { type: 'message', text: 'the true one' } })])
    expect(textsIn(ada, id)).toEqual(['the true one'])
  })

  it('says nothing where its key is lost, rather than in the open', () => {
    const { ada, id } = inCall()
    ada.secrets.delete(id)
    expect(() => speak(ada, { call: id, body: { type: 'message', text: 'x' } })).toThrow('the key is lost')
  })
})

/** Ada calls, ben answers, both talk and end; everything goes over one relay that forgets nothing. */
function wholeCall({ calleeHasKeys = true } = {}) {
  const { ada, ben, relay, id } = inCall(calleeHasKeys)
  const send = (from: Agent, to: Agent, body: Body) => {
    const wrap = speak(from, { call: id, body })
    relay.push(wrap)
    hear(to, [wrap])
  }
  const [first = '', second = '', answer = '', farewell = ''] = WORDS
  send(ada, ben, { type: 'message', text: first })
  send(ada, ben, { type: 'propose', text: second })
  send(ben, ada, { type: 'message', text: answer })
  const receipts = (from: Agent, to: Agent) => {
    const { taken } = positionIn(must(from.state.logs[id]), from.peer, from.keys.pubkey)
    const place = { call: id, to: from.peer, seq: 0, prev: undefined, ack: taken }
    const wrap = sealed(
      from,
      id,
      rumorOf(signalTemplate({ type: 'receipt', text: '', missing: [] }, place, now + 9), from.keys.pubkey),
    )
    relay.push(wrap)
    hear(to, [wrap])
  }
  receipts(ada, ben)
  send(ada, ben, { type: 'end', text: farewell, expired: false })
  send(ben, ada, { type: 'end', text: '', expired: false })
  receipts(ada, ben)
  return { ada, ben, relay, id }
}

function ringing() {
  const [ada, ben] = [agent(alice, bob.pubkey), agent(bob, alice.pubkey)]
  const relay = [speak(ada, { call: undefined, body: introduction('request', ada) })]
  hear(ben, relay)
  return { ada, ben, relay, id: must(Object.keys(ada.state.logs)[0]) }
}

function inCall(calleeHasKeys = true) {
  const { ada, ben, relay, id } = ringing()
  const wrap = speak(ben, { call: id, body: introduction('accept', ben, calleeHasKeys) })
  relay.push(wrap)
  hear(ada, [wrap])
  return { ada, ben, relay, id }
}

/** The secret is there before what carries its public half is said. */
function introduction(type: 'request' | 'accept', who: Agent, hasKeys = true): Body {
  const keys = makeCallKeys()
  if (hasKeys) who.secrets.set('next', keys)
  const self = { text: 'a topic', name: '', relays: [], ...(hasKeys && { ek: [keys.pubkey] }) }
  return type === 'request' ? { type, deadline: now + 900, ...self } : { type, ...self }
}

function speak(who: Agent, { call, body }: Pick<IntendedSignal, 'call' | 'body'>): Event {
  const spoken = recordSignals(who.state, [{ to: who.peer, call, body }], { me: who.keys.pubkey, now: now + 5, pid: 1 })
  const said = must(spoken.said[0])
  const made = who.secrets.get('next')
  if (made !== undefined) who.secrets.set(said.call, made)
  who.secrets.delete('next')
  who.state = spoken.state
  return sealed(who, said.call, said.rumor)
}

function sealed(who: Agent, id: string, rumor: Rumor): Event {
  const call = must(replay(must(who.state.logs[id]), who.keys.pubkey, now))
  const secrecy = secretOf(must(who.state.logs[id]), call)
  const isSecret = secrecy?.sealedWith === 'call'
  const underKey = isSecret && goesUnderCallKey(sealedSignalOf(must(parseSignal(rumor)), call.caller))
  const callKey = underKey ? keyOf(who, id) : undefined
  if (underKey && callKey === undefined) throw new Error('the key is lost')
  return giftWrap(rumor, who.peer, who.keys, { now, callKey })
}

function hear(who: Agent, wraps: readonly Event[]): void {
  const opened = wraps.map((wrap) => openedWrapOf(wrapHeaderOf(wrap), unwrap(wrap, who.keys, keyringOf(who))))
  take(who, opened)
}

function take(who: Agent, opened: readonly OpenedWrap[]): void {
  const good = opened.filter((one) => {
    if (one.unopened?.seal !== undefined) who.kept.push(one.unopened.seal)
    const signal = one.rumor && parseSignal(one.rumor)
    const log = signal && who.state.logs[signal.call]
    const call = log && replay(log, who.keys.pubkey, now)
    const secrecy = call && secretOf(log, call)
    if (
      signal === undefined ||
      call === undefined ||
      secrecy?.sealedWith !== 'call' ||
      one.openedWithKeyOf !== undefined
    )
      return true
    if (!isDowngraded(sealedSignalOf(signal, call.caller), secrecy.acceptedAt)) return true
    who.dropped.push('downgraded')
    return false
  })
  const admission = { trust: () => 'known' as const, calls: 'anyone' as const, silent: false, pow: 0 }
  who.state = receiveAll(who.state, good, { me: who.keys.pubkey, now: now + 5, completeReads: [], admission }).state
}

function reopen(who: Agent): void {
  for (const seal of who.kept.splice(0)) {
    const result = openKeptSeal(seal, who.keys, { wrap: seal.id, keyring: keyringOf(who) })
    take(who, [openedWrapOf({ id: seal.id, stamp: now, bits: 0 }, result)])
  }
}

function keyringOf(who: Agent) {
  const calls = Object.keys(who.state.logs).flatMap((id) =>
    keyOf(who, id) === undefined ? [] : [{ id, peer: who.peer, owed: false, heard: now }],
  )
  const awaited = calls.length === 0 && who.secrets.size > 0 ? [who.peer] : []
  return openKeyring({ calls, tried: {}, keyOf: (id) => keyOf(who, id), awaited, kept: {} })
}

function keyOf(who: Agent, id: string): CallKey | undefined {
  const log = who.state.logs[id]
  const call = log && replay(log, who.keys.pubkey, now)
  const bound = call && secretOf(log, call)
  const own = who.secrets.get(id)
  return bound?.sealedWith === 'call' && own !== undefined
    ? deriveCallKey(own, bound.binding, who.keys.pubkey)
    : undefined
}

function bindingOf(who: Agent, id: string) {
  const log = must(who.state.logs[id])
  const bound = must(secretOf(log, must(replay(log, who.keys.pubkey, now))))
  if (bound.sealedWith !== 'call') throw new Error('the call has no key')
  return bound
}

function secretOf(
  log: Log,
  { id, caller, callee }: { id: string; caller: string; callee: string },
): CallSecrecy | undefined {
  const signals = Object.values(log.entries).flatMap(({ rumor }): Signal[] => [must(parsedSignal(rumor))])
  return secrecyOf({ id, caller, callee, signals })
}

function positionOf(who: Agent, id: string) {
  const { own, taken } = positionIn(must(who.state.logs[id]), who.peer, who.keys.pubkey)
  return { seq: own.seq + 1, prev: own.id, ack: taken }
}

function textsIn(who: Agent, id: string): string[] {
  const call = must(replay(must(who.state.logs[id]), who.keys.pubkey, now))
  return call.lines.filter(({ signal }) => signal.body.type === 'message').map(({ signal }) => signal.body.text)
}

function opensFor(who: Agent, wrap: Event, keys: readonly CallKey[]): boolean {
  const keyring = openKeyring({
    ...{
      calls: keys.map(({ call, peer }) => ({ id: call, peer, owed: false, heard: 0 })),
      tried: {},
      awaited: [],
      kept: {},
    },
    keyOf: (id) => keys.find(({ call }) => call === id),
  })
  return unwrap(wrap, who.keys, keyring).ok
}

/** All that the identities of both sides open of what a relay has kept, by whatever pair of their keys. */
function stolen(relay: readonly Event[]): Rumor[] {
  return relay.flatMap((wrap) => {
    const layers = [alice, bob].flatMap((one) => {
      const outer = decrypt(wrap.content, must(conversationKey(one.secret, wrap.pubkey)))
      return outer === undefined ? [] : [JSON.parse(outer)]
    })
    return layers.flatMap(({ content }) =>
      [alice, bob].flatMap((one) =>
        [alice, bob].flatMap((other): Rumor[] => {
          const inner = one === other ? undefined : decrypt(content, must(conversationKey(one.secret, other.pubkey)))
          return inner === undefined || one === bob ? [] : [JSON.parse(inner)]
        }),
      ),
    )
  })
}
