// Which call a command means: the one that fits, the one that was named, or a refusal with the candidates.
import { EXIT, Failure } from '../errors.ts'
import { foldName } from '../input-text.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { type AgentDirectory, agentOf, shortNpub } from './agents.ts'
import type { Call } from './replay.ts'

/**
 * The calls that a selector names: the id or at least 6 characters of it, or its peer (npub, hex, petname, name).
 * Without a selector all of them.
 */
export function callsMatching(calls: readonly Call[], selector: string | undefined, people: AgentDirectory): Call[] {
  if (selector === undefined) return [...calls]
  const word = foldName(selector)
  const byId = /^[0-9a-f]{6,64}$/.test(word) ? calls.filter((c) => c.id.startsWith(word)) : []
  if (byId.length > 0) return byId
  return calls.filter((c) => {
    const peer = agentOf(people, c.peer, c.peerName)
    return [peer.npub, peer.pubkey, foldName(peer.name)].includes(word)
  })
}

/** The one call among the candidates, or why there is none. `none` says what to do when there is no candidate. */
export function onlyCall(candidates: readonly Call[], people: AgentDirectory, none: () => Failure): Call | Failure {
  const [call, second] = candidates
  if (call === undefined) return none()
  if (second === undefined) return call
  const list = candidates.map((c) => `${c.id.slice(0, 8)} (with ${peerLabel(c, people)})`).join(', ')
  return new Failure(
    'SEVERAL_CALLS',
    EXIT.impossible,
    `${candidates.length} calls fit: ${list}`,
    `add --call ${call.id.slice(0, 8)} to say which one`,
  )
}

/** A peer in one of our own sentences: a petname of ours, or its key. Never the name that it gives itself. */
export function peerLabel(call: Call, people: AgentDirectory): string {
  const contact = people.contacts.find((c) => c.pubkey === call.peer)
  return contact?.petname ?? shortNpub(npubEncode(call.peer))
}
