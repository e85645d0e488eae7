// A ringing call before our answer: its request and a counter.
import type { Log } from '../call/log.ts'
import type { Signal } from '../call/signal.ts'

/**
 * Whether we have said nothing in somebody else's call. "Before an answer a ringing call is its request and a counter at the callee"
 * (docs/PROTOCOL.md, "What is taken"). What is not kept is offered again, since we do not acknowledge it.
 * @param me our own key
 */
export function isUnanswered(log: Log, me: string): boolean {
  const request = log.entries[log.id]?.rumor
  return request?.pubkey !== me && Object.values(log.entries).every(({ rumor }) => rumor.pubkey !== me)
}

/** Whether a signal is a caller's hang-up before it has heard of an answer. */
export function isHangUp({ body, seq, ack }: Signal): boolean {
  return body.type === 'end' && seq === 2 && ack.seq === 0
}

/** Counts what comes before our answer and is not kept; receipts are not counted. @returns why it was dropped */
export function countUnanswered(log: Log, { body }: Signal): 'unanswered' {
  if (body.type !== 'receipt') log.countBeforeAnswer = (log.countBeforeAnswer ?? 0) + 1
  return 'unanswered'
}
