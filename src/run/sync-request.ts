// What a command wants to know beside its mailbox, and what was found out about peers.
import { type Presence, readPresences } from '../call/presence.ts'
import type { NamedKey } from '../call/selector.ts'
import type { Index } from '../state/state.ts'
import type { RunContext } from './context.ts'
import type { PresenceRequest } from './discovery.ts'
import type { Needs } from './needs.ts'
import { peersLookedUp } from './peer-lookup.ts'
import { agentNamed, type ResolvedAgent, resolveAgent } from './resolve-agent.ts'
import type { SyncRequest } from './sync.ts'
import type { SyncResult } from './sync-result.ts'

/** Most peers whose lists one run looks up. */
const MAX_PEERS_LOOKED_UP = 20

/** Whom `call` or `send --to` means, as far as can be told without asking a relay. Throws what `resolveAgent` throws. */
export async function resolveCallee(
  { lookups }: Needs,
  index: Index,
  context: RunContext,
): Promise<ResolvedAgent | undefined> {
  if (typeof lookups !== 'object' || !('agent' in lookups)) return undefined
  // The relays are dialed while a domain is asked.
  void context.environment.pool.warm(context.environment.relays.inbox)
  return await resolveAgent(lookups.agent, context, index)
}

/** What a command wants to hear: whose relay lists and presences, who is on line, and whether the mailbox stays open. */
export function syncRequestFor(
  { lookups, deep, waits, announces }: Needs,
  index: Index,
  wanted: ResolvedAgent | undefined,
  owner: string | undefined,
): SyncRequest {
  const open = Object.values(index.calls).flatMap((call) => (call.open ? [call.peer] : []))
  // Looked up together with the mailbox, so that a letter costs no second round trip.
  const written = Object.values(index.outgoingLetters).map((letter) => letter.to)
  const asked = lookups === 'owner' && owner !== undefined ? [owner] : []
  const callee = wanted !== undefined && 'pubkey' in wanted ? wanted : undefined
  return {
    peers: [...new Set([...(callee === undefined ? [] : [callee.pubkey]), ...asked, ...written, ...open])].slice(
      0,
      MAX_PEERS_LOOKED_UP,
    ),
    hints: callee === undefined ? {} : { [callee.pubkey]: callee.relays },
    online: onlineRequest(lookups, wanted),
    deep: deep === true,
    live: waits !== undefined,
    self: announces === 'presence',
  }
}

/** Candidates for a name that are shown, and ms beyond the grace that relays have to say that they know another. */
const MAX_CANDIDATES = 5

const NAME_PATIENCE = 1_500

function onlineRequest(lookups: Needs['lookups'], wanted: ResolvedAgent | undefined): PresenceRequest | undefined {
  if (typeof lookups === 'object' && 'wish' in lookups) return lookups
  if (wanted === undefined || !('name' in wanted)) return undefined
  // A name alone counts only where it is unique, so all relays should answer.
  return { wish: { name: wanted.name, limit: MAX_CANDIDATES }, patience: NAME_PATIENCE, verify: true }
}

/**
 * What was found out about peers while hearing. Throws NO_SUCH_AGENT and AGENT_AMBIGUOUS for a name that nobody on line has, or more
 * than one, and NIP05_FAILED where its domain denies it.
 */
export function lookupsFrom(heard: SyncResult, wanted: ResolvedAgent | undefined, { now }: RunContext): PeerLookup {
  const presences = readPresences(heard.public, now)
  const peers = peersLookedUp(heard.answers, heard.public, heard.asked)
  if (wanted === undefined) return { peer: undefined, peers, presences, hints: {} }
  if ('name' in wanted) {
    if (heard.online === undefined) throw new Error('nobody has asked who is on line')
    const found = agentNamed(heard.online, wanted.name, now)
    const { pubkey: peer, relays } = found
    // Its presence says where it reads; the list is looked up with the next command.
    const called = { pubkey: peer, name: wanted.name }
    return { peer, peers, presences: [...presences, found], hints: { [peer]: relays }, called }
  }
  const { pubkey: peer, relays, claimed } = wanted
  const hints = relays.length === 0 ? {} : { [peer]: relays }
  return { peer, peers, presences, hints, ...(claimed !== undefined && { called: { pubkey: peer, name: claimed } }) }
}

/**
 * What was looked up: `peer`, whom the command addresses; `peers`, whose lists are known now; and what presences and nprofiles say of
 * peers (`hints`: relays by pubkey).
 */
export type PeerLookup = {
  peer: string | undefined
  peers: readonly string[]
  presences: readonly Presence[]
  hints: Record<string, readonly string[]>
  /** The name that led to `peer`, where it gave itself that name. */
  called?: NamedKey
}
