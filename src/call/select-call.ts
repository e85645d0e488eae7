// Which call a command means: the one that fits, the one that was named, or a refusal with the candidates.
import { Failure } from '../errors.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { type AgentDirectory, shortNpub } from './agents.ts'
import type { Call } from './replay.ts'
import { type SelectorDirectory, select } from './selector.ts'

/** The calls that a selector means: that call, or all with that agent; without a selector all of them. Or why it means none. */
export function callsMatching(
  calls: readonly Call[],
  selector: string | undefined,
  directory: SelectorDirectory,
): Call[] | Failure {
  if (selector === undefined) return [...calls]
  const meant = select(selector, directory)
  if (meant instanceof Failure) return asCall(meant)
  if (meant.type === 'call') return calls.filter((c) => c.id === meant.id)
  return meant.type === 'agent' ? calls.filter((c) => c.peer === meant.pubkey) : []
}

/** Where a call is wanted, what names no agent is no call. */
export function asCall(failure: Failure): Failure {
  if (failure.code !== 'BAD_AGENT') return failure
  return new Failure('NO_SUCH_CALL', `no call fits: ${failure.message}`, failure.hint)
}

/** The one call among the candidates, or why there is none. `none` says what to do when there is no candidate. */
export function onlyCall(candidates: readonly Call[], people: AgentDirectory, none: () => Failure): Call | Failure {
  const [call, second] = candidates
  if (call === undefined) return none()
  if (second === undefined) return call
  const list = candidates.map((c) => `${c.id.slice(0, 8)} (with ${peerLabel(c, people)})`).join(', ')
  return new Failure(
    'SEVERAL_CALLS',
    `${candidates.length} calls fit: ${list}`,
    `add --call ${call.id.slice(0, 8)} to say which one`,
  )
}

/** A peer in one of our own sentences: a petname of ours, or its key. Never the name that it gives itself. */
export function peerLabel(call: Call, people: AgentDirectory): string {
  const contact = people.contacts.find((c) => c.pubkey === call.peer)
  return contact?.petname ?? shortNpub(npubEncode(call.peer))
}
