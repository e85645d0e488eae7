// A ringing call before our answer: its request and a counter.
import type { Log } from '../call/log.ts'
import type { Signal } from '../call/signal.ts'

/**
 * Whether we have said nothing in a call of somebody else's. "Before an answer a ringing call is its request and a counter: nothing else of
 * a stranger's is stored but its `end`, which cancels." What was not kept is offered again, since we do not acknowledge it.
 * @param me our own key
 */
export function isUnanswered(log: Log, me: string): boolean {
  const request = log.entries[log.id]?.rumor
  return request?.pubkey !== me && Object.values(log.entries).every(({ rumor }) => rumor.pubkey !== me)
}

/** Whether a signal is how a caller hangs up before it has heard of an answer. */
export function isHangUp({ body, seq, ack }: Signal): boolean {
  return body.type === 'end' && seq === 2 && ack.seq === 0
}

/** Counts what comes before our answer and is not kept; why it was dropped. */
export function countUnanswered(log: Log, { body }: Signal): 'unanswered' {
  if (body.type !== 'receipt') log.countBeforeAnswer = (log.countBeforeAnswer ?? 0) + 1
  return 'unanswered'
}
