// Which relays carry a letter to a peer: its own list, else what it told us, else a guess.
import type { Call } from '../call/replay.ts'
import { usable } from '../nostr/relay-url.ts'
import type { State } from '../state/state.ts'
import type { RunContext } from './context.ts'

/**
 * `by`: its kind 10050, its word in a call, a hint (its presence, an nprofile, its domain), the read relays of its kind
 * 10002, or our own. The last two are guesses, of which the user is told. `pow`: the bits of work that it asks of strangers.
 */
export type Route = { relays: string[]; by: 'list' | 'call' | 'hint' | 'reads' | 'own'; pow: number }

/** What of a context decides about relays. */
export type RouteContext = {
  environment: Pick<RunContext['environment'], 'relays'> & { config: { relays: { allowPrivate: boolean } } }
}

/** NIP-17: a kind 10050 list goes before everything else; our own relays come last. */
export function routeTo({ environment }: RouteContext, state: State, calls: readonly Call[], peer: string): Route {
  const memory = state.index.peers[peer]
  const pow = memory?.pow ?? 0
  const told = calls.findLast((c) => c.peer === peer && c.peerRelays.length > 0)?.peerRelays
  const sources = { list: memory?.inbox, call: told, hint: memory?.hints, reads: memory?.reads }
  for (const by of ['list', 'call', 'hint', 'reads'] as const) {
    const relays = usable(sources[by] ?? [], ownRelays(environment), environment.config.relays.allowPrivate)
    if (relays.length > 0) return { relays, by, pow }
  }
  return { relays: [...environment.relays.inbox], by: 'own', pow }
}

/** All relays that we have chosen ourselves. */
export function ownRelays({ relays }: Pick<RunContext['environment'], 'relays'>): string[] {
  return [...new Set([...relays.inbox, ...relays.presence, ...relays.lookup])]
}
