// Publishes one event to one relay, until the relay has said what it makes of it.
import type { Event } from '../../nostr/event.ts'
import type { EventVerdict, Refusal } from '../../nostr/messages.ts'
import { foreign } from '../../sanitize.ts'
import { beforeAbort, deferred, sleep } from '../timers.ts'
import type { Connection } from './connection.ts'

/** What became of one event at one relay. `accepted`: an OK true, and nothing else. */
export type PublishAnswer = { relay: string; event: string } & EventVerdict

/** Publishes an event. Ends at `deadline` (Unix ms) or when cut off, and never rejects. */
export async function publish(
  connection: Connection,
  event: Event,
  deadline: number,
  cut?: AbortSignal,
): Promise<PublishAnswer> {
  const stop = connection.until(deadline, cut)
  const verdict = await publishUntilAnswered(connection, event, deadline, stop.signal)
  stop.clear()
  return { relay: connection.url, event: event.id, ...verdict }
}

async function publishUntilAnswered(
  connection: Connection,
  event: Event,
  deadline: number,
  signal: AbortSignal,
): Promise<EventVerdict> {
  let last: EventVerdict | undefined
  // A guest may be asked for its identity after it has shown a throw-away key.
  let demands = connection.guest ? 2 : 1
  await beforeAbort(signal, connection.ready)
  for (let pauseMs = connection.backoffMs; ; pauseMs *= 2) {
    if (!(await awaitTurn(connection, deadline, signal)))
      return rejection(connection.lost() ?? last ?? unsentReason(connection))
    const verdict = await sendEvent(connection, event, signal)
    if (verdict === undefined) return rejection(connection.lost() ?? last ?? connection.late(false))
    last = verdict
    if (demandsAuth(connection, verdict) && demands > 0) {
      demands -= 1
      const taken = await authenticate(connection, event, signal)
      if (taken) return taken
      const refusal = connection.auth.refusal()
      if (refusal) return rejection(refusal)
    } else if (verdict.reason === 'rate-limited') {
      connection.pacer.hold(pauseMs)
    } else {
      return verdict
    }
  }
}

// `restricted` means that a key "is still not allowed" (NIP-42): final, unless it was the throw-away key of a guest.
function demandsAuth({ auth, guest }: Connection, { accepted, reason }: EventVerdict): boolean {
  if (accepted || reason === 'auth-required') return !accepted
  return guest && auth.state() === 'granted' && (reason === 'restricted' || reason === 'blocked')
}

/** Authenticates and waits for what the relay makes of that; gives its OK for the event, where that comes first. */
async function authenticate(
  connection: Connection,
  event: Event,
  signal: AbortSignal,
): Promise<EventVerdict | undefined> {
  const { promise: taken, resolve } = deferred<EventVerdict | undefined>()
  // A NOTICE names no event: ours may be taken all the same.
  const stop = connection.pendingOks.on(event.id, (verdict) => verdict.accepted && resolve(verdict))
  const identify = async () => {
    connection.demand('write')
    await connection.auth.settled()
    if (connection.auth.refusal() && connection.demand('write')) await connection.auth.settled()
    return undefined
  }
  const verdict = await beforeAbort(signal, Promise.race([taken, identify()]))
  stop()
  return verdict
}

/** Waits for the next turn to publish on this connection; false where time is up before it comes. */
async function awaitTurn(connection: Connection, deadline: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  const waitMs = connection.pacer.turnWithin(deadline - connection.now())
  return waitMs === 0 || (waitMs !== undefined && (await sleep(waitMs, signal)))
}

async function sendEvent(connection: Connection, event: Event, signal: AbortSignal): Promise<EventVerdict | undefined> {
  const { promise, resolve } = deferred<EventVerdict>()
  const stop = connection.pendingOks.on(event.id, resolve)
  connection.send({ type: 'EVENT', event })
  const verdict = await beforeAbort(signal, promise)
  stop()
  return verdict
}

function unsentReason(connection: Connection): Refusal {
  if (!connection.measured()) return connection.late(false)
  return { reason: 'slow', text: foreign`not sent yet when time was up: events go out at a measured pace` }
}

function rejection({ reason, text }: Refusal): EventVerdict {
  return { accepted: false, reason, text }
}
