// Two agents as states, for tests of the pure core: what one says can be handed to the other, or not, or twice.

import type { Intent } from '../../src/call/intent.ts'
import type { Log } from '../../src/call/log.ts'
import { type Call, replay } from '../../src/call/replay.ts'
import { goesUnderCallKey, sealedSignalOf } from '../../src/call/secrecy.ts'
import { type Body, NOTHING, type SignalPosition } from '../../src/call/signal.ts'
import { parseSignal, signalTemplate } from '../../src/call/signal-codec.ts'
import { type Keys, randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import type { OpenedWrap } from '../../src/nostr/nip59-unwrap.ts'
import { foreign } from '../../src/sanitize.ts'
import type { CallKeySource } from '../../src/state/attach-call-key.ts'
import { recordPublished, type SignalPublishResult } from '../../src/state/outbox.ts'
import { type Policy, recordAcksTaken } from '../../src/state/receipts.ts'
import { positionIn } from '../../src/state/record-signals.ts'
import {
  type HeardWraps,
  type SignalStepContext,
  type SignalStepResult,
  stepSignals,
} from '../../src/state/signal-step.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'
import { fixedKeys } from './call-pair.ts'
import { quickSignature } from './quick-signatures.ts'

export const T = 1_795_000_000

export type Side = { key: string; state: State; pid: number }

/** An agent that has done nothing yet. @param letter a hex digit, of which its public key is made */
export function side(letter: string): Side {
  return { key: letter.repeat(64), state: { index: { ...emptyIndex(), agent: letter.repeat(64) }, logs: {} }, pid: 1 }
}

export type Run = {
  now?: number
  mail?: Partial<HeardWraps>
  peer?: string
  selector?: string
  context?: Partial<SignalStepContext>
}

/** What an owner has said of others: whoever calls is known and may, unless it is said otherwise. */
export function policyOf(said: Partial<Policy>): Policy {
  return { trust: () => 'known', calls: 'anyone', silent: false, pow: 0, autoAnswer: 'nobody', ...said }
}

/** One turn of one side, kept in its state. */
export function turn(
  who: Side,
  intent: Intent,
  { now = T, mail = {}, peer, selector, context = {} }: Run = {},
): SignalStepResult {
  const policy = policyOf({})
  const mine = { me: who.key, now, pid: who.pid, name: '', inbox: [], ring: 900, inlineMax: 100_000 }
  const people = { contacts: [], owner: undefined, names: {} }
  const whole = {
    ...mine,
    people,
    selector,
    peer,
    policy,
    callKeys: callKeysOf(who.key),
    alive: ({ pid }: { pid: number }) => pid === who.pid,
    ...context,
  }
  const turned = stepSignals(who.state, intent, { opened: [], completeReads: [], ...mail }, whole)
  who.state = turned.state
  for (const { call, rumor, seq } of turned.said) ids.set(`${call} ${who.key} ${seq}`, rumor.id)
  return turned
}

/** Nothing is sealed here, so each side has the same pair in all calls. */
function callKeysOf(key: string): CallKeySource {
  const pair = pairs.get(key) ?? fixedKeys(`call keys of ${key}`)
  pairs.set(key, pair)
  return { make: () => pair, read: () => pair }
}

const pairs = new Map<string, Keys>()

let wraps = 0
const wrapper = randomKeys()

/** Rumors in envelopes of their own, as they come in, signed by a key that nobody knows. */
export function mailOf(...rumors: readonly Rumor[]): Pick<HeardWraps, 'opened'> {
  return {
    opened: rumors.map((rumor): OpenedWrap => {
      const id = `${++wraps}`.padStart(64, '0')
      return {
        ...{ id, stamp: T, bits: 0, pubkey: wrapper.pubkey, rumor, ...sealedIn(rumor) },
        // One in ten is looked at.
        get sig() {
          return quickSignature(id, wrapper)
        },
      }
    }),
  }
}

/** The call whose key an honest side seals a rumor with, once both sides have sent one. */
function sealedIn(rumor: Rumor): { openedWithKeyOf?: string } {
  const signal = parseSignal(rumor)
  if (signal === undefined || !goesUnderCallKey(sealedSignalOf(signal, ''))) return {}
  return { openedWithKeyOf: signal.call }
}

/** One side reads what came in. */
export function hears(who: Side, rumors: readonly Rumor[], run: Run = {}): SignalStepResult {
  return turn(who, STATUS, { ...run, mail: { ...mailOf(...rumors), ...run.mail } })
}

/** What one side says with this command. */
export function says(who: Side, intent: Intent, run: Run = {}): Rumor[] {
  const { said, decision } = turn(who, intent, run)
  if (decision.refusal !== undefined) throw decision.refusal
  return said.map((s) => s.rumor)
}

/** A rumor that the program would not say. */
export function raw(from: Side, body: Body, place: Partial<SignalPosition> & { to: string }, at = T): Rumor {
  const position = { call: undefined, seq: 1, prev: undefined, ack: NOTHING, ...place }
  return rumorOf(signalTemplate(body, position, at), from.key)
}

/** A signal of the peer of a call, in its place as that side knows it, but for what `place` says otherwise. */
export function rawIn(from: Side, id: string, body: Body, place: Partial<SignalPosition> = {}, at = T): Rumor {
  const log = logIn(from, id)
  const to = callIn(from, id).peer
  const { own, taken } = positionIn(log, to, from.key)
  return raw(from, body, { call: id, to, seq: own.seq + 1, prev: own.id, ack: taken, ...place }, at)
}

/** A receipt for the first `ack` signals of the other side, whether the one who sends it has them or not. */
export function receipt(from: Side, call: string, to: string, ack: number, missing: [number, number][] = []): Rumor {
  const link = ack === 0 ? NOTHING : { seq: ack, id: ids.get(`${call} ${to} ${ack}`) ?? call }
  return raw(from, { type: 'receipt', text: '', missing }, { call, to, seq: 0, ack: link })
}

/** The ids of all that was said, by call, author and number. */
const ids = new Map<string, string>()

/** An envelope without anything in it, for what relays answer to. */
export function envelope(name: number): Event {
  const hex = `${name}`.padStart(64, '0')
  return { id: hex, pubkey: hex, created_at: T, kind: 1059, tags: [['p', hex]], content: '', sig: hex + hex }
}

/** The relays' answers to a wrap of a rumor: who took it and who did not. */
export function answered(
  call: string,
  rumor: string,
  wrap: Event,
  took: string[],
  not: string[] = [],
): SignalPublishResult {
  const one = (relay: string, accepted: boolean) => ({
    relay,
    event: wrap.id,
    accepted,
    reason: accepted ? '' : 'blocked',
    text: foreign``,
  })
  return { call, rumor, wrap, oks: [...took.map((r) => one(r, true)), ...not.map((r) => one(r, false))] }
}

/** What became of signals that this side has published is written down. */
export function recordResults(who: Side, all: readonly SignalPublishResult[], now = T): void {
  who.state = recordPublished(who.state, all, { me: who.key, now, pid: who.pid })
}

/** A relay has taken the receipt with which this side acknowledges so many signals of the other. */
export function tells(who: Side, call: string, ack: number): void {
  who.state = recordAcksTaken(who.state, [{ call, ack }])
}

/** A call as one side sees it. */
export function callIn(who: Side, id: string, now = T): Call {
  const call = replay(logIn(who, id), who.key, now)
  if (call === undefined) throw new Error('no such call')
  return call
}

/** The log of a call at one side; throws where there is none. */
export function logIn(who: Side, id: string): Log {
  const log = who.state.logs[id]
  if (log === undefined) throw new Error('no such log')
  return log
}

export const STATUS: Intent = { type: 'status' }
export const ACCEPT: Intent = { type: 'answer', accept: true, text: '' }
export const REJECT: Intent = { type: 'answer', accept: false, text: '' }
export const END: Intent = { type: 'end', text: '', maxChars: 0 }
export const CALL: Intent = { type: 'call', agent: '', topic: 'hello', wait: undefined }

/** The intent of `p2p send TEXT`. */
export function send(text: string): Intent {
  return { type: 'send', text, wait: undefined }
}

/** Two sides in an active call: ada has called, ben has accepted, both know. */
export function inCall(): { ada: Side; ben: Side; id: string } {
  const { ada, ben, id } = ringing()
  hears(ada, says(ben, ACCEPT))
  return { ada, ben, id }
}

/** Ada has called, and ben's phone rings. */
export function ringing(now = T): { ada: Side; ben: Side; id: string } {
  const [ada, ben] = [side('a'), side('b')]
  const rumors = says(ada, CALL, { peer: ben.key, now })
  hears(ben, rumors, { now })
  return { ada, ben, id: rumors[0]?.id ?? '' }
}
