// Makes calls as they lie on disk after months of use, and what waits for them on a relay. By the program's own code: to send a hundred
// thousand messages one by one would take all day.

import { emptyLog, type Log, type LogEntry } from '../../src/call/log.ts'
import { presenceOf } from '../../src/call/presence.ts'
import { digestNow } from '../../src/call/replay.ts'
import { type Body, type Link, NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type CallKey, deriveCallKey } from '../../src/nostr/call-key.ts'
import { type Keys, keysFrom, randomBytes } from '../../src/nostr/crypto.ts'
import { type Event, finalize, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'

/**
 * `log`: our side of the call. `next`: makes the peer's next message, which we do not have yet. `secret`: of a call with keys of its own,
 * our pair and the key that the peer seals with.
 */
export type History = { peer: Keys; log: Log; next: () => Rumor; secret?: { own: Keys; callKey: CallKey } }

const TEXT = 'A sentence of a call between two agents, about as long as most of them are. '.repeat(4).slice(0, 300)

/** A new key pair. */
export function newKeys(): Keys {
  const keys = keysFrom(randomBytes(32))
  if (keys === undefined) throw new Error('no key')
  return keys
}

/**
 * A call by `me` with this many messages, by both sides in turns, which both have ended or not. `now`: unix seconds; `secret`: with call
 * keys.
 */
export function callWith(
  me: Keys,
  peer: Keys,
  messages: number,
  ended: boolean,
  relays: string[],
  now: number,
  secret = false,
): History {
  const [own, theirs] = [newKeys(), newKeys()]
  const ek = ({ pubkey }: Keys) => (secret ? { ek: [pubkey] } : {})
  const began = now - 3600
  const links = new Map<string, Link>()
  let count = 0
  let call: string | undefined
  const entries: Record<string, LogEntry> = {}
  const tell = (from: Keys, body: Body): Rumor => {
    const to = from === me ? peer : me
    const { seq, id: prev } = links.get(from.pubkey) ?? NOTHING
    const position = { call, to: to.pubkey, seq: seq + 1, prev, ack: links.get(to.pubkey) ?? NOTHING }
    const rumor = rumorOf(signalTemplate(body, position, Math.min(now, began + Math.floor(count++ / 10))), from.pubkey)
    links.set(from.pubkey, { seq: seq + 1, id: rumor.id })
    return rumor
  }
  const keep = (from: Keys, body: Body) => {
    const rumor = tell(from, body)
    const sealed = secret && body.type !== 'accept' ? { underCallKey: true as const } : {}
    entries[rumor.id] = from === me ? { rumor } : { rumor, heard: rumor.created_at, ...sealed }
    return rumor.id
  }
  call = keep(me, { type: 'request', text: 'bench', deadline: began + 86_400, name: '', relays, ...ek(own) })
  keep(peer, { type: 'accept', text: '', name: '', relays, ...ek(theirs) })
  for (let n = 0; n < messages; n++) keep(n % 2 === 0 ? me : peer, { type: 'message', text: `${n} ${TEXT}` })
  for (const from of ended ? [me, peer] : []) keep(from, { type: 'end', text: '', expired: false })
  const taken = links.get(peer.pubkey) ?? NOTHING
  const acked = links.get(me.pubkey) ?? NOTHING
  const log: Log = {
    ...emptyLog(call),
    ...{ entries, peerAcked: acked },
    receipts: { ...emptyLog(call).receipts, ackTaken: taken.seq, ackTried: taken.seq, ackTriedAt: now },
  }
  const digest = ended ? digestNow(log) : undefined
  if (digest !== undefined) log.verified = { digest, at: now }
  const eks = { callerEk: own.pubkey, calleeEk: theirs.pubkey }
  const callKey = deriveCallKey(theirs, { call, caller: me.pubkey, callee: peer.pubkey, ...eks }, peer.pubkey)
  const next = () => tell(peer, { type: 'message', text: `${count} ${TEXT}` })
  return { peer, log, next, ...(secret && callKey && { secret: { own, callKey } }) }
}

/** What the peers of calls have said since, as it lies on a relay: `count` wraps, each peer's in its order. `now`: unix seconds. */
export function waiting(me: Keys, calls: readonly History[], count: number, now: number): Event[] {
  return Array.from({ length: count }, (_, n) => {
    const call = calls[n % calls.length]
    if (call === undefined) throw new Error('no call')
    return giftWrap(call.next(), me.pubkey, call.peer, { now, callKey: call.secret?.callKey })
  })
}

/** Presences of agents that were seen within the last 50 minutes; only the last agent has the capability `rare-skill`. */
export function online(count: number, now: number): Event[] {
  return Array.from({ length: count }, (_, n) => {
    const capabilities = n === count - 1 ? ['rare-skill'] : ['review', 'translate']
    const self = { name: `agent ${n}`, about: TEXT.slice(0, 120), capabilities, inbox: ['wss://relay.example'] }
    const template = presenceOf({ ...self, busy: false, pow: 0, every: 30 }, now - Math.floor((n * 3000) / count))
    return finalize(template, newKeys())
  })
}

/** A list of inbox relays (NIP-17, kind 10050). */
export function listOf(keys: Keys, relays: readonly string[], now: number): Event {
  return finalize({ kind: 10050, created_at: now, tags: relays.map((url) => ['relay', url]), content: '' }, keys)
}
