// The client of one relay: asks it, publishes to it, and lets go of it at once.
import type { Event } from '../../nostr/event.ts'
import type { Refusal } from '../../nostr/messages.ts'
import type { Foreign } from '../../sanitize.ts'
import type { Rebuff } from '../../state/relay-memory.ts'
import { type ConnectionOptions, openConnection } from './connection.ts'
import { type PublishAnswer, publish } from './publish.ts'
import { type Query, type QueryAnswer, query } from './query.ts'

export type RelayHealth = {
  url: string
  ok: boolean
  /** From dialing to the open WebSocket. */
  latencyMs?: number
  /** Our clock minus the relay's, in seconds. */
  clockAhead?: number
  error?: Foreign
}

export type RelayClient = {
  url: string
  /** Asks the relay. Throws RangeError where kind 1059 is asked for together with other kinds. */
  query(ask: Query): Promise<QueryAnswer>
  /** Publishes an event. `deadline`: Unix ms; `cut`: ends the wait before that. */
  publish(event: Event, deadline: number, cut?: AbortSignal): Promise<PublishAnswer>
  health(): RelayHealth
  /** When the relay last sent an event or an EOSE, Unix ms; 0 for never. */
  heardAt(): number
  /** Why the connection was lost; undefined while it was not. It does not come back: open another client. */
  lost(): Refusal | undefined
  /** Of a lost connection: whether the relay wants to be left alone; `closedOn`: the size of the message on which it closed, in bytes. */
  rebuff(): Rebuff | undefined
  closedOn(): number | undefined
  /** Ends everything at once; what is still open is answered as unreachable. */
  close(): void
}

/** Starts to connect, and takes questions at once. Its promises never reject, and nothing outlives `close`. */
export function openRelayClient(url: string, options: ConnectionOptions): RelayClient {
  const connection = openConnection(url, options)
  return {
    url,
    query: (ask) => query(connection, ask),
    publish: (event, deadline, cut) => publish(connection, event, deadline, cut),
    health() {
      const lost = connection.lost()
      const measured = connection.measured()
      const error = lost ? { error: lost.text } : {}
      return { url, ok: measured !== undefined && lost === undefined, ...measured, ...error }
    },
    heardAt: connection.heardAt,
    lost: connection.lost,
    rebuff: connection.rebuff,
    closedOn: connection.closedOn,
    close: connection.close,
  }
}
