// Rumors of calls whose request has not come yet: kept for it, since relays keep no order.
import { callId } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import type { Transaction } from './edit.ts'
import { DEEP_REPLAY } from './mailbox.ts'

/** Most of all of them, and of one sender: a stranger can make up calls without end. */
const MAX_ORPHANS = { all: 400, sender: 40 }

export function keepOrphan(edit: Transaction, rumor: Rumor, now: number): string | undefined {
  if (edit.index.strays.some((s) => s.rumor.id === rumor.id)) return 'duplicate'
  edit.index.strays = [...edit.index.strays, { rumor, heard: now }]
  return undefined
}

/** Takes out what has been waiting for this call. */
export function takeOrphans(edit: Transaction, call: string): Rumor[] {
  const mine = edit.index.strays.filter((s) => callId(s.rumor) === call)
  if (mine.length > 0) edit.index.strays = edit.index.strays.filter((s) => callId(s.rumor) !== call)
  return mine.map((s) => s.rumor)
}

export function boundOrphans(edit: Transaction, now: number): void {
  const bySender = new Map<string, number>()
  const kept = edit.index.strays.toReversed().filter(({ rumor, heard }, n) => {
    const before = bySender.get(rumor.pubkey) ?? 0
    bySender.set(rumor.pubkey, before + 1)
    return now - heard < DEEP_REPLAY && before < MAX_ORPHANS.sender && n < MAX_ORPHANS.all
  })
  if (kept.length < edit.index.strays.length) edit.index.strays = kept.reverse()
}
