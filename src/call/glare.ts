// Both call each other at once ("glare"): one of the two calls becomes the conversation, without a further answer.
import { type Log, signalOf } from './log.ts'
import type { Body, Signal } from './signal.ts'

/** What the contest makes of the first of the two calls; undefined when there is none. */
export type Contest = 'won' | 'lost' | undefined

type Request = Signal & { body: Extract<Body, { type: 'request' }> }

/**
 * Two calls of the same pair, each way round, are at glare when both rang at the same time and neither caller had heard
 * of the other call before making its own. The smaller id wins.
 *
 * It depends on the two requests, which both sides hold before they say anything in either call: what comes later cannot
 * take a conversation back that somebody has spoken in by then.
 */
export function contest(log: Log, rival: Log): Contest {
  const [a, b] = [requestOf(log), requestOf(rival)]
  if (a === undefined || b === undefined || a.from !== b.to || a.to !== b.from) return undefined
  if (a.at >= b.body.deadline || b.at >= a.body.deadline) return undefined
  if (follows(a, b, rival) || follows(b, a, log)) return undefined
  return a.id < b.id ? 'won' : 'lost'
}

/** What several contests make of one call: whoever loses one is not the conversation. */
export function verdictOf(contests: readonly Contest[]): Contest {
  if (contests.includes('lost')) return 'lost'
  return contests.includes('won') ? 'won' : undefined
}

function requestOf(log: Log): Request | undefined {
  const signal = signalOf(log, log.id)
  return signal?.body.type === 'request' ? { ...signal, body: signal.body } : undefined
}

// A call back names the call that it follows. One by an author that does not name it follows it when its author had
// answered by then, by its own clock; nobody answers a call at glare.
function follows(request: Request, other: Request, log: Log): boolean {
  if (request.body.after?.includes(other.id)) return true
  return Object.keys(log.entries).some((id) => {
    const signal = signalOf(log, id)
    const answer = signal?.body.type === 'accept' || signal?.body.type === 'reject'
    return answer && signal.from === request.from && signal.at <= request.at
  })
}
