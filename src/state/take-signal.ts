// A signal takes its place in a call, and so does whatever has waited for it.

import { type Log, type LogEntry, parsedSignal, signalOf } from '../call/log.ts'
import { placeSignal } from '../call/placement.ts'
import { isDowngraded, sealedSignalOf, secrecyIn } from '../call/secrecy.ts'
import type { Signal } from '../call/signal.ts'
import { type AdmissionPolicy, mayCall } from './admission.ts'
import { keepAside, recordFork } from './fork.ts'
import { heldLog } from './held-log.ts'
import { addToLookup, type LogLookup, seqKey, type Transaction } from './transaction.ts'
import { isUnanswered } from './unanswered.ts'

/** `me`: our own key; `now`: unix seconds. */
export type TakeContext = { me: string; now: number; admission: AdmissionPolicy }

/** Takes a signal, and then whatever has waited for it. */
export function takeInTurn(
  edit: Transaction,
  log: Log,
  first: { signal: Signal; entry: LogEntry },
  context: TakeContext,
): void {
  let next: { signal: Signal; entry: LogEntry } | undefined = first
  while (next !== undefined && log.fork === undefined) {
    const { signal }: { signal: Signal } = next
    take(edit, log, next, context)
    next = placeWaiting(edit, log, signal, context)
  }
}

function take(
  edit: Transaction,
  log: Log,
  { signal, entry }: { signal: Signal; entry: LogEntry },
  context: TakeContext,
): void {
  const lookup = edit.lookup(log)
  // "An `ack` that is lower than that of `prev` is read as that of `prev`, and the line is marked; receipts count" (docs/PROTOCOL.md,
  // "Order").
  const before = Math.max(lookup.acks.get(signal.from) ?? 0, log.peerReceiptAck ?? 0)
  const marked = signal.ack.seq < before ? { ...entry, hadAcked: before } : entry
  edit.entries(log)[signal.id] = marked
  addToLookup(lookup, signal)
  if (signal.body.type === 'end') log.ackedAtPeerEnd = log.peerAcked.seq
  if (signal.body.type === 'accept') {
    lookup.secrecy = secrecyIn(log)
    dropDowngraded(edit, log)
    mergeRequest(edit, log, signal.body.merged, signal.from)
  }
  if (isNews(lookup, signal, context)) log.unread.push(signal.id)
}

/** Whether a signal came under the identities' key in a call that has its own. @param acked up to where the peer has our signals */
export function isDowngradeIn({ secrecy }: LogLookup, signal: Signal, acked: number): boolean {
  if (secrecy?.sealedWith !== 'call') return false
  return isDowngraded(sealedSignalOf(signal, secrecy.binding.caller), secrecy.acceptedAt, acked)
}

// Once the accept is here, what came before it, and waits or is kept aside, is judged by how it was sealed. The attack: a message under the
// identities' key is sent ahead of the accept, from which on there are to be none.
function dropDowngraded(edit: Transaction, log: Log): void {
  const lookup = edit.lookup(log)
  const isDropped = ([, { rumor, underCallKey }]: [string, LogEntry]) => {
    const signal = parsedSignal(rumor)
    return signal !== undefined && underCallKey !== true && isDowngradeIn(lookup, signal, log.peerAcked.seq)
  }
  const waiting = Object.entries(log.waiting).filter(isDropped)
  const aside = Object.entries(log.aside).filter(isDropped)
  for (const [, { rumor }] of waiting) {
    const seq = parsedSignal(rumor)?.seq ?? 0
    lookup.waiting.set(seq, (lookup.waiting.get(seq) ?? 1) - 1)
  }
  const dropped = waiting.length + aside.length
  if (dropped === 0) return
  log.waiting = without(log.waiting, waiting)
  log.aside = without(log.aside, aside)
  edit.table('dropped').downgraded = (edit.index.dropped.downgraded ?? 0) + dropped
}

function without<T>(all: Readonly<Record<string, T>>, some: readonly [string, unknown][]): Record<string, T> {
  const ids = new Set(some.map(([id]) => id))
  return Object.fromEntries(Object.entries(all).filter(([id]) => !ids.has(id)))
}

/**
 * The waiting signal that takes its place behind the one just taken: of several that fit, the first that came. What waits is judged when
 * its number, or the one before it, is taken: another one under the same number, or one that links to something else, is a branch.
 */
function placeWaiting(
  edit: Transaction,
  log: Log,
  taken: Signal,
  context: TakeContext,
): { signal: Signal; entry: LogEntry } | undefined {
  if (Object.keys(log.waiting).length === 0) return undefined
  const lookup = edit.lookup(log)
  const waiting = { ...log.waiting }
  let next: { signal: Signal; entry: LogEntry } | undefined
  for (const [id, entry] of Object.entries(log.waiting)) {
    const signal = parsedSignal(entry.rumor)
    // A later number waits on; but behind an end nothing comes any more.
    if (signal === undefined || (signal.seq > taken.seq + 1 && !lookup.ended.has(taken.from))) continue
    const fits = signal.seq === taken.seq + 1 && signal.prev === taken.id && !lookup.ended.has(taken.from)
    if (fits && next === undefined) {
      next = { signal, entry }
      delete waiting[id]
      lookup.waiting.set(signal.seq, (lookup.waiting.get(signal.seq) ?? 1) - 1)
      continue
    }
    // A second one that fits is judged once the first has its place.
    if (fits) continue
    delete waiting[id]
    const placement = placeSignal(signal, heldLog(log, lookup), context.me)
    if (placement.type === 'fork') recordFork(log, placement, entry, context.now)
    else if (placement.type === 'aside') keepAside(log, entry, placement.why)
    else if (placement.type === 'archive') log.needsWholeCall = true
  }
  log.waiting = waiting
  return log.fork === undefined ? next : undefined
}

// The other side's accept of our call takes in its own request, which does not ring any more. Any other request that was held rings then.
function mergeRequest(edit: Transaction, log: Log, merged: string | undefined, from: string): void {
  const other = merged === undefined ? undefined : edit.state.logs[merged]
  if (other === undefined || signalOf(other, other.id)?.from !== from || other.mergedInto !== undefined) return
  const mine = edit.log(other.id)
  // One that we have answered is a conversation already.
  if (!isUnanswered(mine, log.entries[log.id]?.rumor.pubkey ?? '')) return
  mine.mergedInto = log.id
  mine.unread = mine.unread.filter((id) => id !== other.id)
  delete mine.heldForGlare
}

// A file is news only once it is whole. What we do not understand ends no wait, and an end that confirms our own is no news.
function isNews(lookup: LogLookup, signal: Signal, { me, admission }: TakeContext): boolean {
  const { body } = signal
  if (body.type === 'file' || body.type === 'opaque') return false
  // The attack: an agent that the policy refuses calls and hangs up, and its farewell is read after all.
  const isCaller = lookup.taken.get(seqKey({ from: signal.from, seq: 1 }))?.body.type === 'request'
  const isAccepted = lookup.taken.get(seqKey({ from: me, seq: 1 }))?.body.type === 'accept'
  if (isCaller && !isAccepted && !mayCall(admission, admission.trust(signal.from))) return false
  return body.type !== 'end' || body.text !== '' || body.outcome !== undefined || !lookup.ended.has(me)
}
