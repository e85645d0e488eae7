// Both call each other at once ("glare"): one of the two calls becomes the conversation, without a further answer.
import { settle } from './call.ts'
import type { Log } from './log.ts'
import type { Signal } from './signal.ts'

/** What the contest makes of the first of the two calls; undefined when there is none. */
export type Contest = 'won' | 'lost' | undefined

/**
 * Two calls of the same pair, each way round, are at glare when both rang at the same time and neither caller had heard
 * of the other call before making its own. The smaller id wins. It depends on what was said only, never on who looks or
 * on what came first, so both sides find the same.
 */
export function contest(log: Log, rival: Log): Contest {
  const [one, other] = [settle(log), settle(rival)]
  const a = one.find((s) => s.id === log.id)
  const b = other.find((s) => s.id === rival.id)
  if (a === undefined || b === undefined || a.from !== b.to || a.to !== b.from) return undefined
  if (!(ringsAt(a, b.at) && ringsAt(b, a.at))) return undefined
  if (knewOf(one, b) || knewOf(other, a)) return undefined
  return a.id < b.id ? 'won' : 'lost'
}

function ringsAt(request: Signal, at: number): boolean {
  return request.body.type === 'request' && at < request.body.deadline
}

// Whether the author of `request` had heard of `call` when it asked: by its own clock it had said something there before,
// or the other side had hung up (a call back after a cancelled call is no glare). An answer counts in the same second too:
// where two calls crossed nobody answers.
function knewOf(call: Signal[], request: Signal): boolean {
  return call.some(({ at, from, body: { type } }) => {
    if (from !== request.from) return type === 'end' && at < request.at
    return at < request.at || (at === request.at && (type === 'accept' || type === 'reject'))
  })
}
