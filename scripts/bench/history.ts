// Calls as they would lie on disk after months of use, and what waits for them on a relay. Made by the program's own code,
// since a hundred thousand messages sent one by one would take the day.

import { emptyLog, type Log, type LogEntry } from '../../src/call/log.ts'
import type { Body } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type Keys, keysFrom, randomBytes, sha256, toHex } from '../../src/nostr/crypto.ts'
import { type Event, finalize, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'

/** `log`: our side of the call. `next`: makes the peer's next message, which we do not have yet. */
export type History = { peer: Keys; log: Log; next: () => Rumor }

const TEXT = 'A sentence of a call between two agents, about as long as most of them are. '.repeat(4).slice(0, 300)

export function newKeys(): Keys {
  const keys = keysFrom(randomBytes(32))
  if (keys === undefined) throw new Error('no key')
  return keys
}

/** A call of `me` with `messages` in it, told in turns, that both have ended or not. `now` in seconds. */
export function callWith(
  me: Keys,
  peer: Keys,
  messages: number,
  ended: boolean,
  relays: string[],
  now: number,
): History {
  const began = now - 3600
  const seqs = new Map([
    [me.pubkey, 0],
    [peer.pubkey, 0],
  ])
  let lc = 0
  let call: string | undefined
  const entries: Record<string, LogEntry> = {}
  const tell = (from: Keys, body: Body): Rumor => {
    const to = from === me ? peer : me
    const seq = (seqs.get(from.pubkey) ?? 0) + 1
    lc += 1
    const place = { call, to: to.pubkey, seq, lc, ack: seqs.get(to.pubkey) ?? 0 }
    seqs.set(from.pubkey, seq)
    return rumorOf(signalTemplate(body, place, Math.min(now, began + Math.floor(lc / 10))), from.pubkey)
  }
  const keep = (from: Keys, body: Body) => {
    const rumor = tell(from, body)
    entries[rumor.id] = from === me ? { rumor } : { rumor, heard: rumor.created_at }
    return rumor.id
  }
  call = keep(me, { type: 'request', text: 'bench', deadline: began + 86_400, name: '', relays })
  keep(peer, { type: 'accept', text: '', name: '', relays })
  for (let n = 0; n < messages; n++) keep(n % 2 === 0 ? me : peer, { type: 'message', text: `${n} ${TEXT}` })
  const digest = toHex(sha256(Buffer.from(Object.keys(entries).join(''), 'hex')))
  for (const from of ended ? [me, peer] : []) {
    const [own = 0, theirs = 0] = [from, from === me ? peer : me].map(({ pubkey }) => seqs.get(pubkey))
    keep(from, { type: 'end', text: '', cut: [own, theirs], digest, expired: false })
  }
  const told = seqs.get(peer.pubkey) ?? 0
  const log: Log = {
    ...emptyLog(call),
    entries,
    acked: seqs.get(me.pubkey) ?? 0,
    told: { taken: told, tried: told, at: now, asked: 0 },
  }
  return { peer, log, next: () => tell(peer, { type: 'message', text: `${lc} ${TEXT}` }) }
}

/** What peers of calls have said since, as it lies on a relay: `count` wraps, each peer's in its own order. */
export function waiting(me: Keys, calls: readonly History[], count: number, now: number): Event[] {
  return Array.from({ length: count }, (_, n) => {
    const call = calls[n % calls.length]
    if (call === undefined) throw new Error('no call')
    return giftWrap(call.next(), me.pubkey, call.peer, { now })
  })
}

/** NIP-17's kind 10050: where somebody reads. */
export function listOf(keys: Keys, relays: readonly string[], now: number): Event {
  return finalize({ kind: 10050, created_at: now, tags: relays.map((url) => ['relay', url]), content: '' }, keys)
}
