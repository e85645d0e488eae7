// Whom a command means by <agent>: what call/selector.ts makes of the word, a NIP-05 name looked up at its domain, and the name of an agent
// on line, which counts only where all relays have answered and exactly one agent has that name.

import { nameTag } from '../call/name.ts'
import { resolveSelector } from '../call/selector.ts'
import { inQuotes, quoteRelayReason } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { Nip05Address, Nip05Entry } from '../nostr/nip05.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { cleanLine, foreign } from '../sanitize.ts'
import { directoryOf } from '../state/directory.ts'
import type { Index } from '../state/state.ts'
import type { RunContext } from './context.ts'
import type { OnlineAgent, PresenceFindings } from './discovery.ts'

/**
 * A key and the relays where it may be found, or a name that must be looked for among the agents on line. `claimed`: the name by which the
 * key was found, where it gave itself that name and nothing else leads to it.
 */
export type ResolvedAgent = { pubkey: string; relays: readonly string[]; claimed?: string } | { name: string }

/**
 * Whom a word names, as far as that can be told without asking who is on line. Throws BAD_AGENT for a broken key, AGENT_AMBIGUOUS
 * for a name that may be two agents', SEVERAL_CALLS, NO_SUCH_CALL, NIP05_FAILED.
 */
export async function resolveAgent(word: string, context: RunContext, index: Index): Promise<ResolvedAgent> {
  const meant = resolveSelector(word, directoryOf(index, context.people, 'spoken'))
  if (meant instanceof Failure) throw meant
  if (meant.type === 'address') return await lookUpNip05(meant.address, word, context)
  if (meant.type === 'call') return { pubkey: meant.peer, relays: [] }
  if (meant.type === 'name') return { name: meant.name }
  const { pubkey, relays, claimed } = meant
  return { pubkey, relays, ...(claimed === undefined ? {} : { claimed }) }
}

/**
 * The one agent on line with that name. Throws NO_SUCH_AGENT; AGENT_AMBIGUOUS with the candidates, also where there may be more of them
 * than relays have told of; NIP05_FAILED where its domain denies what it says of itself.
 */
export function agentNamed(found: PresenceFindings, name: string, now: number): OnlineAgent {
  // An agent that was found by another tag than that of the name is no answer.
  const named = found.agents.filter((one) => one.asked === nameTag(cleanLine(name)))
  const [one, second] = named
  const silent = found.lacking.map(quoteRelayReason).join('; ')
  const candidates = named.map((agent) => candidate(agent, now)).join('; ')
  if (one === undefined) throw nobodyCalled(name, silent)
  if (second !== undefined || found.more)
    throw refusal(`more than one agent on line is called "${name}": ${candidates}`)
  if (found.lacking.length > 0)
    throw refusal(
      `an agent on line is called "${name}", and whether another one is, not all relays have said (${silent}): ${candidates}`,
    )
  if (one.verified !== false) return one
  throw new Failure(
    'NIP05_FAILED',
    `the agent on line that is called "${name}" says that it is ${one.nip05}, which that domain denies: ${candidates}`,
    'use the npub if you mean it all the same',
  )
}

function nobodyCalled(name: string, silent: string): Failure {
  const why = silent === '' ? '' : `, as far as relays have said (${silent})`
  return new Failure(
    'NO_SUCH_AGENT',
    `no agent named "${name}" is on line, and no contact has that name${why}`,
    `\`${P2P} list\` shows who is on line; an npub reaches an agent that is not`,
  )
}

function refusal(message: string): Failure {
  return new Failure('AGENT_AMBIGUOUS', message, 'use the npub of the one you mean')
}

/** What is known of a candidate: facts first (its key, when it was seen), then what it claims to be able to do. */
function candidate({ pubkey, lastSeen, capabilities }: OnlineAgent, now: number): string {
  const [first, ...more] = capabilities
  const can =
    first === undefined
      ? ''
      : `, says that it can ${inQuotes(
          more.reduce((all, next) => foreign`${all}, ${next}`, first),
          80,
        )}`
  return `${npubEncode(pubkey)} (seen ${Math.max(0, now - lastSeen)} s ago${can})`
}

async function lookUpNip05(
  address: Nip05Address,
  word: string,
  { environment, deadline }: RunContext,
): Promise<Nip05Entry> {
  const entry = await environment.lookUpNip05(address, deadline - environment.clock())
  if ('pubkey' in entry) return entry
  throw new Failure(
    'NIP05_FAILED',
    `the name "${word}" could not be looked up`,
    `check the name, or use the npub; \`${P2P} list\` shows who is on line`,
    entry.why,
  )
}
