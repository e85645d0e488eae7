// What time does to calls: rings come to nothing, calls expire, what was never acknowledged is told, and strangers' rings are forgotten.

import { transferKey } from '../call/file-transfer.ts'
import { type Log, signalOf, UNDELIVERED } from '../call/log.ts'
import { type Call, replay } from '../call/replay.ts'
import { UNCONNECTED_PHASES } from '../call/rules.ts'
import type { SignalType } from '../call/signal.ts'
import { type AdmissionPolicy, mayCall, overflowingCalls, type RingingCall } from './admission.ts'
import { noteRemoval } from './clean-up.ts'
import type { CompleteRead } from './cursors.ts'
import { KEY_LIFETIME, type Removal } from './retention.ts'
import { hasPassed } from './retry.ts'
import type { CallSummary, State } from './state.ts'
import { beginTransaction, type Transaction } from './transaction.ts'

/** `isNew`: whether a call has come in with this run. */
export type ExpiryContext = {
  me: string
  now: number
  completeReads: readonly CompleteRead[]
  admission: AdmissionPolicy
  isNew: (call: string) => boolean
}

/** Ends the rings that nobody answered in time, and makes room among those of strangers. */
export function expireRinging(edit: Transaction, expiry: ExpiryContext): void {
  const { me, now, admission } = expiry
  const strangers: RingingCall[] = []
  for (const log of Object.values(edit.state.logs)) {
    const call = replay(log, me, now)
    if (call?.phase !== 'ringing') continue
    const heard = log.entries[call.id]?.heard ?? call.createdAt
    if (isMissed(call, log, expiry)) {
      const mine = edit.log(call.id)
      mine.missedAt = now
      delete mine.heldForGlare
      mine.unread = mine.unread.filter((item) => item !== call.id)
      // The attack: an agent that the policy refuses dates a request so that its ring is over when it comes, and its topic is read after all.
      if (call.role === 'caller' || mayCall(admission, admission.trust(call.peer))) mine.unread.push('missed')
    } else if (call.role === 'callee' && admission.trust(call.peer) === 'unknown') {
      strangers.push({ id: call.id, peer: call.peer, heard, at: call.createdAt })
    }
  }
  // The attack: a ring that is never answered costs its caller nothing. The oldest is missed without being news, and what
  // has only just come in leaves no trace: an honest caller offers it again.
  for (const id of overflowingCalls(strangers)) {
    edit.table('dropped').ringing = (edit.index.dropped.ringing ?? 0) + 1
    if (expiry.isNew(id)) {
      delete edit.state.logs[id]
      delete edit.table('calls')[id]
    } else {
      const log = edit.log(id)
      log.missedAt = now
      log.unread = []
    }
  }
}

// As the caller we say so only after a complete read since then has shown no answer. Both times are by our own clock.
function isMissed({ deadline, role }: Call, { ringsUntil }: Log, { now, completeReads }: ExpiryContext): boolean {
  const until = ringsUntil ?? deadline
  return now > until && (role === 'callee' || completeReads.some((r) => r.began > until))
}

/** Makes news, once, of what was never acknowledged in calls that have expired or forked: it is not offered any more. */
export function tellUndelivered(edit: Transaction, { me, now }: { me: string; now: number }): void {
  for (const log of Object.values(edit.state.logs)) {
    if (log.undeliveredToldAt !== undefined || Object.keys(log.outbox).length === 0) continue
    const phase = replay(log, me, now)?.phase
    if (phase !== 'expired' && phase !== 'forked') continue
    const mine = edit.log(log.id)
    mine.undeliveredToldAt = now
    mine.unread.push(...undeliveredOf(mine, me).map((id) => `${UNDELIVERED}${id}`))
  }
}

const WORDS: readonly SignalType[] = ['message', 'file', 'propose', 'agree', 'decline', 'escalate']

// A file is told once, by the first of its chunks that is here, whichever of them the peer has.
function undeliveredOf(log: Log, me: string): string[] {
  const signals = Object.keys(log.entries).flatMap((id) => signalOf(log, id) ?? [])
  const chunks = signals.flatMap(({ id, seq, from, body }) =>
    body.type === 'file' && from === me ? [{ id, seq, file: transferKey(body) }] : [],
  )
  const first = new Map(chunks.sort((a, b) => b.seq - a.seq).map(({ file, id }) => [file, id]))
  const missed = signals.filter(
    ({ id, seq, body }) => Object.hasOwn(log.outbox, id) && seq > log.peerAcked.seq && WORDS.includes(body.type),
  )
  return [...new Set(missed.map(({ id, body }) => (body.type === 'file' ? (first.get(transferKey(body)) ?? id) : id)))]
}

/** Seconds for which a stranger's call that came to nothing is kept after anything was last said in it. */
const KEPT_IDLE = 86_400

/**
 * Deletes strangers' calls that came to nothing, a day after anything was last said in them, once they are read. The attack: 20 rings
 * a day and key, each of them a file that stays.
 */
export function removeIdleCalls(
  state: State,
  { trust }: Pick<AdmissionPolicy, 'trust'>,
  now: number,
): { state: State; removals: Removal[] } {
  const idle = Object.entries(state.index.calls).filter(
    ([, call]) => isIdle(call, trust) && now - call.last > KEPT_IDLE && !hasKeyToKeep(call, now),
  )
  if (idle.length === 0) return { state, removals: [] }
  const edit = beginTransaction(state)
  const removals = idle.flatMap(([call]): Removal[] => [
    { type: 'key', call },
    { type: 'transcript', call },
    { type: 'call', call },
  ])
  for (const removal of removals) noteRemoval(edit, removal, now)
  return { state: edit.commit(), removals }
}

function isIdle({ open, direction, phase, peer }: CallSummary, trust: AdmissionPolicy['trust']): boolean {
  return !open && direction === 'incoming' && UNCONNECTED_PHASES.includes(phase) && trust(peer) === 'unknown'
}

// A call that was accepted while its caller hung up has a key, which is kept until 7 days after the call was over.
function hasKeyToKeep({ secrecy, overAt }: CallSummary, now: number): boolean {
  return secrecy === 'call' && overAt !== undefined && !hasPassed(overAt, KEY_LIFETIME, now)
}

/** Most of these calls that stay in the index. */
const MAX_IDLE_CALLS = 1_000

/** Takes strangers' calls that came to nothing out of the index, but for the latest, so that it does not grow with every flood. Their files stay. */
export function pruneCalls(edit: Transaction, { trust }: Pick<AdmissionPolicy, 'trust'>): void {
  const idle = Object.entries(edit.index.calls).filter(([, call]) => isIdle(call, trust))
  if (idle.length <= MAX_IDLE_CALLS) return
  for (const [id] of idle.sort(([, a], [, b]) => b.last - a.last).slice(MAX_IDLE_CALLS)) delete edit.table('calls')[id]
}
