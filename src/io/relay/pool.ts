// Several relays as one: asked and published to side by side, and slow ones are not waited for once another has answered.
import { setMaxListeners } from 'node:events'
import type { Event } from '../../nostr/event.ts'
import type { Filter } from '../../nostr/filter.ts'
import { clientFrame, type Refusal } from '../../nostr/messages.ts'
import type { HeldIds } from '../../nostr/nip77.ts'
import { foreign } from '../../sanitize.ts'
import type { RelayFacts, RelayObservation } from '../../state/relay-memory.ts'
import { abortAfter, beforeAbort, deferred } from '../timers.ts'
import type { RelayHealth } from './clients.ts'
import type { Sift, TakeResult } from './collector.ts'
import { type DialOptions, openConnections } from './connections.ts'
import { type Backoff, type LiveEvent, openLiveSubscriptions } from './live.ts'
import type { PublishAnswer } from './publish.ts'
import type { QueryAnswer } from './query.ts'
import { openRace } from './race.ts'

/** One question to one relay. `name`: chosen by the caller, to recognise the answer. */
export type RelayQuery = {
  relay: string
  name: string
  filter: Filter
  /** The ids that we hold already, for a relay that speaks NIP-77. */
  held?: HeldIds
  /** Whether to read page after page, until the relay has sent all that it has. */
  page?: boolean
  /** Which events to hold, and whether more of them are wanted. */
  sift?: Sift
  /** Whether it stays open: later events come from `Pool.next`. */
  live?: boolean
  /** Whether its events go to `take`. */
  streams?: boolean
  /** When this question is over, Unix ms, if that is before the others. */
  deadline?: number
  /** Most events that the relay is known to let itself be asked for at a time. */
  limit?: number | undefined
  /** Whether the relay is known not to speak NIP-77. */
  plain?: boolean
}

export type NamedAnswer = QueryAnswer & { name: string }

/**
 * An event, and the relays that it is published to. `fallback`: more relays, for when none of them takes it soon. `doubted`: relays whose
 * OK does not mean that it arrives. `background`: nobody waits for it, since other relays have it or it can wait: all get only the grace.
 */
export type PublishJob = {
  event: Event
  relays: readonly string[]
  fallback?: readonly string[]
  doubted?: readonly string[]
  background?: boolean
}

export type PoolFetchOptions = {
  /** Unix ms. */
  deadline: number
  /** Ms beyond the grace that a relay gets. */
  patient?: (url: string) => number
  /** Whether an id is known already: such an event is not looked at. */
  skip?: (id: string) => boolean
  /** Takes the events of the questions that stream, as they come and before the answers are given. */
  take?: (event: Event, size: number) => TakeResult
  /** Ends the questions that stream. */
  cut?: AbortSignal
}

/** `deadline`: Unix ms. `atLeastMs`: ms that a relay gets even after that, unless it was silent before. */
export type PublishUntil = { deadline: number; atLeastMs?: number }

export type PoolOptions = DialOptions & {
  /** The grace: ms that the other relays get once one has answered. */
  graceMs?: number
  retry?: Backoff
}

export type Pool = {
  /** Starts to connect, so that answers come sooner. Resolves once the dials are under way. */
  warm(urls: readonly string[]): Promise<void>
  /** Asks everything side by side. One answer for each question, in their order. */
  fetch(asks: readonly RelayQuery[], fetching: PoolFetchOptions): Promise<NamedAnswer[]>
  /** Publishes everything side by side. One answer for each event and relay that it was offered to, in the order of the jobs. */
  publish(jobs: readonly PublishJob[], until: PublishUntil): Promise<PublishAnswer[]>
  /**
   * What live questions brought after their answers, as soon as there is something; nothing at the deadline (Unix ms). It must not be
   * called twice at the same time.
   */
  next(deadline: number): Promise<LiveEvent[]>
  relays(): RelayHealth[]
  /** Tells the pool what is known from earlier runs of what relays do not take. */
  setKnownLimits(facts: ReadonlyMap<string, RelayFacts>): void
  /** What this run has found out about relays. */
  observed(): RelayObservation[]
  /** Ends everything at once; nothing keeps the process alive afterwards. */
  close(): void
}

