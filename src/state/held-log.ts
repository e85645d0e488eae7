// What is held of a call, as call/placement.ts asks for it.

import type { Log } from '../call/log.ts'
import type { HeldLog } from '../call/placement.ts'
import { type LogLookup, seqKey } from './transaction.ts'

/** The log of a call by author and number, its archived segments included as far as they are known without reading them. */
export function heldLog(log: Log, lookup: LogLookup): HeldLog {
  return {
    call: log.id,
    idAt: (author, seq) => {
      const known = lookup.taken.get(seqKey({ from: author, seq }))?.id
      if (known !== undefined) return known
      const tail = log.archive?.tails[author]
      if (tail === undefined || seq > tail.seq) return undefined
      return seq === tail.seq ? tail.id : 'archived'
    },
    last: (author) => lookup.last.get(author) ?? { seq: 0, id: undefined },
    hasEnded: (author) => lookup.ended.has(author),
    waitingAt: (seq) => lookup.waiting.get(seq) ?? 0,
    frozen: log.verified !== undefined,
    forked: log.fork !== undefined,
  }
}
