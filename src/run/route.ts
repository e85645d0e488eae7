// Which relays carry a wrap to a peer: its own list, else what it told us, else a guess. And which relays are not contacted yet.

import { type AgentDirectory, trustOf } from '../call/agents.ts'
import type { Call } from '../call/replay.ts'
import { usable } from '../nostr/relay-url.ts'
import { leakySince } from '../state/canaries.ts'
import type { RelayMemory } from '../state/kept-relay.ts'
import { doubtedRelays, relayScore } from '../state/peer-record.ts'
import { hasPassed } from '../state/retry.ts'
import type { CallSummary, Index, State } from '../state/state.ts'
import type { RunContext } from './context.ts'

/**
 * `by`: how the relays are known: its kind 10050, its word in a call, a hint (its presence, an nprofile, its domain), the read relays of
 * its kind 10002, or our own. The last two are guesses, and the user is told. `fallback`: where a wrap goes when none of `relays` takes
 * it: other relays that the peer has named, and our own. `doubted`: those of `relays` whose OK has not meant that a wrap arrives. `pow`:
 * the bits of work that the peer asks of strangers.
 */
export type Route = {
  relays: string[]
  fallback?: string[]
  doubted?: string[]
  by: 'list' | 'call' | 'hint' | 'reads' | 'own'
  pow: number
}

/** The parts of a context that decide about relays. Without `people` everybody is a stranger. */
export type RouteContext = {
  environment: Pick<RunContext['environment'], 'relays'> & {
    config: { relays: { allowPrivate: boolean }; policy?: { calls: 'anyone' | 'contacts' | 'nobody' } }
  }
  people?: AgentDirectory
  now?: number
}

/** How many relays of one list get a wrap at once, and how many are tried in all. */
const AT_ONCE = 3
const TRIED = 6

/** Seconds for which a relay that could not be reached comes after the others; after that it may be back. */
const LOST_FOR = 3600

/** The route to a peer. Its kind 10050 list comes before everything else (NIP-17), our own relays come last. */
export function routeTo(context: RouteContext, state: State, calls: readonly Call[], peer: string): Route {
  const { environment, now = 0 } = context
  const { allowPrivate } = environment.config.relays
  const own = ownRelays(environment)
  const { index } = state
  const memory = index.peers[peer]
  const pow = memory?.pow ?? 0
  const namedInCall = calls.findLast((c) => c.peer === peer && c.peerRelays.length > 0)?.peerRelays
  const sources = { list: memory?.inbox, call: namedInCall, hint: memory?.hints, reads: memory?.reads }
  const met = !isUnansweredStranger(context, index, peer)
  for (const by of ['list', 'call', 'hint', 'reads'] as const) {
    const named = usable(sources[by] ?? [], own, allowPrivate, TRIED)
    if (named.length === 0) continue
    // The attack: strangers ring and name relays of theirs, which would learn from where we read.
    if (!met) return { relays: named.filter((url) => own.includes(url)), by, pow }
    // The better a relay has served this peer, the sooner it is told: AT_ONCE of them get it.
    const score = (url: string) => (leakySince(index.relays[url]) === undefined ? relayScore(memory, url) : 0)
    named.sort((a, b) => score(b) - score(a))
    const isFine = (url: string) => !isTroubled(index.relays[url], now)
    const all = [...named.filter(isFine), ...named.filter((url) => !isFine(url))]
    const relays = all.slice(0, AT_ONCE)
    const rest = all.slice(AT_ONCE)
    // Where the peer has named no others, and these could be reached lately, it may have moved: it is looked up again before our own
    // relays are tried.
    const ours = rest.length > 0 || !named.some(isFine) ? environment.relays.inbox : []
    const fallback = [...new Set([...rest, ...ours])].filter((url) => !relays.includes(url))
    const doubted = doubtedRelays(relays, score)
    return { relays, ...(fallback.length > 0 && { fallback }), ...(doubted.length > 0 && { doubted }), by, pow }
  }
  return { relays: [...environment.relays.inbox], by: 'own', pow }
}

/** All relays that we have chosen ourselves. */
export function ownRelays({ relays }: Pick<RunContext['environment'], 'relays'>): string[] {
  return [...new Set([...relays.inbox, ...relays.presence, ...relays.lookup])]
}

/**
 * Whether a peer is a stranger whose calls nobody here has answered: then no relay is contacted that only it has named. A rejection that
 * the policy made by itself is no answer.
 */
export function isUnansweredStranger(
  { environment, people }: RouteContext,
  { calls, outgoingLetters }: Index,
  peer: string,
): boolean {
  if (people !== undefined && trustOf(people, peer) !== 'unknown') return false
  const held = Object.values(calls).filter((call) => call.peer === peer)
  if (held.length === 0 || Object.values(outgoingLetters).some(({ to }) => to === peer)) return false
  const isWelcome = (environment.config.policy?.calls ?? 'anyone') === 'anyone'
  return held.every(
    (call) => call.direction === 'incoming' && (hasSaidNothing(call) || (call.phase === 'rejected' && !isWelcome)),
  )
}

function hasSaidNothing({ own }: CallSummary): boolean {
  return own.queued + own.relayed + own.delivered + own.read === 0
}

function isTroubled(memory: RelayMemory | undefined, now: number): boolean {
  const { unreachableSince, backoff } = memory ?? {}
  return (
    (unreachableSince !== undefined && !hasPassed(unreachableSince, LOST_FOR, now)) ||
    (backoff !== undefined && backoff.until > now)
  )
}
