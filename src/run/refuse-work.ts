// An agent may ask strangers for proof of work. What would take longer than a second is not begun unless the user says so: anybody can
// write any number into a presence, and keep a caller busy with it.

import type { Intent } from '../call/intent.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { mine } from '../nostr/nip13.ts'
import type { Index } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { MAX_BITS } from './proof-of-work.ts'
import type { PeerLookup } from './sync-request.ts'

/** Seconds that work may take without --work. */
const UNASKED = 1

/** Bits that take less than a second on any machine: for them nothing is measured. */
const CHEAP = 14

/** Ms for which the speed of this machine is measured. */
const MEASURED = 40

/** WORK_ASKED where a first word needs proof of work (NIP-13) that takes too long without --work; undefined where it may go out. */
export function refuseWork(
  intent: Intent,
  { peer, presences }: PeerLookup,
  index: Index,
  { environment }: { environment: Machine },
): Failure | undefined {
  if (peer === undefined || (intent.type !== 'call' && intent.type !== 'send') || intent.work === true) return undefined
  const bits = presences.find(({ pubkey }) => pubkey === peer)?.pow ?? index.peers[peer]?.pow ?? 0
  // More than anybody can do is not begun anyway: the word goes out without it, and the user is told.
  if (bits <= CHEAP || bits > MAX_BITS) return undefined
  const seconds = 2 ** bits / hashesPerSecond(environment)
  if (seconds <= UNASKED) return undefined
  const about = seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
  const again = intent.type === 'call' ? `call <agent> "…" --work` : `send --to <agent> "…" --work`
  return new Failure(
    'WORK_ASKED',
    `the other side asks strangers for ${bits} bits of work, about ${about} on this machine; nothing was sent`,
    `\`${P2P} ${again}\` works on it for at most 30 s; or have its owner add you to its contacts`,
  )
}

type Machine = Pick<RunContext['environment'], 'clock' | 'keys'>

function hashesPerSecond({ clock, keys }: Machine): number {
  const began = clock()
  let tried = 0
  const progress = (count: number) => {
    tried = count
  }
  const sample = { pubkey: keys.pubkey, kind: 1059, created_at: 0, tags: [], content: 'x'.repeat(1_000) }
  mine(sample, 256, { deadline: began + MEASURED, clock, progress })
  return (1_000 * tried) / Math.max(1, clock() - began)
}
