// Whether a peer is there, and which of its relays bring it what we say, which only its acknowledgements tell.

import { foreign } from '../sanitize.ts'
import { hasPassed } from './retry.ts'
import type { PeerMemory, RelayRecord } from './state.ts'
import type { Transaction } from './transaction.ts'

/** Seconds for which a peer that has said something counts as present; and seconds between two times that are worth writing down. */
const PRESENT_FOR = 300
const HEARD_STEP = 30

/** Most relays of one peer that are remembered, and how many rumors of each count before all counts are halved. */
const MAX_RECORDS = 12
const MAX_COUNT = 40

/** Whether a peer is on line, or was within the last PRESENT_FOR seconds. @param now unix seconds */
export function isPresent(memory: PeerMemory | undefined, now: number): boolean {
  return memory?.heardAt !== undefined && !hasPassed(memory.heardAt, PRESENT_FOR, now)
}

/** Notes that a peer has said something, dated `at`. What lay at a relay for hours does not say that it is there now. */
export function noteHeard(edit: Transaction, peer: string, at: number, now: number): void {
  const held = edit.index.peers[peer] ?? unknownPeer()
  if (hasPassed(at, PRESENT_FOR, now) || Math.abs(at - (held.heardAt ?? 0)) < HEARD_STEP) return
  edit.table('peers')[peer] = { ...held, heardAt: Math.max(at, held.heardAt ?? 0) }
}

/** The memory of a peer about whom nothing is known yet. */
export function unknownPeer(): PeerMemory {
  return { inbox: [], lookedUpAt: 0, hints: [], name: foreign``, pow: 0 }
}

/** Of several relays that had taken a thing, those whose score is lower than the best one's by this much are not credited with it. */
const FURTHER_BEHIND = 0.2

/** Counts for, or against, relays that had taken what a peer has now acknowledged, or has not although it is there. */
export function noteRecord(edit: Transaction, peer: string, relays: readonly string[], came: keyof RelayRecord): void {
  if (relays.length === 0) return
  const held = edit.index.peers[peer] ?? unknownPeer()
  const record = { ...held.record }
  // The attack: a relay that keeps nothing says OK beside one that keeps all, and is believed for what the other has brought.
  const best = Math.max(...relays.map((url) => relayScore(held, url)))
  const meant = came === 'unacked' ? relays : relays.filter((url) => relayScore(held, url) > best - FURTHER_BEHIND)
  for (const url of meant) {
    const { acked, unacked } = record[url] ?? { acked: 0, unacked: 0 }
    const after = { acked, unacked, [came]: (came === 'acked' ? acked : unacked) + 1 }
    // The latest come last.
    delete record[url]
    record[url] = after.acked + after.unacked > MAX_COUNT ? halved(after) : after
  }
  edit.table('peers')[peer] = { ...held, record: Object.fromEntries(Object.entries(record).slice(-MAX_RECORDS)) }
}

function halved({ acked, unacked }: RelayRecord): RelayRecord {
  return { acked: Math.floor(acked / 2), unacked: Math.floor(unacked / 2) }
}

/** How far a relay can be believed to bring a peer what it takes, from 0 to 1; one half where nothing is known. */
export function relayScore(memory: PeerMemory | undefined, url: string): number {
  const { acked, unacked } = memory?.record?.[url] ?? { acked: 0, unacked: 0 }
  return (acked + 1) / (acked + unacked + 2)
}

/** Below this score a relay is doubted, where another one is at least as good as one of which nothing is known. */
const DOUBTED = { below: 0.25, beside: 0.5 }

/** Those of a peer's relays whose OK does not tell whether the peer gets a thing. @param scoreOf gives a relay's score, from 0 to 1 */
export function doubtedRelays(relays: readonly string[], scoreOf: (url: string) => number): string[] {
  if (!relays.some((url) => scoreOf(url) >= DOUBTED.beside)) return []
  return relays.filter((url) => scoreOf(url) < DOUBTED.below)
}
