// Anybody on the internet: keys without a program, who write what they like and as much as they like.
import { type Body, NOTHING, type SignalPosition } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type Keys, keysFrom, randomInt, sha256 } from '../../src/nostr/crypto.ts'
import { type Event, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { cachedConversationKey, encrypt } from '../../src/nostr/nip44.ts'
import { must } from './must.ts'
import { openNostrClient } from './nostr-client.ts'
import { finalizeQuickly } from './quick-signatures.ts'

/** The key of a name. */
export function strangerKeys(name: string): Keys {
  const known = strangers.get(name)
  if (known !== undefined) return known
  const keys = must(keysFrom(sha256(Buffer.from(`stranger ${name}`))))
  strangers.set(name, keys)
  return keys
}

// The same few hundred come in many tests, and to find the public key takes long.
const strangers = new Map<string, Keys>()

/** Unix seconds by this machine's clock. */
export function unixNow(): number {
  return Math.floor(Date.now() / 1000)
}

/** What a stranger says. `place`: where in a call, to whom; without a call it is a request. */
export function signalRumor(
  keys: Keys,
  body: Body,
  place: Pick<SignalPosition, 'to'> & Partial<SignalPosition>,
  at = unixNow(),
): Rumor {
  return rumorOf(
    signalTemplate(body, { call: undefined, seq: 1, prev: undefined, ack: NOTHING, ...place }, at),
    keys.pubkey,
  )
}

/** A stranger's request, which rings for 15 minutes. @param to whom it calls */
export function requestRumor(keys: Keys, to: string, topic: string, name = ''): Rumor {
  return signalRumor(keys, { type: 'request', text: topic, deadline: unixNow() + 900, name, relays: [] }, { to })
}

/** A direct message, outside of calls. */
export function letterRumor(keys: Keys, to: string, text: string): Rumor {
  return rumorOf({ kind: 14, created_at: unixNow(), tags: [['p', to]], content: text }, keys.pubkey)
}

/**
 * `now`: before which it is dated. `sealKey`: with which the seal is encrypted, the identities' unless it is said. Strangers take turns
 * with a few one-time keys: what a flood costs here is the making of keys, and nothing that is read of a wrap depends on whether its key
 * has made another.
 */
export function giftWrapOf(
  rumor: Rumor,
  keys: Keys,
  to: string,
  { now = unixNow(), sealKey = must(cachedConversationKey(keys, to)) }: { now?: number; sealKey?: Uint8Array } = {},
): Event {
  const stamp = () => now - randomInt(TWO_DAYS)
  const once = strangerKeys(`one-time key ${wraps++ % ONE_TIME_KEYS}`)
  const inner = { kind: 13, created_at: stamp(), tags: [], content: encrypt(JSON.stringify(rumor), sealKey) }
  const content = encrypt(JSON.stringify(finalizeQuickly(inner, keys)), must(cachedConversationKey(once, to)))
  return finalizeQuickly({ kind: 1059, created_at: stamp(), tags: [['p', to]], content }, once)
}

const ONE_TIME_KEYS = 8
const TWO_DAYS = 2 * 24 * 3600
let wraps = 0

/** A presence in whatever words, found by the name in them. */
export function presenceEvent(keys: Keys, tags: string[][], content = ''): Event {
  const head = [
    ['d', 'p2p-comm'],
    ['t', 'p2p-agent'],
    ...tags.flatMap(([tag, name = '']) => (tag === 'name' ? [['n', name.toLowerCase()]] : [])),
  ]
  const tail = [['expiration', String(unixNow() + 300)]]
  return finalizeQuickly({ kind: 30315, created_at: unixNow(), tags: [...head, ...tags, ...tail], content }, keys)
}

/** Puts events on a relay, many at a time. Throws where it refuses one. */
export async function publishAll(url: string, events: readonly Event[]): Promise<void> {
  const client = await openNostrClient(url)
  try {
    for (let at = 0; at < events.length; at += 200) {
      const some = events.slice(at, at + 200)
      for (const event of some) client.send('EVENT', event)
      for (const { id } of some) {
        const [, , accepted, reason] = await client.next('OK', id)
        if (accepted !== true) throw new Error(`the relay refused ${id}: ${String(reason)}`)
      }
    }
  } finally {
    client.socket.close()
  }
}
