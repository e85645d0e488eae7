// What the other side has of ours, by its acknowledgements, and what it asks for again.
import { type Log, signalOf, withoutContent } from '../call/log.ts'
import type { Link, SeqRange, Signal, SignalType } from '../call/signal.ts'
import { onlyRecipient } from '../call/signal-codec.ts'
import { noteRecord } from './peer-record.ts'
import { hasPassed } from './retry.ts'
import { type LogLookup, seqKey, type Transaction } from './transaction.ts'

/** Offers our signals of these types once more, in new wraps: the other side asks for them again, because they did not reach it. */
export function offerAgain(
  edit: Transaction,
  log: Log,
  { me, now }: { me: string; now: number },
  types: readonly SignalType[],
): void {
  if (log.fork !== undefined) return
  const mayOffer = pacedBy(log, now)
  for (const id of Object.keys(log.entries)) {
    const signal = signalOf(log, id)
    if (signal?.from !== me || !types.includes(signal.body.type) || !mayOffer(signal.seq)) continue
    // Offered again without being a confirmation, two ends would answer each other forever.
    if (signal.body.type === 'end' && !isConfirmation(edit.lookup(log), signal)) continue
    const owed = log.outbox[id]
    log.outbox[id] = owed === undefined ? { ...FRESH, offeredAgain: true } : { ...owed, reportedMissing: true }
    noteOffered(log, signal.seq, now)
  }
}

/** Seconds between two answers to the same question for what did not reach the other side. */
const AGAIN = 60

// The first word has a pace of its own, since somebody without the call's key can ask for it. The attack: a thief of an identity asks once
// a minute, so that what the peer itself misses is never offered again.
function pacedBy({ receipts }: Log, now: number): (seq: number) => boolean {
  const [first, others] = [receipts.firstOfferedAgainAt, receipts.offeredAgainAt].map((at = 0) =>
    hasPassed(at, AGAIN, now),
  )
  return (seq) => (seq === 1 ? first : others) === true
}

function noteOffered(log: Log, seq: number, now: number): void {
  log.receipts = { ...log.receipts, [seq === 1 ? 'firstOfferedAgainAt' : 'offeredAgainAt']: now }
}

const FRESH = { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [] }

/**
 * Owes again what the peer reports `missing`, also what it has acknowledged before: its state may have gone back (docs/PROTOCOL.md,
 * "Delivery"). The attack: everything is missing, again and again; the outbox bounds that by time and number.
 */
export function offerMissing(
  edit: Transaction,
  log: Log,
  missing: readonly SeqRange[],
  { me, now }: { me: string; now: number },
): void {
  if (log.fork !== undefined || missing.length === 0) return
  const { taken, last } = edit.lookup(log)
  const mayOffer = pacedBy(log, now)
  const top = last.get(me)?.seq ?? 0
  for (const [first, end] of missing) {
    for (let seq = first; seq <= Math.min(end, top); seq++) {
      const id = taken.get(seqKey({ from: me, seq }))?.id
      if (id === undefined) {
        // It lies in the archive: the change is worked out again over the whole call.
        log.needsWholeCall = true
        continue
      }
      const owed = log.outbox[id]
      // The bytes of a file that was delivered are not kept.
      const isWhole = log.entries[id]?.rumor.content !== '' || signalOf(log, id)?.body.type !== 'file'
      if (owed !== undefined) log.outbox[id] = { ...owed, reportedMissing: true }
      else if (mayOffer(seq) && isWhole) {
        log.outbox[id] = { ...FRESH, offeredAgain: true }
        noteOffered(log, seq, now)
      }
    }
  }
}

/** Notes what the peer has taken, which is no longer owed. @param read up to where somebody there has looked */
export function acknowledge(edit: Transaction, log: Log, ack: Link, read = 0): void {
  if (ack.seq > log.peerAcked.seq) log.peerAcked = ack
  // A `read` counts up to its own `ack`. The attack: a receipt under the identities' key, dated before the accept, says that all was read.
  log.peerRead = Math.max(log.peerRead, Math.min(read, ack.seq, log.peerAcked.seq))
  const { owed } = edit.lookup(log)
  for (const [seq, id] of owed) {
    if (seq > ack.seq) break
    owed.delete(seq)
    markDelivered(edit, log, id)
  }
}

// The peer has it: nothing is owed, and the bytes of a file need not be kept for another try.
function markDelivered(edit: Transaction, log: Log, id: string): void {
  const to = log.entries[id] && onlyRecipient(log.entries[id].rumor)
  if (to !== undefined) noteRecord(edit, to, log.outbox[id]?.accepted ?? [], 'acked')
  delete log.outbox[id]
  const body = signalOf(log, id)?.body
  const entry = log.entries[id]
  if (body?.type === 'file' && body.remote === undefined && entry !== undefined)
    edit.entries(log)[id] = withoutContent(entry)
}

function isConfirmation(lookup: LogLookup, end: Signal): boolean {
  if (end.body.type !== 'end' || end.body.text !== '' || end.body.outcome !== undefined) return false
  return [...lookup.ended].some((author) => author !== end.from && lookup.last.get(author)?.id === end.ack.id)
}
