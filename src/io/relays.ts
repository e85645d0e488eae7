// Several relays as one: asked and told side by side, and the slow ones not waited for once another has answered.
import type { Agent } from 'node:http'
import type { Keys } from '../nostr/crypto.ts'
import type { Event } from '../nostr/event.ts'
import type { Filter } from '../nostr/filter.ts'
import type { Reason } from '../nostr/frames.ts'
import type { Refusal } from './auth.ts'
import { openRace } from './grace.ts'
import type { LineOptions } from './line.ts'
import { type Arrival, openLive, type Retry } from './live.ts'
import type { Receipt } from './publish.ts'
import type { Answer } from './query.ts'
import { connect, type Health, type RelayConnection } from './relay.ts'

/** One question to one relay. `name` is the caller's own, to know the answer by. */
export type Ask = { relay: string; name: string; filter: Filter; page?: boolean; live?: boolean }

/** Events are published to each of their relays. */
export type Job = { event: Event; relays: readonly string[] }

export type Named = Answer & { name: string }

/** Times are Unix milliseconds. */
export type Fetching = {
  deadline: number
  /** Milliseconds beyond the grace that a relay may take. */
  patient?: (url: string) => number
  /** Ids that are known already: such an event is not looked at. */
  skip?: (id: string) => boolean
}

export type PoolOptions = {
  keys: Keys
  /** Unix time in milliseconds. */
  now: () => number
  /** The way to a relay through a proxy. */
  agentFor?: ((url: string) => Agent | undefined | Promise<Agent | undefined>) | undefined
  trace?: ((line: string) => void) | undefined
  /** Milliseconds that the other relays get once one has answered. */
  grace?: number
  retry?: Retry
  line?: Partial<LineOptions>
}

export type Pool = {
  /** Starts to connect, so that the answers come sooner. */
  warm(urls: readonly string[]): void
  /** Asks everything side by side. One answer per ask, in their order. */
  fetch(asks: readonly Ask[], fetching: Fetching): Promise<Named[]>
  /** Publishes everything side by side. One receipt per event and relay, in the order of the jobs. */
  publish(jobs: readonly Job[], until: { deadline: number }): Promise<Receipt[]>
  /** What live asks brought after their answers: as soon as there is something, or nothing at the deadline (Unix ms). */
  next(deadline: number): Promise<Arrival[]>
  relays(): Health[]
  /** Ends everything at once; nothing keeps the process alive afterwards. */
  close(): void
}

const mostConnections = 12

const tooMany = `not contacted: there are ${mostConnections} relays already`

export function openRelays(options: PoolOptions): Pool {
  const { keys, now, agentFor, trace, grace: graceMs = 250, retry = { firstMs: 1_000, longestMs: 60_000 } } = options
  const connections = new Map<string, RelayConnection>()
  const troubles = new Map<string, Refusal>()
  const live = openLive(now, retry)
  // How they did, once the pool is closed.
  let last: Health[] | undefined

  /** The connection to a relay, made anew when it was lost; undefined when there are too many. */
  function connectionTo(url: string): RelayConnection | undefined {
    const known = connections.get(url)
    if (known && !known.lost()) return known
    const open = [...connections.values()].filter((one) => !one.lost())
    if (last || open.length >= mostConnections) return undefined
    const fresh = connect(url, { ...options.line, keys, now, trace, agent: agentFor?.(url) })
    connections.set(url, fresh)
    return fresh
  }

  async function ask(one: Ask, fetching: Fetching, cut?: AbortSignal, failures = 0): Promise<Answer> {
    const { relay, filter, page, live: isLive } = one
    const since = now()
    const answer = await connectionTo(relay)?.query({
      ...{ filter, page, live: isLive, cut, deadline: fetching.deadline, skip: fetching.skip },
      onEvent: (event, size) => live.arrived({ event, relay }, size),
      onEnd: (refusal) => live.lost(refusal, since, failures, (count) => void askAgain(one, fetching, count)),
    })
    return answer ?? { relay, events: [], complete: false, dropped: 0, ...notContacted() }
  }

  // Whose answer nobody waits for: given at once, and all that it would have held arrives live.
  async function askAgain(one: Ask, { skip }: Fetching, failures: number): Promise<void> {
    const { events } = await ask(one, { deadline: now(), ...(skip && { skip }) }, undefined, failures)
    for (const event of events) live.arrived({ event, relay: one.relay }, JSON.stringify(event).length)
  }

  async function fetch(asks: readonly Ask[], fetching: Fetching): Promise<Named[]> {
    const heardAt = (url: string) => connections.get(url)?.heardAt() ?? 0
    const race = openRace({ relays: asks.map((one) => one.relay), graceMs, patient: fetching.patient, heardAt, now })
    const unanswered = new Set(asks)
    const answers = asks.map(async (one) => {
      const answer = await ask(one, fetching, race.cut(one.relay))
      if (answer.complete) unanswered.delete(one)
      if (![...unanswered].some(({ relay }) => relay === one.relay)) race.won()
      note(answer.relay, answer.complete ? undefined : answer)
      if (one.live) for (const event of answer.events) live.delivered(event)
      return { ...answer, name: one.name }
    })
    return Promise.all(answers).finally(race.over)
  }

  async function publish(jobs: readonly Job[], { deadline }: { deadline: number }): Promise<Receipt[]> {
    const receipts = await Promise.all(jobs.map((job) => publishOne(job, deadline)))
    return receipts.flat()
  }

  function publishOne({ event, relays }: Job, deadline: number): Promise<Receipt[]> {
    const urls = [...new Set(relays)]
    const race = openRace({ relays: urls, graceMs, now })
    const receipts = urls.map(async (relay) => {
      const told = await connectionTo(relay)?.publish(event, deadline, race.cut(relay))
      const receipt = told ?? { relay, event: event.id, accepted: false, ...notContacted() }
      if (receipt.accepted) race.won()
      note(relay, receipt.accepted ? undefined : receipt)
      return receipt
    })
    return Promise.all(receipts).finally(race.over)
  }

  function notContacted(): Refusal {
    return { reason: 'unreachable', text: last ? 'closed by us' : tooMany }
  }

  function note(relay: string, trouble: { reason?: Reason; text?: string } | undefined): void {
    if (trouble === undefined) troubles.delete(relay)
    else troubles.set(relay, { reason: trouble.reason ?? 'error', text: trouble.text ?? '' })
  }

  /** How each relay did the last time that something was wanted of it. */
  function health(): Health[] {
    return [...connections.values()].map((connection) => {
      const { error, ...rest } = connection.health()
      const trouble = troubles.get(rest.url)
      const why = trouble ? `${trouble.reason}: ${trouble.text}` : error
      return { ...rest, ok: rest.ok && trouble?.reason !== 'silent', ...(why !== undefined && { error: why }) }
    })
  }

  return {
    warm(urls) {
      for (const url of urls) connectionTo(url)
    },
    fetch,
    publish,
    next: live.next,
    relays: () => last ?? health(),
    close() {
      last ??= health()
      live.close()
      for (const connection of connections.values()) connection.close()
    },
  }
}
