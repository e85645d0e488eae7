// The connections of one run: one per relay, made when first needed and again when lost, and how each of them does.
import type { Refusal } from '../nostr/messages.ts'
import type { LineOptions } from './line.ts'
import { connect, type Health, type RelayConnection } from './relay.ts'
import type { Way } from './way.ts'

export type Dialling = Omit<LineOptions, 'way'> & {
  /** Made anew for each connection. */
  wayTo?: ((url: string) => Way | Promise<Way>) | undefined
}

export type Connections = {
  /** The connection to a relay, or why there is none. */
  to(url: string): RelayConnection | Refusal
  /** When a relay last sent something, in `now`'s time; 0 if never. */
  heardAt(url: string): number
  /** What went wrong the last time that something was wanted of a relay, if anything. */
  note(url: string, trouble: Refusal | undefined): void
  health(): Health[]
  close(): void
}

const most = 12

export function openConnections({ wayTo, ...options }: Dialling): Connections {
  const connections = new Map<string, RelayConnection>()
  const troubles = new Map<string, Refusal>()
  // How they did, once all of it is over.
  let last: Health[] | undefined

  function health(connection: RelayConnection): Health {
    const { error, ...rest } = connection.health()
    const trouble = troubles.get(rest.url)
    const why = trouble ? `${trouble.reason}: ${trouble.text}` : error
    return { ...rest, ok: rest.ok && trouble?.reason !== 'silent', ...(why !== undefined && { error: why }) }
  }

  const healths = () => last ?? [...connections.values()].map(health)

  return {
    to(url) {
      const known = connections.get(url)
      if (known && !known.lost()) return known
      if (last) return { reason: 'unreachable', text: 'closed by us' }
      const open = [...connections.values()].filter((one) => !one.lost())
      if (open.length >= most) return { reason: 'unreachable', text: `not contacted: there are ${most} relays already` }
      const fresh = connect(url, { ...options, way: wayTo?.(url) })
      connections.set(url, fresh)
      return fresh
    },
    heardAt: (url) => connections.get(url)?.heardAt() ?? 0,
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
