// Peers from whom seals came that nothing here opens: the keys of their calls are lost here, and they are told so.

import type { OpenedWrap } from '../nostr/nip59-unwrap.ts'
import { type AdmissionPolicy, acquaintanceTest, mayCall } from './admission.ts'
import type { CompleteRead } from './cursors.ts'
import { hasKey } from './early-seals.ts'
import { hasPassed } from './retry.ts'
import type { Index } from './state.ts'
import type { Transaction } from './transaction.ts'

/** Most peers that are remembered, and for how long, in seconds. */
const MAX_UNREADABLE = 100
const REMEMBERED = 14 * 86_400

/** How many complete reads make a key lost. */
const MIN_READS = 2

/** Notes the author of a seal that nothing opens. */
export function noteUnreadable(
  edit: Transaction,
  { unopened }: OpenedWrap,
  { now, admission }: { now: number; admission: AdmissionPolicy },
): void {
  if (unopened === undefined || !mayCall(admission, admission.trust(unopened.from))) return
  const { from } = unopened
  const { unreadable = {} } = edit.index
  if (unreadable[from] !== undefined || isLateOnly(edit.index, from, now)) return
  const recent = Object.entries(unreadable).filter(([, { heard }]) => !hasPassed(heard, REMEMBERED, now))
  const marks: Marks = [...recent, [from, { heard: now, completeReads: 0 }]]
  if (marks.length > MAX_UNREADABLE) makeRoom(marks, acquaintanceTest(edit.index, admission))
  edit.index.unreadable = Object.fromEntries(marks)
}

type Marks = [string, NonNullable<Index['unreadable']>[string]][]

// The attack: seals of a hundred keys that were made for it push a contact out, which then never hears that its words open with nothing.
function makeRoom(marks: Marks, isKnown: (pubkey: string) => boolean): void {
  marks.splice(
    Math.max(
      0,
      marks.findIndex(([peer]) => !isKnown(peer)),
    ),
    1,
  )
}

// What still comes in a call whose key was deleted, by the rule or by hand, does not show that the key of another call is lost.
function isLateOnly({ calls, keysGone = {} }: Index, from: string, now: number): boolean {
  if (!hasPassed(keysGone[from] ?? Number.NEGATIVE_INFINITY, REMEMBERED, now)) return true
  return Object.values(calls).some(
    (call) =>
      call.peer === from && call.secrecy === 'call' && !hasKey(call, now) && now - (call.overAt ?? 0) < 2 * REMEMBERED,
  )
}

/** Counts a complete read for every peer that was noted before it began. */
export function countUnreadable(edit: Transaction, completeReads: readonly CompleteRead[]): void {
  const began = Math.max(0, ...completeReads.map((read) => read.began))
  const { unreadable } = edit.index
  if (began === 0 || unreadable === undefined) return
  edit.index.unreadable = Object.fromEntries(
    Object.entries(unreadable).map(([peer, one]) => [
      peer,
      one.heard < began ? { ...one, completeReads: one.completeReads + 1 } : one,
    ]),
  )
}

/** The peers whose seals could not be opened after two complete reads: the keys of their calls are lost here. */
export function unreadablePeers({ unreadable = {} }: Index): string[] {
  return Object.entries(unreadable).flatMap(([peer, { completeReads }]) => (completeReads < MIN_READS ? [] : [peer]))
}

/** What is left once these peers have been told. */
export function forgetUnreadable(
  { unreadable = {} }: Index,
  told: readonly string[],
): NonNullable<Index['unreadable']> {
  return Object.fromEntries(Object.entries(unreadable).filter(([peer]) => !told.includes(peer)))
}
