// Asking relays who is on line: only for what is wanted, page by page until there is as much as will be shown; and telling how complete
// that is.
import {
  type Acquaintance,
  type Listing,
  type ListingRules,
  listingOf,
  type PresenceWish,
  presenceMatcher,
} from '../call/listing.ts'
import { isSameName, nameTag } from '../call/name.ts'
import {
  capabilityTag,
  isLive,
  PRESENCE_ID,
  PRESENCE_KIND,
  PRESENCE_LOOKBACK,
  type Presence,
} from '../call/presence.ts'
import type { Sift } from '../io/relay/collector.ts'
import type { NamedAnswer, RelayQuery } from '../io/relay/pool.ts'
import type { Filter } from '../nostr/filter.ts'
import { parseAddress } from '../nostr/nip05.ts'
import { cleanLine, type Foreign, foreign } from '../sanitize.ts'
import { acquaintances } from '../state/directory.ts'
import type { Index } from '../state/state.ts'
import { readRelayClock } from './clock.ts'
import type { RunContext } from './context.ts'
import { presenceFilter } from './questions.ts'
import { ownRelays } from './route.ts'

/**
 * `patience`: ms beyond the pool's grace that the other relays get once one has answered, for a question that all of them should answer.
 * `verify`: whether to ask the domains that agents say they belong to.
 */
export type PresenceRequest = { wish: PresenceWish; patience?: number; verify?: boolean }

/** `verified`: whether the domain of its NIP-05 name says so, too; undefined where that was not asked or not answered. */
export type OnlineAgent = Presence & { verified?: boolean | undefined }

/**
 * `answers`: how relays have answered; `lacking`: the relays that have not told all that was wanted, and why; `more`: there may be more
 * agents than were looked at.
 */
export type PresenceFindings = Omit<Listing, 'agents'> & {
  agents: OnlineAgent[]
  answers: Omit<NamedAnswer, 'events'>[]
  lacking: { url: string; reason: Foreign }[]
  more: boolean
}

/** Most authors that one question names: contacts first, then those we have spoken with last. */
const MAX_AUTHORS = 500

/** Asks all presence relays who is on line, and picks whom to show. It does not throw: relays that do not answer are in `lacking`. */
export async function findPresences(
  context: RunContext,
  index: Index,
  { wish, patience = 0, verify = false }: PresenceRequest,
): Promise<PresenceFindings> {
  const { environment, people } = context
  const known = acquaintances(index, people)
  const since = context.now - (index.clockAhead ?? 0) - PRESENCE_LOOKBACK
  const hidden = new Set<string>()
  const rules = (): ListingRules => ({
    ...{ now: clockNow(context), me: environment.keys.pubkey, known, wish },
    work: environment.config.policy.presencePow,
  })
  const asked = await ask(context, patience, (relay) => questions(relay, { known, wish, since, hidden }, rules))
  // The trap: a relay that does not know the tag sends whatever there is, or nothing. It is asked for all, and we pick.
  const ignorant = [...new Set(asked.filter(ignoresTags(wish)).map(({ relay }) => relay))]
  const all = asked.filter(({ relay }) => !ignorant.includes(relay))
  if (ignorant.length > 0)
    all.push(
      ...(await ask(context, patience, (relay) =>
        ignorant.includes(relay) ? questions(relay, { known, wish, since, hidden, untagged: true }, rules) : [],
      )),
    )
  const listing = listingOf(all, rules())
  return {
    ...listing,
    hidden: hidden.size,
    agents: verify ? await withVerdicts(listing.agents, context) : listing.agents,
    answers: all.map(({ events, ...answer }) => answer),
    lacking: all.flatMap(({ relay, complete, gap, text, reason }) => {
      if (complete && gap === undefined) return []
      const why = complete
        ? foreign`it has more of one second than it sends`
        : (text ?? foreign`${reason ?? 'no answer'}`)
      return [{ url: relay, reason: why }]
    }),
    more: all.some(({ more }) => more === true) || known.size > MAX_AUTHORS,
  }
}

/** Unix seconds by the relays' clock, as soon as one has told it. */
function clockNow({ environment, now }: RunContext): number {
  return now - readRelayClock(environment.pool.relays(), ownRelays(environment)).reportedAhead
}

async function ask(
  { environment, deadline }: RunContext,
  patience: number,
  questionsTo: (relay: string) => RelayQuery[],
): Promise<NamedAnswer[]> {
  const relays = [...new Set(environment.relays.presence)]
  return await environment.pool.fetch(relays.flatMap(questionsTo), { deadline, patient: () => patience })
}

