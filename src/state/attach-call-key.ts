// Requests and accepts get the public key of a pair that is made for their call alone. The store writes the secret before either goes out.
import type { IntendedSignal } from '../call/decision.ts'
import { signalOf } from '../call/log.ts'
import type { Body } from '../call/signal.ts'
import { ekFault } from '../nostr/call-key.ts'
import type { Keys } from '../nostr/crypto.ts'
import type { State } from './state.ts'

/** `make`: makes a pair; `read`: reads a call's pair, undefined where it has no sound one. Both may throw what reading a secret throws. */
export type CallKeySource = { make: () => Keys; read: (call: string) => Keys | undefined }

/** What is to be said, and the pair whose public key it carries, if it carries one. */
export type SignalWithKey = { intended: IntendedSignal; keys?: Keys }

/**
 * Adds a fresh call key to a request or an accept; any other signal stays as it is.
 * @param author our own key, and the date of what is said, unix seconds
 */
export function attachCallKey(
  state: State,
  intended: IntendedSignal,
  { me, stamp }: { me: string; stamp: number },
  source: CallKeySource,
): SignalWithKey {
  const { body, call } = intended
  if (body.type === 'request')
    return withKeys({ ...intended, body }, keysOfTwin(state, intended, { me, stamp }, source) ?? source.make())
  if (body.type !== 'accept' || call === undefined) return { intended }
  const log = state.logs[call]
  const request = log && signalOf(log, call)
  if (request?.body.type !== 'request') return { intended }
  // A key where the other side has none would be a file that opens nothing.
  if (ekFault(request.body.ek ?? [], [request.from, request.to]) !== undefined) return { intended }
  // The key of a run that was killed before it wrote the call's file: that run has said nothing, so its key is as good as a new one.
  return withKeys({ ...intended, body }, source.read(call) ?? source.make())
}

function withKeys(intended: IntendedSignal, keys: Keys): SignalWithKey {
  const { body } = intended
  if (body.type !== 'request' && body.type !== 'accept') return { intended }
  return { intended: { ...intended, body: { ...body, ek: [keys.pubkey] } }, keys }
}

/** The keys of the same request, said within the same second: the two are one call, which with two keys they would not be. */
function keysOfTwin(
  state: State,
  { to, body }: IntendedSignal,
  { me, stamp }: { me: string; stamp: number },
  { read }: CallKeySource,
): Keys | undefined {
  for (const log of Object.values(state.logs)) {
    const said = signalOf(log, log.id)
    if (said?.from !== me || said.to !== to || said.at !== stamp || !isSameRequest(said.body, body)) continue
    const keys = read(log.id)
    if (keys !== undefined) return keys
  }
  return undefined
}

// The attack: a relay that our dates follow makes two requests with different names or relays bear the same date. With one key for both
// calls, only the later call would have it.
function isSameRequest(said: Body, wanted: Body): boolean {
  if (said.type !== 'request' || wanted.type !== 'request') return false
  const factsOf = ({ text, deadline, name, relays }: typeof wanted) => JSON.stringify([text, deadline, name, relays])
  return factsOf(said) === factsOf(wanted)
}
