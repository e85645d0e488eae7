// Which agents are shown of all that relays say are on line: known ones first, then a share of strangers from each relay, each checked
// once and in the order of showing. The attack: thousands of made-up presences, which must cost us no more than what is shown.
import { type Event, newestFirst, newestPerAuthor, verifyEvent, verifyEvents } from '../nostr/event.ts'
import { foreignLine, isSame } from '../sanitize.ts'
import { holdsWord, isSameName } from './name.ts'
import { capabilityTag, isLive, isPresence, type Presence, parsePresence } from './presence.ts'
import { unsafeTextOf } from './wording.ts'

/** Which agents are wanted; `limit`: most that are shown. */
export type PresenceWish = {
  capability?: string | undefined
  name?: string | undefined
  /** A word in name, petname, about or capabilities. */
  search?: string | undefined
  limit: number
}

/** What one relay has sent, unchecked. */
export type PresenceSource = { relay: string; events: readonly Event[] }

/** `petname`: of a contact; `spoken`: we have had a call with it. */
export type Acquaintance = { petname?: string | undefined; spoken?: boolean }

/** `now`: unix seconds; `me`: our own key; `known`: whom we know, by key. */
export type ListingRules = {
  now: number
  me: string
  known: ReadonlyMap<string, Acquaintance>
  /** NIP-13 bits without which strangers are left out. */
  work: number
  wish: PresenceWish
}

/**
 * `total`: how many agents there are in what was read; of those that are not shown no signature was checked. `hidden`: how many strangers
 * were left out for lack of work. `forged`: relays that sent what its author has not signed.
 */
export type Listing = { agents: Presence[]; total: number; hidden: number; forged: string[] }

/** Presences of one author, the newest first, and who sent them. */
type SentPresence = { event: Event; relays: Set<string> }
type ListedAuthor = { pubkey: string; candidates: SentPresence[]; seen: number }

/** After this many bad signatures from one relay, nothing that only this relay has is believed any more. */
const MAX_FORGED = 20

/**
 * The agents on line that a `list` shows, in the order of showing, at most as many as were wished for; signatures are checked of
 * these only.
 */
export function listingOf(sources: readonly PresenceSource[], rules: ListingRules): Listing {
  const { limit } = rules.wish
  const fits = presenceMatcher(rules)
  const { authors, hidden } = wantedAuthors(sources, rules, fits)
  const order = orderAuthors(authors, sources, rules)
  const judge = openSignatureChecker()
  const agents: Presence[] = []
  let at = 0
  while (at < order.length && agents.length < limit) {
    const next = order.slice(at, at + limit - agents.length)
    at += next.length
    judge.checkTogether(next)
    agents.push(...next.flatMap((author) => judge.newest(author, fits) ?? []))
  }
  const left = order.slice(at).filter((author) => author.candidates.some(judge.isBelieved))
  const position = (p: Presence) => rankOf(rules.known.get(p.pubkey))
  agents.sort((a, b) => position(a) - position(b) || seenAt(b, rules.now) - seenAt(a, rules.now))
  return { agents, total: agents.length + left.length, hidden, forged: judge.forged() }
}

/** Whether a presence is wanted, by what it says; undefined where only proof of work is lacking. */
export function presenceMatcher({ now, me, known, work, wish }: ListingRules): (event: Event) => boolean | undefined {
  // What was typed, in the form in which words of others are read.
  const read = (text: string | undefined) => text && unsafeTextOf(foreignLine(text, 64))
  const capability = wish.capability && read(capabilityTag(wish.capability))
  const [name, search] = [read(wish.name), read(wish.search)]
  return (event) => {
    if (event.pubkey === me || !isPresence(event) || !isLive(event, now)) return false
    const acquaintance = known.get(event.pubkey)
    const plain = capability === undefined && wish.name === undefined && wish.search === undefined
    if (plain && (work === 0 || acquaintance !== undefined)) return true
    const presence = parsePresence(event)
    const names = [unsafeTextOf(presence.name), acquaintance?.petname ?? '']
    if (capability !== undefined && !presence.capabilities.some((one) => isSame(one, capability))) return false
    if (name !== undefined && !names.some((one) => isSameName(one, name))) return false
    if (
      search !== undefined &&
      ![...names, ...[presence.about, ...presence.capabilities].map(unsafeTextOf)].some((t) => holdsWord(t, search))
    )
      return false
    return acquaintance !== undefined || presence.work >= work ? true : undefined
  }
}

