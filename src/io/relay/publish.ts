// One event to one relay, until the relay has said what it makes of it.
import type { Event } from '../../nostr/event.ts'
import type { EventVerdict, Refusal } from '../../nostr/messages.ts'
import { foreign } from '../../sanitize.ts'
import { beforeAbort, deferred, sleep } from '../timers.ts'
import type { Connection } from './connection.ts'

/** What became of one event at one relay. `accepted` is an OK true and nothing else. */
export type PublishAnswer = { relay: string; event: string } & EventVerdict

/** Publishes an event. Ends at `deadline` (Unix ms) or when cut off, and never rejects. */
export async function publish(
  line: Connection,
  event: Event,
  deadline: number,
  cut?: AbortSignal,
): Promise<PublishAnswer> {
  const stop = line.until(deadline, cut)
  const verdict = await deliver(line, event, deadline, stop.signal)
  stop.clear()
  return { relay: line.url, event: event.id, ...verdict }
}

async function deliver(line: Connection, event: Event, deadline: number, signal: AbortSignal): Promise<EventVerdict> {
  let last: EventVerdict | undefined
  // A guest may be asked for more than the key that it has shown first.
  let demands = line.guest ? 2 : 1
  await beforeAbort(signal, line.ready)
  for (let pauseMs = line.backoffMs; ; pauseMs *= 2) {
    if (!(await turn(line, deadline, signal))) return rejection(line.lost() ?? last ?? unsentReason(line))
    const verdict = await send(line, event, signal)
    if (verdict === undefined) return rejection(line.lost() ?? last ?? line.late(false))
    last = verdict
    if (isDemand(line, verdict) && demands > 0) {
      demands -= 1
      const taken = await authenticate(line, event, signal)
      if (taken) return taken
      const refusal = line.auth.refusal()
      if (refusal) return rejection(refusal)
    } else if (verdict.reason === 'rate-limited') {
      line.pacer.hold(pauseMs)
    } else {
      return verdict
    }
  }
}

// Restricted "is still not allowed" (NIP-42), unless what is not allowed is the key that stands for us.
function isDemand({ auth, guest }: Connection, { accepted, reason }: EventVerdict): boolean {
  if (accepted || reason === 'auth-required') return !accepted
  return guest && auth.standing() === 'granted' && (reason === 'restricted' || reason === 'blocked')
}

/** Waits until the relay has made up its mind about who we are; its yes to the event, where that comes first. */
async function authenticate(line: Connection, event: Event, signal: AbortSignal): Promise<EventVerdict | undefined> {
  const { promise: taken, resolve } = deferred<EventVerdict | undefined>()
  // A NOTICE names no event: the one that it seemed to be about may be taken all the same.
  const stop = line.verdicts.on(event.id, (verdict) => verdict.accepted && resolve(verdict))
  const standing = async () => {
    line.demand('write')
    await line.auth.settled()
    if (line.auth.refusal() && line.demand('write')) await line.auth.settled()
    return undefined
  }
  const verdict = await beforeAbort(signal, Promise.race([taken, standing()]))
  stop()
  return verdict
}

/** Waits for this connection's next turn to speak; false when time is up before it comes. */
async function turn(line: Connection, deadline: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  const waitMs = line.pacer.turnWithin(deadline - line.now())
  return waitMs === 0 || (waitMs !== undefined && (await sleep(waitMs, signal)))
}

async function send(line: Connection, event: Event, signal: AbortSignal): Promise<EventVerdict | undefined> {
  const { promise, resolve } = deferred<EventVerdict>()
  const stop = line.verdicts.on(event.id, resolve)
  line.send({ type: 'EVENT', event })
  const verdict = await beforeAbort(signal, promise)
  stop()
  return verdict
}

function unsentReason(line: Connection): Refusal {
  if (!line.measured()) return line.late(false)
  return { reason: 'slow', text: foreign`not sent yet when time was up: events go out at a measured pace` }
}

function rejection({ reason, text }: Refusal): EventVerdict {
  return { accepted: false, reason, text }
}
