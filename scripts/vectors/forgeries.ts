// Rumors and wraps that must be dropped, each with the reason.
import { type Keys, keysFrom } from '../../src/nostr/crypto.ts'
import { finalize, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { conversationKey, encrypt } from '../../src/nostr/nip44.ts'
import { agents, type aWholeCall, NOW } from './call.ts'

export type Forgery = { why: string; rumor?: Rumor; wrap?: unknown }

/** Rumors and wraps that a program must drop, each with why. */
export function forgeries({ said }: ReturnType<typeof aWholeCall>): Forgery[] {
  const message = said.find((s) => s.op === 'message')?.rumor
  const request = said[0]?.rumor
  if (message === undefined || request === undefined) throw new Error('the call lacks a message')
  return [...malformed(message, request), ...forged(message)]
}

// Each differs from a good rumor in one tag.
function malformed(message: Rumor, request: Rumor): Forgery[] {
  const replaced = (rumor: Rumor, name: string, ...values: string[]) =>
    again(
      rumor,
      rumor.tags.map((t) => (t[0] === name ? [name, ...values] : t)),
    )
  const without = (rumor: Rumor, name: string) =>
    again(
      rumor,
      rumor.tags.filter((t) => t[0] !== name),
    )
  return [
    { why: 'seq is no plain decimal', rumor: replaced(message, 'seq', '1e1') },
    { why: 'seq has a leading zero', rumor: replaced(message, 'seq', '02') },
    { why: 'seq is over 1,000,000', rumor: replaced(message, 'seq', '1000001') },
    { why: 'prev is missing', rumor: without(message, 'prev') },
    { why: 'prev is no id', rumor: replaced(message, 'prev', 'f'.repeat(63)) },
    { why: 'ack is missing', rumor: without(message, 'ack') },
    { why: 'ack is negative', rumor: replaced(message, 'ack', '-1', 'f'.repeat(64)) },
    { why: 'ack has a number and no id', rumor: replaced(message, 'ack', '1') },
    { why: 'the call id is no id', rumor: replaced(message, 'call-id', '../../etc') },
    { why: 'it is for a room of two', rumor: again(message, [...message.tags, ['p', agents.caller.pubkey]]) },
    { why: 'a request does not begin with seq 1', rumor: replaced(request, 'seq', '2') },
    { why: 'a request has no deadline', rumor: without(request, 'expiration') },
    { why: 'an unknown operation', rumor: replaced(request, 'op', 'transfer-money') },
  ]
}

/** Wraps whose seal does not prove what the rumor says. */
function forged(message: Rumor): Forgery[] {
  const { caller, callee } = agents
  const [mallory, once] = [keysOf(7), keysOf(9)]
  const inName = rumorOf({ ...message }, caller.pubkey)
  return [
    {
      why: "the rumor's author is not the seal's",
      wrap: wrapped(JSON.stringify(inName), mallory, once, callee.pubkey),
    },
    {
      why: "the rumor's id is not its hash",
      wrap: wrapped(JSON.stringify({ ...inName, content: 'something else' }), caller, once, callee.pubkey),
    },
    {
      why: 'the seal is for somebody else',
      wrap: wrapped(JSON.stringify(inName), caller, once, caller.pubkey, callee.pubkey),
    },
  ]
}

function again(rumor: Rumor, tags: string[][]): Rumor {
  return rumorOf({ kind: rumor.kind, created_at: rumor.created_at, tags, content: rumor.content }, rumor.pubkey)
}

function wrapped(json: string, author: Keys, once: Keys, to: string, addressed = to) {
  const fixed = (length: number) => new Uint8Array(length).fill(3)
  const encrypted = (text: string, keys: Keys) => {
    const key = conversationKey(keys.secret, to)
    if (key === undefined) throw new Error('no such key')
    return encrypt(text, key, fixed(32))
  }
  const sealed = finalize({ kind: 13, created_at: NOW, tags: [], content: encrypted(json, author) }, author, fixed)
  return finalize(
    { kind: 1059, created_at: NOW, tags: [['p', addressed]], content: encrypted(JSON.stringify(sealed), once) },
    once,
    fixed,
  )
}

function keysOf(byte: number): Keys {
  const keys = keysFrom(new Uint8Array(32).fill(byte))
  if (keys === undefined) throw new Error('no key')
  return keys
}
