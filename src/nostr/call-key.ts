// The keys of one call: a pair that each side makes for it alone (`ek`), which values of a peer's are such a key, and the NIP-44
// conversation key that both sides derive from the two pairs. docs/PROTOCOL.md, "Calls that stay secret".
import {
  fromHex,
  hkdfExtract,
  isHex32,
  isPubkey,
  type Keys,
  type RandomBytes,
  randomBytes,
  randomKeys,
  sharedX,
} from './crypto.ts'
import { type Rumor, tags } from './event.ts'

/** What the salt begins with; sixteen bytes of ASCII. */
export const CALL_KEY_LABEL = 'p2p-comm call v2'

/** A call whose request and accept are both here: its id, its two sides, and the values of all `ek` tags that each has sent. */
export type CallIntroductions = {
  call: string
  caller: string
  callee: string
  requestEks: readonly string[]
  acceptEks: readonly string[]
}

/** What a call's conversation key is bound to, 64 lowercase hex digits each. */
export type CallBinding = { call: string; caller: string; callee: string; callerEk: string; calleeEk: string }

/** Why a side has no call key. `missing`: it sent none, as older programs do; `late`: not with its first word. */
export type EkFault = 'missing' | 'several' | 'malformed' | 'off-curve' | 'identity' | 'copied' | 'late'

/** Both sides have a call key, or why one has none, by side. */
export type BoundCall =
  | { sealedWith: 'call'; binding: CallBinding }
  | { sealedWith: 'identity'; faults: { caller?: EkFault; callee?: EkFault } }

/** The key pair of one call: `pubkey` is its `ek`. Throws as `randomKeys` does, which by chance happens once in 2^128. */
export function makeCallKeys(random: RandomBytes = randomBytes): Keys {
  return randomKeys(random)
}

/**
 * Whether both sides of a call have a call key. It looks at nothing that only one side knows, so both come to the same answer: with a
 * key that only one side took, neither could read the other.
 */
export function bindCall({ call, caller, callee, requestEks, acceptEks }: CallIntroductions): BoundCall {
  const identities = [caller, callee]
  const callerFault = ekFault(requestEks, identities)
  const callerEk = requestEks[0] ?? ''
  // The attack: whoever accepts sends our own call key back. The accept is the later of the two, so it is the copy.
  const calleeFault = ekFault(acceptEks, identities) ?? (acceptEks[0] === callerEk ? 'copied' : undefined)
  if (callerFault === undefined && calleeFault === undefined)
    return { sealedWith: 'call', binding: { call, caller, callee, callerEk, calleeEk: acceptEks[0] ?? '' } }
  return {
    sealedWith: 'identity',
    faults: { ...(callerFault && { caller: callerFault }), ...(calleeFault && { callee: calleeFault }) },
  }
}

/**
 * Why the values of a rumor's `ek` tags are no call key; undefined when they are one: a single value, the x coordinate of a point on the
 * curve, and neither side's identity. Source: docs/PROTOCOL.md, "Calls that stay secret".
 * @param identities the public keys of both sides
 */
export function ekFault(eks: readonly string[], identities: readonly string[]): EkFault | undefined {
  const [ek] = eks
  if (ek === undefined) return 'missing'
  if (eks.length > 1) return 'several'
  // Only one spelling is taken: the salt, the ids of the rumors and the comparisons below are over the same bytes on both sides.
  if (!isHex32(ek)) return 'malformed'
  // The attack: with an identity as its key a call says that it is secret, and is no more secret than that identity.
  if (identities.includes(ek)) return 'identity'
  return isPubkey(ek) ? undefined : 'off-curve'
}

/**
 * The key that everything of a call is sealed with between its two sides, once both have sent an `ek`: a NIP-44 conversation key of
 * 32 bytes. It stays in memory, and goes nowhere else.
 */
export type CallKey = { readonly call: string; readonly peer: string; readonly key: Uint8Array }

/**
 * The key of a call as one side of it derives it; the bytes are the same from either side. Undefined where `own` is not the call key
 * that `me` has sent, and for a binding that `bindCall` does not give.
 */
export function deriveCallKey(own: Keys, binding: CallBinding, me: string): CallKey | undefined {
  const { call, caller, callee, callerEk, calleeEk } = binding
  const salt = callSalt(binding)
  if (salt === undefined || new Set([caller, callee, callerEk, calleeEk]).size < 4) return undefined
  if (own.pubkey !== (me === caller ? callerEk : me === callee ? calleeEk : undefined)) return undefined
  const shared = sharedX(own.secret, me === caller ? calleeEk : callerEk)
  if (shared === undefined) return undefined
  return { call, peer: me === caller ? callee : caller, key: hkdfExtract(salt, shared) }
}

/**
 * The salt that binds the key to its call, its sides and both call keys: the label and 32 bytes of each, 176 in all; undefined unless
 * each of them is 64 lowercase hex digits.
 */
export function callSalt({ call, caller, callee, callerEk, calleeEk }: CallBinding): Uint8Array | undefined {
  const parts = [call, caller, callee, callerEk, calleeEk]
  if (!parts.every(isHex32)) return undefined
  return Buffer.concat([
    Buffer.from(CALL_KEY_LABEL, 'ascii'),
    ...parts.map((part) => fromHex(part) ?? new Uint8Array(0)),
  ])
}

/** Whether a rumor names the call of a key, and no other, in its `call-id`. Whether it is a sound signal is for call/ to judge. */
export function isOfCall(rumor: Pick<Rumor, 'tags'>, { call }: CallKey): boolean {
  const named = tags(rumor, 'call-id')
  return named.length === 1 && named[0]?.[1] === call
}