/** The authors with at least one presence that is wanted. Their other ones stay candidates: the newest genuine one decides. */
function wantedAuthors(
  sources: readonly PresenceSource[],
  { now }: ListingRules,
  fits: ReturnType<typeof presenceMatcher>,
) {
  const byAuthor = new Map<string, Map<string, SentPresence>>()
  for (const { relay, events } of sources) {
    // A relay keeps one presence for each author: whatever else it sends is its own doing, and costs us nothing.
    for (const event of newestPerAuthor(events)) {
      const held = byAuthor.get(event.pubkey) ?? new Map<string, SentPresence>()
      const one = held.get(event.id) ?? { event, relays: new Set() }
      one.relays.add(relay)
      byAuthor.set(event.pubkey, held.set(event.id, one))
    }
  }
  const authors: ListedAuthor[] = []
  let hidden = 0
  for (const [pubkey, held] of byAuthor) {
    const candidates = [...held.values()].sort((a, b) => newestFirst(a.event, b.event))
    const wanted = candidates.find(({ event }) => fits(event) !== false)
    if (wanted === undefined) continue
    if (fits(wanted.event)) authors.push({ pubkey, candidates, seen: Math.min(now, wanted.event.created_at) })
    else hidden += 1
  }
  return { authors, hidden }
}

/** Known authors first; then strangers, one of each relay in turn, so that no relay can push out what others have. */
function orderAuthors(
  authors: readonly ListedAuthor[],
  sources: readonly PresenceSource[],
  { known }: ListingRules,
): ListedAuthor[] {
  // What an agent is free to choose (its name, when it looked) orders nothing. It can date its presence ahead, but that counts as now.
  const bySeen = authors.toSorted((a, b) => b.seen - a.seen || (a.pubkey < b.pubkey ? -1 : 1))
  const rank = ({ pubkey }: ListedAuthor) => rankOf(known.get(pubkey))
  const acquainted = bySeen.filter((author) => rank(author) < STRANGER).sort((a, b) => rank(a) - rank(b))
  const strangers = bySeen.filter((author) => rank(author) === STRANGER)
  const queues = [...new Set(sources.map(({ relay }) => relay))].map((relay) =>
    strangers.filter(({ candidates }) => candidates.some(({ relays }) => relays.has(relay))).values(),
  )
  return [...acquainted, ...takeInTurns(queues)]
}

function takeInTurns<T>(queues: readonly Iterator<T>[]): Set<T> {
  const taken = new Set<T>()
  let left = [...queues]
  while (left.length > 0) {
    left = left.filter((queue) => {
      let next = queue.next()
      while (!next.done && taken.has(next.value)) next = queue.next()
      if (!next.done) taken.add(next.value)
      return !next.done
    })
  }
  return taken
}

const STRANGER = 2

function rankOf(known: Acquaintance | undefined): number {
  if (known?.petname !== undefined) return 0
  return known?.spoken ? 1 : STRANGER
}

function seenAt({ lastSeen }: Presence, now: number): number {
  return Math.min(now, lastSeen)
}

/** Checks signatures, each once, and remembers which relays have sent bad ones. */
function openSignatureChecker() {
  const verdicts = new Map<string, boolean>()
  const blame = new Map<string, number>()

  const isBelieved = ({ relays }: SentPresence) => [...relays].some((relay) => (blame.get(relay) ?? 0) < MAX_FORGED)

  function isGenuine({ event, relays }: SentPresence): boolean {
    const known = verdicts.get(event.id)
    const genuine = known ?? verifyEvent(event)
    verdicts.set(event.id, genuine)
    if (!genuine) for (const relay of relays) blame.set(relay, (blame.get(relay) ?? 0) + 1)
    return genuine
  }

  return {
    isBelieved,
    /** The newest of each at once, which is much faster. */
    checkTogether(authors: readonly ListedAuthor[]): void {
      const events = authors.flatMap(({ candidates }) => candidates.find(isBelieved)?.event ?? [])
      const good = verifyEvents(events)
      for (const [n, { id }] of events.entries()) verdicts.set(id, good[n] === true)
    },
    /** The newest genuine presence of an author, if it is wanted. */
    newest({ candidates }: ListedAuthor, fits: ReturnType<typeof presenceMatcher>): Presence | undefined {
      const genuine = candidates.find((one) => isBelieved(one) && isGenuine(one))
      return genuine !== undefined && fits(genuine.event) ? parsePresence(genuine.event) : undefined
    },
    forged: () => [...blame.keys()],
  }
}
