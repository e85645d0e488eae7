// The key of a call, of which it matters who can have it and not what it is: derived for real where envelopes are sealed, and else in one
// call of eight; in the others from the binding alone, for whoever holds the secret that the binding names.
import { type CallBinding, type CallKey, callSalt, deriveCallKey } from '../../src/nostr/call-key.ts'
import { type Keys, sha256 } from '../../src/nostr/crypto.ts'

/** As `deriveCallKey`, with the same refusals. Both sides of a call agree, whichever way it is derived. `isSealed`: in earnest. */
export function simCallKey(own: Keys, binding: CallBinding, me: string, isSealed = false): CallKey | undefined {
  const { call, caller, callee, callerEk, calleeEk } = binding
  if (isSealed || call < '2') return deriveCallKey(own, binding, me)
  const salt = callSalt(binding)
  if (salt === undefined || new Set([caller, callee, callerEk, calleeEk]).size < 4) return undefined
  if (own.pubkey !== (me === caller ? callerEk : me === callee ? calleeEk : undefined)) return undefined
  return { call, peer: me === caller ? callee : caller, key: sha256(salt) }
}