/** How often an event goes out again because another one was too large: limits lie between 4 kB and 1 MB, and each step halves. */
const MAX_AGAIN = 8

/** Ms that the others get beyond the grace once a doubted relay has taken something. */
const DOUBT_PATIENCE_MS = 1_500

/** Ms that the relays of a peer have to take something before it goes to the fallback ones too. */
const FALLBACK_AFTER = 1_000

/** Opens the pool of a run. Its answers say which relays answered and why the others did not; no method throws for a relay. */
export function openPool({ graceMs = 250, retry, ...dialling }: PoolOptions): Pool {
  const { now } = dialling
  const connections = openConnections(dialling)
  const { refusals } = connections
  const live = openLiveSubscriptions(now, retry ?? { firstMs: 1_000, longestMs: 30_000 })

  async function queryRelay(
    one: RelayQuery,
    fetching: PoolFetchOptions,
    cut?: AbortSignal,
    failures = 0,
  ): Promise<QueryAnswer> {
    const { relay, filter, held, page, sift, live: isLive, streams, limit, plain } = one
    const since = now()
    const connection = connections.to(relay)
    const again = (refusal: Refusal & { until?: number }) =>
      live.lost(refusal, since, failures, (count) => void queryRelay(one, fetching, AbortSignal.abort(), count))
    if ('reason' in connection) {
      if (isLive) again(connection)
      const { reason, text } = connection
      return { relay, events: [], complete: false, dropped: 0, known: 0, reason, text }
    }
    const answer = await connection.query({
      filter,
      held,
      page,
      sift,
      limit,
      plain,
      live: isLive,
      cut,
      deadline: Math.min(fetching.deadline, one.deadline ?? fetching.deadline),
      skip: fetching.skip,
      take: streams && fetching.take ? taking(isLive, fetching.take) : undefined,
      onEvent: (event, size) => live.arrived({ event, relay }, size),
      // Nobody waits for the answer of the next subscription: it is cut off before it begins, so that all of it arrives live.
      onEnd: again,
    })
    // The relay closed the connection on a message of ours that it found too large: it is asked again, without that message.
    const isClosed = answer.reason === 'unreachable' && connection.closedOn() !== undefined
    const isOver = isLive || cut?.aborted || failures === MAX_AGAIN
    return isClosed && !isOver ? await queryRelay(one, fetching, cut, failures + 1) : answer
  }

  function taking(isLive: boolean | undefined, take: NonNullable<PoolFetchOptions['take']>): typeof take {
    return (event, size) => {
      if (isLive) live.delivered(event)
      return take(event, size)
    }
  }

  async function fetch(asks: readonly RelayQuery[], fetching: PoolFetchOptions): Promise<NamedAnswer[]> {
    const relays = asks.map((one) => one.relay)
    const race = openRace({ relays, graceMs, patient: fetching.patient, heardAt: connections.heardAt, now })
    const unanswered = new Set(asks)
    liftRestWhereAllRest(relays, 'read')
    const answers = asks.map(async (one) => {
      const cut = race.signalFor(one.relay)
      const answer = await queryRelay(
        one,
        fetching,
        one.streams && fetching.cut ? eitherSignal(cut, fetching.cut) : cut,
      )
      const { relay, events, complete, reason = 'error', text = foreign`` } = answer
      if (reason === 'rate-limited') refusals.recordRateLimited(relay, 'read', text)
      if (complete) unanswered.delete(one)
      if (![...unanswered].some((other) => other.relay === relay)) race.markDone()
      connections.note(relay, complete ? undefined : { reason, text })
      if (one.live) events.forEach(live.delivered)
      return { ...answer, name: one.name }
    })
    return Promise.all(answers).finally(race.stop)
  }

  async function publish(jobs: readonly PublishJob[], until: PublishUntil): Promise<PublishAnswer[]> {
    const answers = await Promise.all(jobs.map((job) => publishOne(job, until)))
    return answers.flat()
  }

  /** Where all relays for something are left alone, those are tried that did not name a time themselves. */
  function liftRestWhereAllRest(urls: readonly string[], what: 'read' | 'write'): void {
    if (urls.every((url) => refusals.barred(url, what))) urls.forEach(refusals.liftRest)
  }

  async function publishOne(
    { event, relays, fallback = [], doubted = [], background }: PublishJob,
    { deadline, atLeastMs = 0 }: PublishUntil,
  ): Promise<PublishAnswer[]> {
    const longest = Math.max(deadline, now() + atLeastMs)
    const urls = [...new Set(relays)]
    const others = [...new Set(fallback)].filter((url) => !urls.includes(url))
    const all = [...urls, ...others]
    const believed = all.filter((url) => !doubted.includes(url))
    // What others have, or what can wait, is no reason to try a relay that is left alone.
    if (!background) liftRestWhereAllRest(believed.length > 0 ? believed : all, 'write')
    // A relay that is not connected yet gets as much more time as connecting typically takes.
    const patient = (url: string) => (background && !connections.isOpen(url) ? connections.typicalDialMs() : 0)
    const race = openRace({ relays: all, graceMs, patient, now })
    const accepted = deferred<void>()
    let doubtTimer: NodeJS.Timeout | undefined
    if (background) race.markDone()
    const publishTo = (some: readonly string[]) =>
      Promise.all(
        some.map(async (relay) => {
          const most = connections.isSilent(relay) ? deadline : longest
          const until = background ? Math.min(most, now() + graceMs + patient(relay)) : most
          const answer = await publishToRelay(event, relay, until, race.signalFor(relay))
          if (answer.accepted && believed.includes(relay)) {
            race.markDone()
            accepted.resolve()
          } else if (answer.accepted) doubtTimer ??= setTimeout(race.markDone, DOUBT_PATIENCE_MS)
          connections.note(relay, answer.accepted ? undefined : { reason: answer.reason, text: answer.text })
          return answer
        }),
      )
    const first = publishTo(urls)
    const anyAccepted = first.then((answers) => answers.some((r) => r.accepted && believed.includes(r.relay)))
    const isAccepted = others.length > 0 && (await isAcceptedSoon(accepted.promise, anyAccepted, longest))
    const second = others.length === 0 || isAccepted || background ? [] : publishTo(others)
    const answers = [...(await first), ...(await second)]
    clearTimeout(doubtTimer)
    race.stop()
    return answers
  }

  /** Whether a relay has taken it within `FALLBACK_AFTER`; false at once where all have refused. */
  async function isAcceptedSoon(accepted: Promise<void>, all: Promise<boolean>, deadline: number): Promise<boolean> {
    const stop = abortAfter(Math.min(FALLBACK_AFTER, deadline - now()))
    const isAccepted = await beforeAbort(stop.signal, Promise.race([accepted.then(() => true), all]))
    stop.clear()
    return isAccepted ?? false
  }

  async function publishToRelay(
    event: Event,
    relay: string,
    deadline: number,
    cut: AbortSignal,
  ): Promise<PublishAnswer> {
    const size = Buffer.byteLength(clientFrame({ type: 'EVENT', event }))
    for (let tries = 0; ; tries++) {
      const connection = connections.to(relay, size)
      if ('reason' in connection) {
        const { reason, text } = connection
        return { relay, event: event.id, accepted: false, reason, text }
      }
      const answer = await connection.publish(event, deadline, cut)
      if (answer.accepted) refusals.recordAccepted(relay, size)
      if (answer.reason === 'rate-limited') refusals.recordRateLimited(relay, 'write', answer.text)
      // The relay closed the connection on a message that it found too large: whatever else was on its way goes out on the next one.
      const isClosed = answer.reason === 'unreachable' && connection.closedOn() !== undefined
      if (!isClosed || tries === MAX_AGAIN || cut.aborted) return answer
    }
  }

  return {
    warm(urls) {
      for (const url of urls) connections.to(url)
      return new Promise((resolve) => setImmediate(resolve))
    },
    fetch,
    publish,
    next: live.next,
    relays: connections.health,
    setKnownLimits: refusals.setKnownLimits,
    observed: connections.observed,
    close() {
      live.close()
      connections.close()
    },
  }
}

function eitherSignal(...signals: readonly AbortSignal[]): AbortSignal {
  const either = AbortSignal.any([...signals])
  setMaxListeners(0, either)
  return either
}
