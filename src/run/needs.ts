// What a command needs of a run, as data: the file of each verb declares it, and a run does nothing that was not asked for.
import type { IntentOf, IntentType } from '../call/intent.ts'
import type { PresenceRequest } from './discovery.ts'

export type Needs = {
  /** Asks the relays and sends what is owed; without it a command answers from disk. */
  network?: true
  /** Whom it looks up, beside the peers of open calls. */
  lookups?: { agent: string } | PresenceRequest | 'owner'
  /** Reads once more what is known already. */
  deep?: boolean
  /** May publish what it says before it has heard anything. */
  optimistic?: true
  waits?: Wait | undefined
  /** How it fetches files that lie on servers: for as long as `inbox` may take, or only what comes quickly. */
  downloads?: 'patient' | 'quick'
  /** What it publishes about us. */
  announces?: 'presence' | 'list'
  /** Only one of its kind runs at a time. It first waits a random time, at most `jitter` seconds; undefined: 20 under cron, else none. */
  singleton?: { jitter: number | undefined }
  /** Wakes the agent through the event hook. */
  wakes?: true
  /** Prints what is unread, which is then read. */
  shows?: boolean
  /** Loads also the signals that lie in archives. */
  archives?: boolean
  /** Shows the transcript of its call, at most `maxChars` characters of it, 0 for all. */
  transcript?: { maxChars: number }
  /**
   * Notices beside the result. `mail`: calls that grow long, gaps in them, letters that found no room; `files`: those still to come.
   */
  notes?: readonly ('mail' | 'files')[]
  /** Cron runs it: nobody reads its output, and relays that are away are no failure. */
  unattended?: true
}

/**
 * What ends a wait: the answer to a call, a word in one, the confirmation of its end, the owner's answer, or certain items. `seconds`:
 * after which it ends anyway. `settle`: seconds that it goes on after the last item of a burst, since an agent that came back in the
 * middle of a burst would have to wait again.
 */
export type Wait = { seconds: number; settle: number } & (
  | { type: 'answer' }
  | { type: 'reply' }
  | { type: 'end' }
  | { type: 'owner' }
  | { type: 'items'; for: readonly string[]; call: string | undefined; follow: boolean }
)

/** What a run is given: what is wanted, and what that needs. `type`: that of the intent. */
export type Task<T extends IntentType = IntentType> = { type: T; intent: IntentOf<T>; needs: Needs }
