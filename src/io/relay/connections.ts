// The connections of one run: one per relay, made when first needed and again when lost, and the health of each.
import type { Refusal } from '../../nostr/messages.ts'
import { foreign } from '../../sanitize.ts'
import type { RelayObservation } from '../../state/relay-memory.ts'
import type { HttpRoute } from '../http/agent.ts'
import { openRelayClient, type RelayClient, type RelayHealth } from './clients.ts'
import type { ConnectionOptions } from './connection.ts'
import { openRefusals, type Refusals } from './refusals.ts'

export type DialOptions = Omit<ConnectionOptions, 'route' | 'guest' | 'subscriptions' | 'onFewer'> & {
  /** Makes the route for one connection. */
  routeTo?: ((url: string) => HttpRoute | Promise<HttpRoute>) | undefined
  /** Whether a relay is our own choice; where this is left out, all are. */
  own?: ((url: string) => boolean) | undefined
}

export type Connections = {
  /** What relays have shown not to take. */
  refusals: Refusals
  /** The connection to a relay for a question, or for an event of `size` bytes; or why there is none, and until when, Unix ms. */
  to(url: string, size?: number): RelayClient | (Refusal & { until?: number })
  /** What this run has found out about each relay. */
  observed(): RelayObservation[]
  isOpen(url: string): boolean
  /** Twice the median of the ms that the open connections took to connect, at most `LONGEST_DIAL`; 0 where none is open. */
  typicalDialMs(): number
  /** When a relay last sent something, in the time of `now`; 0 for never. */
  heardAt(url: string): number
  /** Whether a relay gave no answer in time the last time that something was wanted of it. */
  isSilent(url: string): boolean
  /** What went wrong the last time that something was wanted of a relay, if anything. */
  note(url: string, trouble: Refusal | undefined): void
  health(): RelayHealth[]
  close(): void
}

/** Most relays that one run is connected to at a time. */
const MAX_CONNECTIONS = 12

/** Most ms that a dial is waited for where nobody needs the answer. */
const LONGEST_DIAL = 750

/** Opens the connections of a run. None is dialed before it is used. */
export function openConnections({ routeTo, own = () => true, ...options }: DialOptions): Connections {
  const connections = new Map<string, RelayClient>()
  const dials = new Map<string, number>()
  const refusals = openRefusals(options.now)
  // Relays that were not contacted, and why.
  const avoided = new Map<string, Refusal>()
  const troubles = new Map<string, Refusal>()
  // The health of all relays, once `close` was called.
  let last: RelayHealth[] | undefined

  function health(connection: RelayClient): RelayHealth {
    const { error, ...rest } = connection.health()
    const trouble = troubles.get(rest.url)
    const why = trouble ? foreign`${trouble.reason}: ${trouble.text}` : error
    return { ...rest, ok: rest.ok && trouble?.reason !== 'silent', ...(why !== undefined && { error: why }) }
  }

  const healths = () =>
    last ?? [
      ...[...connections.values()].map(health),
      ...[...avoided].map(([url, { text }]) => ({ url, ok: false, error: text })),
    ]

  const reviewed = new WeakSet<RelayClient>()

  /** Records why the last connection to a relay was lost, once. */
  function review(url: string): void {
    const client = connections.get(url)
    if (client?.lost() === undefined || reviewed.has(client)) return
    reviewed.add(client)
    const rebuff = client.rebuff()
    const size = client.closedOn()
    if (rebuff !== undefined) refusals.recordRebuff(url, rebuff)
    if (size !== undefined) refusals.recordClosedOn(url, size)
  }

  return {
    refusals,
    observed: () =>
      [...connections].map(([url, client]) => {
        review(url)
        const reached = client.health().latencyMs !== undefined
        return { url, dials: dials.get(url) ?? 0, reached, ...refusals.found(url) }
      }),
    to(url, size) {
      review(url)
      const known = connections.get(url)
      const barred = refusals.barred(url, size === undefined ? 'read' : 'write') ?? refusals.tooLarge(url, size ?? 0)
      if (barred) {
        if (known === undefined) avoided.set(url, barred)
        return barred
      }
      avoided.delete(url)
      if (known && !known.lost()) return known
      if (last) return { reason: 'unreachable', text: foreign`closed by us` }
      const open = [...connections.values()].filter((one) => !one.lost())
      if (open.length >= MAX_CONNECTIONS)
        return { reason: 'unreachable', text: foreign`not contacted: there are ${MAX_CONNECTIONS} relays already` }
      const fresh = openRelayClient(url, {
        ...{ ...options, guest: !own(url), route: routeTo?.(url) },
        subscriptions: refusals.subscriptions(url),
        onFewer: (subscriptions) => refusals.recordLimit(url, subscriptions),
      })
      connections.set(url, fresh)
      dials.set(url, (dials.get(url) ?? 0) + 1)
      return fresh
    },
    isOpen: (url) => isOpen(connections.get(url)),
    typicalDialMs() {
      const open = [...connections.values()].filter(isOpen)
      const took = open.map((client) => client.health().latencyMs ?? 0).sort((a, b) => a - b)
      return Math.min(LONGEST_DIAL, 2 * (took[Math.floor(took.length / 2)] ?? 0))
    },
    heardAt: (url) => connections.get(url)?.heardAt() ?? 0,
    isSilent: (url) => troubles.get(url)?.reason === 'silent',
    note(url, trouble) {
      if (trouble) troubles.set(url, trouble)
      else troubles.delete(url)
    },
    health: healths,
    close() {
      last = healths()
      for (const connection of connections.values()) connection.close()
    },
  }
}

function isOpen(client: RelayClient | undefined): boolean {
  return client !== undefined && client.lost() === undefined && client.health().latencyMs !== undefined
}
