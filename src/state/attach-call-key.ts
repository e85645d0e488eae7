// Requests and accepts get the public key of a pair that is made for their call alone; the secret is for the store to write before
// either goes out.
import type { IntendedSignal } from '../call/decision.ts'
import { signalOf } from '../call/log.ts'
import type { Body } from '../call/signal.ts'
import { ekFault } from '../nostr/call-key.ts'
import type { Keys } from '../nostr/crypto.ts'
import type { State } from './state.ts'

/** `make`: a new pair; `read`: the one that a call has, undefined without a sound one. They may throw what reading a secret can throw. */
export type CallKeySource = { make: () => Keys; read: (call: string) => Keys | undefined }

/** What is to be said, and the pair whose public key it carries; without one where it carries none. */
export type SignalWithKey = { intended: IntendedSignal; keys?: Keys }

/**
 * Adds a fresh call key to a request or an accept; any other signal stays as it is.
 * @param author `stamp`: what it is dated with, unix seconds
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
  // A run that was killed before its call file has said nothing yet, and its key is as good as a new one.
  return withKeys({ ...intended, body }, source.read(call) ?? source.make())
}

function withKeys(intended: IntendedSignal, keys: Keys): SignalWithKey {
  const { body } = intended
  if (body.type !== 'request' && body.type !== 'accept') return { intended }
  return { intended: { ...intended, body: { ...body, ek: [keys.pubkey] } }, keys }
}

/**
 * "Two identical requests within one second are one call": with a key of its own the second one would be another.
 */
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

// The attack: a relay whose clock ours follows has two requests of different names or relays dated alike, and one key lies in two calls, of
// which the later one keeps it.
function isSameRequest(said: Body, wanted: Body): boolean {
  if (said.type !== 'request' || wanted.type !== 'request') return false
  const factsOf = ({ text, deadline, name, relays }: typeof wanted) => JSON.stringify([text, deadline, name, relays])
  return factsOf(said) === factsOf(wanted)
}
