// Which call keys are tried on what a peer has sealed, and which seals are kept for a key that is still to come.
import type { CallKey } from '../nostr/call-key.ts'
import type { Event } from '../nostr/event.ts'
import type { CallKeyring, OpenedWrap, UnopenedSeal } from '../nostr/nip59-unwrap.ts'

/** Most calls whose keys one run tries on a seal. Each costs a file and a multiplication on the curve, and a peer may make many calls. */
export const TRIES_A_RUN = 20

/** Most seals of one peer that are kept until its accept comes, and their bytes. */
export const KEPT_SEALS = { count: 200, bytes: 4_000_000 } as const

/**
 * A call in which both sides have sent a call key. `owed`: whether something of ours is still to be taken there; `heard`: when
 * anything was last said or heard in it, unix seconds.
 */
export type KeyedCall = { id: string; peer: string; owed: boolean; heard: number }

/** Which calls' keys did not open a wrap in earlier runs, by its id. */
export type TriedCalls = Readonly<Record<string, readonly string[]>>

/**
 * `keyOf`: reads and derives the key of a call; called at most once for each call, and only for one that is tried. `awaited`: peers to
 * whom a request of ours with an `ek` is unanswered, until 7 days after its ring. `kept`: how many seals of each are kept already.
 */
export type KeyringOptions = {
  calls: readonly KeyedCall[]
  tried: TriedCalls
  keyOf: (call: string) => CallKey | undefined
  awaited: readonly string[]
  kept: Readonly<Record<string, { count: number; bytes: number }>>
}

/** The keyring of one run. */
export function openKeyring({ calls, tried, keyOf, awaited, kept }: KeyringOptions): CallKeyring {
  const byPeer = new Map<string, string[]>()
  for (const { id, peer } of [...calls].sort(likelier)) byPeer.set(peer, [...(byPeer.get(peer) ?? []), id])
  const read = new Map<string, CallKey | undefined>()
  const last = new Map<string, string>()
  const next = new Map<string, string>()
  const held = new Map(awaited.map((peer) => [peer, { ...(kept[peer] ?? { count: 0, bytes: 0 }) }]))
  return {
    authors: [...new Set([...byPeer.keys(), ...awaited])],
    callsFor(author, wrap) {
      const before = new Set(Object.hasOwn(tried, wrap) ? tried[wrap] : [])
      const all = byPeer.get(author) ?? []
      const latest = last.get(author)
      // First the call that followed the latest one before, then the latest itself: whoever speaks in many calls takes turns or has bursts.
      const likely = latest === undefined ? [] : [next.get(latest) ?? latest, latest]
      const open = [...new Set([...likely, ...all])].filter((call) => !before.has(call))
      return { calls: open.slice(0, TRIES_A_RUN), left: Math.max(0, open.length - TRIES_A_RUN) }
    },
    keyOf(call) {
      if (!read.has(call)) read.set(call, keyOf(call))
      return read.get(call)
    },
    fitted(author, call) {
      const latest = last.get(author)
      if (latest !== undefined) next.set(latest, call)
      last.set(author, call)
    },
    keeps(seal) {
      const mine = held.get(seal.pubkey)
      const bytes = sizeOf(seal)
      if (mine === undefined || mine.count >= KEPT_SEALS.count || mine.bytes + bytes > KEPT_SEALS.bytes) return false
      mine.count += 1
      mine.bytes += bytes
      return true
    },
  }
}

/** The bytes that a kept seal counts as. */
export function sizeOf(seal: Event): number {
  return Buffer.byteLength(JSON.stringify(seal))
}

/** Most wraps for which we remember what was tried on them. On the others everything is tried again. */
const REMEMBERED_WRAPS = 2_000

/**
 * What was tried by now, on the wraps for which calls are left to try. Such a wrap does not count as seen, and no cursor passes it
 * (`isToBeTriedAgain`).
 */
export function rememberTries(tried: TriedCalls, opened: readonly OpenedWrap[]): TriedCalls {
  const now: Record<string, readonly string[]> = { ...tried }
  for (const { id: wrap, unopened } of opened) {
    if (unopened === undefined || !isLeft(unopened)) delete now[wrap]
    else now[wrap] = [...new Set([...(Object.hasOwn(tried, wrap) ? (tried[wrap] ?? []) : []), ...unopened.tried])]
  }
  return Object.fromEntries(Object.entries(now).slice(-REMEMBERED_WRAPS))
}

/** Whether a later run has more keys to try on a wrap. */
export function isToBeTriedAgain({ unopened }: OpenedWrap): boolean {
  return unopened !== undefined && isLeft(unopened)
}

function isLeft({ left }: UnopenedSeal): boolean {
  return left > 0
}

// Calls in which something is owed first, then the latest heard; the ids decide between equals.
function likelier(a: KeyedCall, b: KeyedCall): number {
  return Number(b.owed) - Number(a.owed) || b.heard - a.heard || (a.id < b.id ? -1 : 1)
}