/**
 * `untagged`: asks for everybody instead of what is wanted. `since`: Unix seconds. `hidden`: collects the keys of strangers whose
 * presence lacks work.
 */
type Question = {
  known: ListingRules['known']
  wish: PresenceWish
  since: number
  hidden: Set<string>
  untagged?: true
}

function questions(
  relay: string,
  { known, wish, since, hidden, untagged }: Question,
  rules: () => ListingRules,
): RelayQuery[] {
  const tags = untagged ? {} : tagsOf(wish)
  const authors = authorsWanted(known, wish)
  const strangers = {
    ...{ relay, name: 'presence', page: true, limit: pageSize(wish, untagged), sift: openSift(rules, hidden) },
    filter: presenceFilter(since, tags),
  }
  if (authors.length === 0) return [strangers]
  // Those we know are asked for by key, so that no number of strangers hides them. A name may also be our petname for a contact.
  const mine = wish.name === undefined ? tags : {}
  const filter = { kinds: [PRESENCE_KIND], authors, '#d': [PRESENCE_ID], ...mine, since }
  return [strangers, { relay, name: 'presence', page: true, filter }]
}

/** Events asked for at a time: more than are shown, since some may not be genuine, but not many more. */
const PAGE = { min: 200, max: 500 }

/** How many to ask for; undefined (as many as relays send) where many are wanted, or most of what comes is not. */
function pageSize({ search, limit }: PresenceWish, untagged: true | undefined): number | undefined {
  const size = Math.max(PAGE.min, 2 * limit)
  return search !== undefined || untagged || size > PAGE.max ? undefined : size
}

function tagsOf({ capability, name }: PresenceWish): Filter {
  return {
    ...(capability === undefined ? {} : { '#c': [capabilityTag(capability)] }),
    ...(name === undefined ? {} : { '#n': [nameTag(cleanLine(name))] }),
  }
}

function authorsWanted(known: ListingRules['known'], { name }: PresenceWish): string[] {
  const isMeant = ({ petname }: Acquaintance) => petname !== undefined && isSameName(petname, name ?? '')
  const meant = [...known].filter(([, one]) => name === undefined || isMeant(one))
  return meant.slice(0, MAX_AUTHORS).map(([pubkey]) => pubkey)
}

/** Most domains that one command asks, and ms that they have to answer: strangers choose them. */
const MAX_DOMAINS = 20
const DOMAIN_WITHIN = 3_000

async function withVerdicts(
  agents: readonly Presence[],
  { environment, deadline }: RunContext,
): Promise<OnlineAgent[]> {
  const asked = new Set(agents.filter(({ nip05 }) => nip05 !== undefined).slice(0, MAX_DOMAINS))
  const within = Math.min(DOMAIN_WITHIN, deadline - environment.clock())
  return await Promise.all(
    agents.map(async (agent) => {
      const address = asked.has(agent) ? parseAddress(agent.nip05 ?? '') : undefined
      if (address === undefined) return agent
      const entry = await environment.lookUpNip05(address, within)
      return 'pubkey' in entry ? { ...agent, verified: entry.pubkey === agent.pubkey } : agent
    }),
  )
}

/**
 * Keeps, of what one relay sends, the presences that may be shown and those that say that somebody is gone. The relay has told enough
 * when as many agents have come as will be shown: the newest come first, so the rest would be shown below them.
 */
function openSift(rules: () => ListingRules, hidden: Set<string>): Sift {
  const authors = new Set<string>()
  let judged: { now: number; fits: ReturnType<typeof presenceMatcher>; limit: number } | undefined
  const judge = () => {
    const { now, wish } = rules()
    judged ??= { now, fits: presenceMatcher(rules()), limit: wish.limit }
    return judged
  }
  return {
    keep(event) {
      // Not before the first event: only a relay that has answered has told its time.
      const { now, fits } = judge()
      const fit = fits(event)
      if (fit) authors.add(event.pubkey)
      if (fit === undefined) hidden.add(event.pubkey)
      return fit === true || !isLive(event, now)
    },
    enough: () => authors.size >= judge().limit,
  }
}

function ignoresTags(wish: PresenceWish): (answer: NamedAnswer) => boolean {
  const asksForTags = Object.keys(tagsOf(wish)).length > 0
  return ({ dropped, complete, reason }) =>
    asksForTags && (dropped > 0 || (!complete && (reason === 'invalid' || reason === 'error')))
}
