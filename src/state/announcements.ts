// What we last published about ourselves and which relays have it; and that an agent runs one `announce` at a time.
import type { RelayList } from '../call/presence.ts'
import type { Template } from '../nostr/event.ts'
import { relayUrl } from '../nostr/relay-url.ts'
import type { AuthorContext } from './record-signals.ts'
import { claimBy, hasPassed, type IsAlive, isClaimed } from './retry.ts'
import type { Announced, State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Seconds by which a presence may go out before it is due, since cron and jitter come a little early or late. */
const DUE_EARLY = 20

/** Seconds for which is remembered that a relay has taken a presence: longer than the time between any two. */
const TAKEN_KEPT = 3600

const AN_HOUR = 3600
const A_DAY = 24 * 3600

/** Seconds after which an `announce` is no longer waited for: it hangs, or another process has got its number. */
const ANNOUNCE_STALE = 60

/** What a presence says, without its times: that our agent has looked since does not make it due early. */
export function presenceWords({ content, tags }: Template): string {
  return JSON.stringify([content, tags.filter((t) => t[0] !== 'expiration' && t[0] !== 'looked')])
}

/**
 * The relays that are to be sent this presence: those that have not taken the same words lately.
 * @param every minutes between two
 */
export function presenceDue(
  held: Announced,
  { words, relays, every }: { words: string; relays: readonly string[]; every: number },
  now: number,
): string[] {
  const due = every * 60 - DUE_EARLY
  // A clock that was set back must not make an old presence look like a new one.
  return relays.filter((url) => held.presenceWords !== words || hasPassed(held.presenceTakenAt?.[url] ?? 0, due, now))
}

/** Seconds by which our last presence may be dated ahead of our clock: by a few that went out in one second, not by a clock set back. */
const MOST_BUMPED = 60

/**
 * The created_at of our next presence: newer than the last one. Of two that are dated alike relays keep the one with the lower id,
 * which may be the old one (NIP-01).
 */
export function presenceStamp({ presenceCreatedAt: dated = 0 }: Announced, stamp: number): number {
  return dated >= stamp && dated - stamp < MOST_BUMPED ? dated + 1 : stamp
}

/** Writes down which relays have taken a presence. `dated`: its created_at. */
export function recordPresenceTaken(
  state: State,
  { words, dated }: { words: string; dated: number },
  relays: readonly string[],
  now: number,
): State {
  const edit = beginTransaction(state)
  const { announced } = edit.index
  const before = Object.entries(announced.presenceWords === words ? (announced.presenceTakenAt ?? {}) : {})
  const kept = before.filter(([, at]) => !hasPassed(at, TAKEN_KEPT, now))
  const taken = Object.fromEntries([...kept, ...relays.map((url) => [url, now])])
  edit.index.announced = {
    ...announced,
    presenceAt: now,
    presenceWords: words,
    presenceTakenAt: taken,
    presenceCreatedAt: dated,
  }
  return edit.state
}

/**
 * The relays that are to be sent our 10050, which names `lists`: all when it has changed or was replaced, those that would not take it
 * after an hour, and each after a day, since relays forget and nobody finds us where it is missing.
 */
export function listDue(held: Announced, lists: string, relays: readonly string[], now: number): string[] {
  if (held.inboxList !== lists || held.listReplacedBy !== undefined) return [...relays]
  return relays.filter((url) => {
    const { at, taken } = held.listOffers?.[url] ?? { at: 0, taken: false }
    return hasPassed(at, taken ? A_DAY : AN_HOUR, now)
  })
}

/** How far ahead of our clock a 10050 may be dated to be newer than the one that has replaced it, in seconds. */
const MOST_AHEAD = 600

/** The created_at of our next 10050: newer than the last one and than what has replaced that, as relays keep the newest. */
export function listStamp({ listReplacedBy: replaced = 0, listCreatedAt: last = 0 }: Announced, stamp: number): number {
  return Math.max(stamp, Math.min(Math.max(last, replaced) + 1, stamp + MOST_AHEAD))
}

/**
 * The relays that are asked for our own 10050: those that every `announce` goes to, and hourly those where we only look peers up.
 */
export function relaysAskedForList(
  held: Announced,
  { inbox, presence, lookup }: Readonly<Record<'inbox' | 'presence' | 'lookup', readonly string[]>>,
  now: number,
): string[] {
  const all = hasPassed(held.listAskedAt ?? 0, AN_HOUR, now) ? lookup : []
  return [...new Set([...inbox, ...presence, ...all])]
}

/**
 * Notes what relays have as our 10050. One that names other relays and is newer than ours is from another client that uses our key:
 * whoever calls us would ring where nobody reads. `list`: undefined where no relay had any.
 */
export function recordOwnList(state: State, list: RelayList | undefined, now: number): State {
  const edit = beginTransaction(state)
  const { announced } = edit.index
  const asked = hasPassed(announced.listAskedAt ?? 0, AN_HOUR, now) ? { listAskedAt: now } : {}
  const since = announced.listCreatedAt ?? Math.max(0, ...Object.values(announced.listOffers ?? {}).map(({ at }) => at))
  const isOurs =
    announced.inboxList === '' || list === undefined || list.at <= since || isSame(announced.inboxList, list.relays)
  const replaced = isOurs ? {} : { listReplacedBy: list.at }
  if (!('listAskedAt' in asked) && (isOurs || announced.listReplacedBy === list.at)) return state
  edit.index.announced = { ...announced, ...asked, ...replaced }
  return edit.state
}

function isSame(lists: string, relays: readonly string[]): boolean {
  const own = lists.split(' ').flatMap((url) => relayUrl(url) ?? [])
  return own.toSorted().join(' ') === relays.toSorted().join(' ')
}

/**
 * Writes down which relays have taken our 10050. While none has, nothing is written: it is offered again with the next command.
 * @param stamp its created_at
 */
export function recordListOffered(
  state: State,
  lists: string,
  oks: readonly { relay: string; accepted: boolean }[],
  now: number,
  stamp = now,
): State {
  const edit = beginTransaction(state)
  const { announced } = edit.index
  const before = announced.inboxList === lists ? announced.listOffers : {}
  const fresh = Object.fromEntries(oks.map((r) => [r.relay, { at: now, taken: r.accepted }]))
  const offered = { ...before, ...fresh }
  if (!Object.values(offered).some((one) => one.taken)) return state
  const { listReplacedBy: _, ...kept } = announced
  edit.index.announced = { ...kept, inboxList: lists, listOffers: offered, listCreatedAt: stamp }
  return edit.state
}

/** Whether an `announce` of another process runs. */
export function isAnnouncing(
  { index }: State,
  { pid, now }: Pick<AuthorContext, 'pid' | 'now'>,
  alive: IsAlive,
): boolean {
  const { announcing: held } = index
  // A container gives its first process the same number each time: our own is one that was left behind.
  if (held === undefined || held.pid === pid) return false
  return isClaimed(held, now, alive, held.pause + ANNOUNCE_STALE)
}

/**
 * Notes that this process announces now.
 * @param pause seconds that it sleeps before it begins
 */
export function beginAnnounce(state: State, author: Parameters<typeof claimBy>[0], pause: number): State {
  const edit = beginTransaction(state)
  edit.index.announcing = { ...claimBy(author), pause }
  return edit.state
}

/** Notes that the `announce` of this process is over; another one's claim stays. */
export function endAnnounce(state: State, pid: number): State {
  if (state.index.announcing?.pid !== pid) return state
  const edit = beginTransaction(state)
  delete edit.index.announcing
  return edit.state
}

/** Notes that our agent has looked, since it, and not cron, has run a command. */
export function recordCommand(state: State, now: number): State {
  const edit = beginTransaction(state)
  edit.index.announced = { ...edit.index.announced, lastCommandAt: now }
  return edit.state
}
