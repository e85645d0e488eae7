// Several relays as one: asked and told side by side, and the slow ones not waited for once another has answered.
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

/** One question to one relay. `name` is the caller's own, to know the answer by. */
export type RelayQuery = {
  relay: string
  name: string
  filter: Filter
  /** What is known of it already, for a relay that speaks NIP-77. */
  held?: HeldIds
  page?: boolean
  /** What is held of its events, and whether more of them are wanted. */
  sift?: Sift
  live?: boolean
  /** Whether `take` gets its events. */
  streams?: boolean
  /** When this question is over, Unix ms, if before the others. */
  deadline?: number
  /** Most events that the relay is known to let itself be asked for at a time. */
  limit?: number | undefined
  /** Whether the relay is known not to speak NIP-77. */
  plain?: boolean
}

export type NamedAnswer = QueryAnswer & { name: string }

/**
 * An event, and all relays that it is to be published to. `fallback`: where it goes as well when none of them takes it soon. `doubted`:
 * those whose OK says nothing of whether it arrives. `background`: nobody waits for it, as others have it already, or it can wait: so all
 * have the grace alone.
 */
export type PublishJob = {
  event: Event
  relays: readonly string[]
  fallback?: readonly string[]
  doubted?: readonly string[]
  background?: boolean
}

/** Times are Unix milliseconds. */
export type PoolFetchOptions = {
  deadline: number
  /** Milliseconds beyond the grace that a relay may take. */
  patient?: (url: string) => number
  /** Ids that are known already: such an event is not looked at. */
  skip?: (id: string) => boolean
  /** Takes the events of the questions that stream, as they come and before the answers are given. */
  take?: (event: Event, size: number) => TakeResult
  /** Ends the questions that stream. */
  cut?: AbortSignal
}

/** `deadline`: Unix ms. `atLeastMs`: what a relay has though that is past, unless it was silent all the time. */
export type PublishUntil = { deadline: number; atLeastMs?: number }

export type PoolOptions = DialOptions & {
  /** Milliseconds that the other relays get once one has answered. */
  graceMs?: number
  retry?: Backoff
}

export type Pool = {
  /** Starts to connect, so that the answers come sooner. Resolves when that is under way: what follows costs no time then. */
  warm(urls: readonly string[]): Promise<void>
  /** Asks everything side by side. One answer per ask, in their order. */
  fetch(asks: readonly RelayQuery[], fetching: PoolFetchOptions): Promise<NamedAnswer[]>
  /** Publishes everything side by side. One answer per event and relay, in the order of the jobs. */
  publish(jobs: readonly PublishJob[], until: PublishUntil): Promise<PublishAnswer[]>
  /**
   * What live asks brought after their answers: as soon as there is something, or nothing at the deadline (Unix ms).
   * Not twice at the same time.
   */
  next(deadline: number): Promise<LiveEvent[]>
  relays(): RelayHealth[]
  /** What is known from before of what relays do not take. */
  setKnownLimits(facts: ReadonlyMap<string, RelayFacts>): void
  /** What this run has found out about that. */
  observed(): RelayObservation[]
  /** Ends everything at once; nothing of it keeps the process alive afterwards. */
  close(): void
}

/** How often an event goes out again because another was too large: limits lie between 4 kB and 1 MB, and each step halves. */
const MAX_AGAIN = 8

/** How long the others have beyond the grace once only relays have taken a thing that are doubted, in ms. */
const DOUBT_PATIENCE_MS = 1_500

/** How long the relays of a peer have to take something before the fallback ones are told too, in ms. */
const FALLBACK_AFTER = 1_000

/**
 * All relays of a run. Every method tells who answered and why the others did not; none throws for a relay. Times in ms.
 */
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
      // Nobody waits for the next answer. It is cut off before it begins, and all that it would have held arrives live.
      onEnd: again,
    })
    // A relay that closed the connection on a message of ours, which it found too large, is asked once more without it.
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

  /** Where all relays for something rest, those are tried that need not be left alone then. */
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
    // What others have, or what can wait, is no reason to try one that rests.
    if (!background) liftRestWhereAllRest(believed.length > 0 ? believed : all, 'write')
    // Who has to be connected to first has as much more as it took with those that are.
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

  /** Whether a relay has taken it by the time that the others should be asked: soon, or at once when none of them does. */
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
      // Whatever else was under way on a connection that a message was too large for goes out again on the next one.
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
