// Values that are no call keys, downgrades, and forged wraps of calls, each with what must become of it.
import { isDowngraded, type SealedSignal } from '../../src/call/secrecy.ts'
import { ekFault } from '../../src/nostr/call-key.ts'
import { type Keys, toHex } from '../../src/nostr/crypto.ts'
import { type Event, finalize, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { conversationKey, encrypt } from '../../src/nostr/nip44.ts'
import { agents, NOW } from './call.ts'
import { keysOf, seededBytes } from './seeded-bytes.ts'

const { caller, callee } = agents

/** The values of all `ek` tags of one rumor, and what is wrong with them; null where nothing is. */
export function ekCases(good: string, another: string) {
  const identities = [caller.pubkey, callee.pubkey]
  const cases: [string, string[]][] = [
    ['a call key', [good]],
    ['no tag', []],
    ['the same tag twice', [good, good]],
    ['two keys', [good, another]],
    ['upper case', [good.toUpperCase()]],
    ['a compressed point', [`02${good}`]],
    ['an empty tag', ['']],
    ['an x that is not on the curve', ['f'.repeat(64)]],
    ['zero', ['0'.repeat(64)]],
    ["the caller's identity", [caller.pubkey]],
    ["the callee's identity", [callee.pubkey]],
  ]
  return [
    ...cases.map(([what, values]) => ({ what, values, fault: ekFault(values, identities) ?? null })),
    { what: "the caller's own call key, in the accept", values: [good], fault: 'copied' },
  ]
}

/** Signals under the identities' key in a call with keys, and which of them are dropped. `accepted`: when it was accepted, unix seconds. */
export function downgrades(accepted: number) {
  const signals: SealedSignal[] = [
    { type: 'message', by: 'caller', seq: 3, ack: 1, at: accepted + 5 },
    { type: 'message', by: 'callee', seq: 3, ack: 1, at: accepted + 5 },
    { type: 'end', by: 'caller', seq: 2, ack: 0, at: accepted + 5 },
    { type: 'end', by: 'caller', seq: 3, ack: 0, at: accepted + 5 },
    { type: 'end', by: 'caller', seq: 2, ack: 1, at: accepted + 5 },
    { type: 'end', by: 'callee', seq: 3, ack: 0, at: accepted + 5 },
    { type: 'receipt', by: 'caller', seq: 0, ack: 0, at: accepted + 5 },
    { type: 'receipt', by: 'caller', seq: 0, ack: 1, at: accepted + 5 },
    { type: 'receipt', by: 'callee', seq: 0, ack: 1, at: accepted - 5 },
    { type: 'receipt', by: 'callee', seq: 0, ack: 1, at: accepted + 5 },
    { type: 'receipt', by: 'callee', seq: 0, ack: 2, at: accepted - 5 },
    { type: 'receipt', by: 'callee', seq: 0, ack: 2, at: accepted + 5, answers: 'lost' },
    { type: 'receipt', by: 'caller', seq: 0, ack: 2, at: accepted + 5, answers: 'fork' },
    { type: 'reject', by: 'callee', seq: 1, ack: 1, at: accepted + 5 },
  ]
  return { accepted, signals: signals.map((signal) => ({ ...signal, dropped: isDowngraded(signal, accepted) })) }
}

/** `ours`, `theirs`: the conversation key of the call, as either side has it; `other`: that of another call of the same two. */
type Said = { message: Rumor; reply: Rumor; ours: Uint8Array; theirs: Uint8Array; other: Uint8Array }

/** Wraps that a program must not take: why, and what they count as. */
export function foreignWraps({ message, reply, ours, theirs, other }: Said) {
  const mallory = keysOf('p2p-comm mallory')
  const inHerName = rumorOf({ ...message }, mallory.pubkey)
  const between = must(conversationKey(caller.secret, callee.pubkey))
  return [
    {
      why: "sealed with the identities' key after both have sent `ek`",
      ...{ becomes: 'downgraded', wrap: forged(message, caller, between) },
    },
    {
      why: 'sealed with the key of another call of the two',
      ...{ becomes: 'misplaced', wrap: forged(message, caller, other) },
    },
    {
      why: "sealed with the call's key by somebody else",
      ...{ becomes: 'undecryptable', wrap: forged(inHerName, mallory, ours) },
    },
    { why: "the callee's own words, sent back", becomes: 'undecryptable', wrap: forged(reply, callee, theirs) },
  ]
}

function forged(rumor: Rumor, author: Keys, key: Uint8Array): Event {
  const [random, once] = [seededBytes(`forged ${rumor.id} ${toHex(key)}`), keysOf('p2p-comm once')]
  const content = encrypt(JSON.stringify(rumor), key, random(32))
  const sealed = finalize({ kind: 13, created_at: NOW, tags: [], content }, author, random)
  const outer = must(conversationKey(once.secret, callee.pubkey))
  const tags = [['p', callee.pubkey]]
  const inner = encrypt(JSON.stringify(sealed), outer, random(32))
  return finalize({ kind: 1059, created_at: NOW, tags, content: inner }, once, random)
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a vector is missing')
  return value
}
