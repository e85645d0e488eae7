// What a command needs of a run, as data: the file of each verb declares its own, and a run does nothing that no one has asked for.
import type { IntentOf, IntentType } from '../call/intent.ts'
import type { PresenceRequest } from './discovery.ts'

export type Needs = {
  /** Asks the relays and sends what is owed; without it a command answers from disk. */
  network?: true
  /** Whom it looks up beside the peers of open calls. */
  lookups?: { agent: string } | PresenceRequest | 'owner'
  /** Reads once more what is known already. */
  deep?: boolean
  /** May publish what it says before it has heard anything. */
  optimistic?: true
  waits?: Wait | undefined
  /** Files on servers: whatever there is for as long as `inbox` may take, or what comes quickly. */
  downloads?: 'patient' | 'quick'
  /** What it tells everybody of us. */
  announces?: 'presence' | 'list'
  /** One of its kind runs at a time. It waits a random delay of at most `jitter` seconds first; undefined: 20 under cron, else none. */
  singleton?: { jitter: number | undefined }
  /** Wakes the agent through the event hook. */
  wakes?: true
  /** Prints what is unread, which is then read. */
  shows?: boolean
  /** Is wanted with the words that lie in archives. */
  archives?: boolean
  /** Gives its call to read, of at most so many characters, 0 for all. */
  transcript?: { maxChars: number }
  /**
   * What its user should know of beside the result. `mail`: calls that grow long, gaps in them, letters that found no room; `files`:
   * those still to come.
   */
  notes?: readonly ('mail' | 'files')[]
  /** Cron runs it: nobody looks at it, and relays that are away are no failure of it. */
  unattended?: true
}

/**
 * What ends a wait: the answer to a call, a word in one, the confirmation of its end, the owner's answer, or certain items. `seconds`: when it ends anyway.
 * `settle`: so many seconds after the last thing of a burst, since who comes back in the middle of one comes back again.
 */
export type Wait = { seconds: number; settle: number } & (
  | { type: 'answer' }
  | { type: 'reply' }
  | { type: 'end' }
  | { type: 'owner' }
  | { type: 'items'; for: readonly string[]; call: string | undefined; follow: boolean }
)

/** What a run is told: what is wanted, and what that needs. `type`: the intent's. */
export type Task<T extends IntentType = IntentType> = { type: T; intent: IntentOf<T>; needs: Needs }
