// What a peer says that it has lost: a call, or the keys of all its calls with us.
import { type Log, peerOf } from '../call/log.ts'
import { unknownPeer } from './peer-record.ts'
import { hasPassed } from './retry.ts'
import type { Transaction } from './transaction.ts'

/** Seconds for which a loss explains a fork that comes of it. */
const EXPLAINS_FOR = 86_400

/**
 * Takes in a `lost` that names no call: the peer has lost the keys of its calls with us. It counts for each of them in which something of
 * ours is not acknowledged (docs/PROTOCOL.md, "Delivery").
 */
export function receiveLost(edit: Transaction, peer: string, { me, now }: { me: string; now: number }): undefined {
  const logs = Object.values(edit.state.logs).filter((log) => peerOf(log, me) === peer)
  // Nothing is kept about somebody who has no call with us.
  if (logs.length === 0) return
  edit.table('peers')[peer] = { ...(edit.index.peers[peer] ?? unknownPeer()), keysLostAt: now }
  for (const { id, fork, outbox } of logs)
    if (fork === undefined && Object.keys(outbox).length > 0) markLost(edit.log(id), now)
}

/** Notes that a call is lost at its peer, which is news the first time. */
export function markLost(log: Log, now: number): void {
  if (log.peerLostAt === undefined) log.unread = [...log.unread.filter((mark) => mark !== 'lost'), 'lost']
  log.peerLostAt = now
}

/**
 * A peer that has lost its keys accepts once more, which forks the call. That it has lost them is told beside such a fork, since it says
 * why, whichever of the two was heard first; but not beside a fork that our agent has read of already.
 */
export function explainForks(edit: Transaction, { me, now }: { me: string; now: number }): void {
  for (const log of Object.values(edit.state.logs)) {
    if (log.fork === undefined || log.peerLostAt !== undefined || !log.unread.includes('forked')) continue
    const lostAt = edit.index.peers[peerOf(log, me) ?? '']?.keysLostAt
    if (lostAt !== undefined && !hasPassed(lostAt, EXPLAINS_FOR, now)) markLost(edit.log(log.id), now)
  }
}
