// What waits for this agent, as facts that its program has verified: ids, types, trust. Nothing that a peer wrote, no name and no topic,
// can get into it, so it may be put where an agent reads its owner's words.
import { type Agent, type AgentDirectory, agentOf } from '../call/agents.ts'
import { countsAsUnread } from '../call/inbox-items.ts'
import { callsOf, type State } from '../state/state.ts'
import { unreadItems } from './outcome.ts'

/** `type`: that of an item of `new[]`, or `ringing`. `call`: "" for a letter. */
export type WaitingThing = { type: string; id: string; call: string; npub: string; trust: Agent['trust'] }

/** Incoming calls that ring, then what is unread, in the order of `unreadItems`. @param now unix seconds */
export function waitingThings(state: State, people: AgentDirectory, now: number): WaitingThing[] {
  const calls = callsOf(state, state.index.agent, now)
  const rings = calls.flatMap(({ id, phase, role, peer, deadline, held }): WaitingThing[] => {
    // At glare ours rings, and theirs does not.
    if (phase !== 'ringing' || held || role !== 'callee' || now > deadline) return []
    const { npub, trust } = agentOf(people, peer)
    return [{ type: 'ringing', id, call: id, npub, trust }]
  })
  const unread = unreadItems(state, calls, people, now)
    .filter(countsAsUnread)
    .map(({ type, id, call, from }): WaitingThing => ({ type, id, call, npub: from.npub, trust: from.trust }))
  return [...rings, ...unread]
}
