// A call between alice and bob whose call keys are known, for the tests of what is sealed with them.
import { type CallBinding, type CallKey, deriveCallKey } from '../../src/nostr/call-key.ts'
import { type Keys, keysFrom, sha256, toHex } from '../../src/nostr/crypto.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import type { CallKeyring } from '../../src/nostr/nip59-unwrap.ts'
import { must } from './must.ts'
import { alice, bob, now } from './people.ts'

export type CallPair = { binding: CallBinding; caller: CallKey; callee: CallKey; eks: { caller: Keys; callee: Keys } }

/** `name` makes the call another one. */
export function callPair(name = 'a call', callerKeys = alice, calleeKeys = bob): CallPair {
  const eks = { caller: fixedKeys(`${name} caller`), callee: fixedKeys(`${name} callee`) }
  const [caller, callee] = [callerKeys.pubkey, calleeKeys.pubkey]
  const binding = {
    ...{ call: toHex(sha256(Buffer.from(name))), caller, callee },
    ...{ callerEk: eks.caller.pubkey, calleeEk: eks.callee.pubkey },
  }
  return {
    binding,
    eks,
    caller: must(deriveCallKey(eks.caller, binding, caller)),
    callee: must(deriveCallKey(eks.callee, binding, callee)),
  }
}

/** A message of a call by alice, or by somebody else. */
export function messageIn({ call }: CallBinding, content = 'hello', author: Keys = alice, to: Keys = bob): Rumor {
  const tags = [
    ['p', to.pubkey],
    ['call-id', call],
    ['seq', '2'],
  ]
  return rumorOf({ kind: 14, created_at: now, tags, content }, author.pubkey)
}

/** A keyring that has these keys, and counts what it is asked for. */
export function keyringOf(keys: readonly CallKey[], keeps = false): CallKeyring & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    authors: keys.map(({ peer }) => peer),
    callsFor: (author) => ({ calls: keys.filter(({ peer }) => peer === author).map(({ call }) => call), left: 0 }),
    keyOf(call) {
      asked.push(call)
      return keys.find((key) => key.call === call)
    },
    keeps: () => keeps,
  }
}

/** The same keys for the same name, in every run. */
export function fixedKeys(name: string): Keys {
  return must(keysFrom(sha256(Buffer.from(name))))
}
