// What a sync has heard, and how each question was answered.
import type { NamedAnswer } from '../io/relay/pool.ts'
import type { Event } from '../nostr/event.ts'
import type { OpenedWrap } from '../nostr/nip59-unwrap.ts'
import type { CompleteRead } from '../state/cursors.ts'
import type { Sweep } from '../state/kept-relay.ts'
import { type RelayClock, RIGHT_CLOCK } from './clock.ts'
import type { PresenceFindings } from './discovery.ts'

/** `sweep`: where the next run goes on, if this one met a bound; `stalled`: when the sweep began that is given up now, Unix s. */
export type SyncAnswer = Omit<NamedAnswer, 'events'> & { sweep?: Sweep | undefined; stalled?: number | undefined }

export type SyncResult = {
  opened: OpenedWrap[]
  /** How many wraps could not be opened in this run, or have keys left to try. */
  left: number
  completeReads: CompleteRead[]
  /** Presences and relay lists of peers, unverified. */
  public: Event[]
  /** Who is on line, where that was asked. */
  online: PresenceFindings | undefined
  /** How each question was answered, without what came. */
  answers: SyncAnswer[]
  /** Whose lists were asked for. */
  asked: string[]
  clock: RelayClock
}

/** Whether a relay was there: it has sent something, even if not all. */
export function isRelayThere({ complete, reason }: SyncAnswer): boolean {
  return complete || reason === 'partial' || reason === 'slow'
}

/** What a command has heard that asks no relay. */
export const NOTHING_HEARD: SyncResult = {
  opened: [],
  left: 0,
  completeReads: [],
  public: [],
  online: undefined,
  answers: [],
  asked: [],
  clock: RIGHT_CLOCK,
}
