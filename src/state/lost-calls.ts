// What a peer says that it has lost: a call, or the keys of all its calls with us.
import { type Log, peerOf } from '../call/log.ts'
import { unknownPeer } from './peer-record.ts'
import { hasPassed } from './retry.ts'
import type { Transaction } from './transaction.ts'

/** Seconds for which a loss explains a fork that comes of it. */
const EXPLAINS_FOR = 86_400

/**
 * "It carries no call-id where seals of a peer could not be opened after two complete replays (their keys are lost here): then it counts
 * for each call with that peer that has unacked signals of its receiver, an `end` among them."
 */
export function receiveLost(edit: Transaction, peer: string, { me, now }: { me: string; now: number }): undefined {
  const logs = Object.values(edit.state.logs).filter((log) => peerOf(log, me) === peer)
  // Of somebody who has no call with us nothing is kept.
  if (logs.length === 0) return
  edit.table('peers')[peer] = { ...(edit.index.peers[peer] ?? unknownPeer()), keysLostAt: now }
  for (const { id, fork, outbox } of logs)
    if (fork === undefined && Object.keys(outbox).length > 0) markLost(edit.log(id), now)
}

/** The peer says that this call is unknown there. */
export function markLost(log: Log, now: number): void {
  if (log.peerLostAt === undefined) log.unread = [...log.unread.filter((mark) => mark !== 'lost'), 'lost']
  log.peerLostAt = now
}

/**
 * Who has lost its keys accepts once more, and forks the call: that it has lost them is told beside the fork that comes of it, whichever
 * of the two was heard first, for it says why. Not beside one that the agent has read already.
 */
export function explainForks(edit: Transaction, { me, now }: { me: string; now: number }): void {
  for (const log of Object.values(edit.state.logs)) {
    if (log.fork === undefined || log.peerLostAt !== undefined || !log.unread.includes('forked')) continue
    const lostAt = edit.index.peers[peerOf(log, me) ?? '']?.keysLostAt
    if (lostAt !== undefined && !hasPassed(lostAt, EXPLAINS_FOR, now)) markLost(edit.log(log.id), now)
  }
}
