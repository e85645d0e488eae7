// What the user wants, as data: what argv is read into. Beside it a run is told what the command needs and which call is meant.

import type { PresenceWish } from './listing.ts'
import type { CallOutcome } from './signal.ts'

/** Seconds that the command waits once it has spoken (`wait`), and how long after the last thing of a burst it comes back (`settle`). */
export type WaitWish = { wait?: number | undefined; settle?: number }

export type Intent =
  | { type: 'status' }
  /** `verify`: ask the domains of NIP-05 names. */
  | { type: 'list'; wish: PresenceWish; verify: boolean }
  /** `again`: hang up the call to the same agent that is not answered yet; `work`: do whatever proof of work it takes. */
  | ({ type: 'call'; agent: string; topic: string; again?: boolean; work?: boolean } & WaitWish)
  | ({ type: 'answer'; accept: boolean; text: string } & WaitWish)
  /** `to`: an agent who gets it as a letter, outside of calls; `re`: the ref of what it answers; `progress`: how far the work is. */
  | ({
      type: 'send'
      text: string
      to?: string | undefined
      re?: string | undefined
      progress?: boolean
      work?: boolean
    } & WaitWish)
  | ({ type: 'propose'; text: string } & WaitWish)
  /** `ref`: of the proposal; undefined for the only one that is open. */
  | ({ type: 'agree'; ref: string | undefined; text: string } & WaitWish)
  | ({ type: 'decline'; ref: string | undefined; text: string } & WaitWish)
  /** `note`: what is said of the first file. */
  | ({ type: 'sendfile'; files: readonly NamedContent[]; note?: string | undefined } & WaitWish)
  /**
   * `tell`: what the peer may know of it; `answered`: nobody is asked, since this is what the owner has said to the question `id`, or to
   * the only open one.
   */
  | ({ type: 'escalate'; text: string; tell?: string; answered?: { text: string; id: string | undefined } } & WaitWish)
  | ({ type: 'end'; text: string; maxChars: number; outcome?: CallOutcome | undefined } & WaitWish)
  /** `jitter`: it waits a random delay of at most that many seconds first; undefined: as fits whoever has started it (run/needs.ts). */
  | { type: 'announce'; jitter: number | undefined }
  | { type: 'inbox'; peek: boolean; all: boolean; deep: boolean }
  | {
      type: 'wait'
      seconds: number
      settle?: number
      for: readonly string[]
      follow: boolean
      call: string | undefined
    }
  | {
      type: 'transcript'
      id: string | undefined
      format: 'text' | 'json' | 'markdown' | 'html'
      /** Most characters that are shown, 0 for all. */
      maxChars: number
      /** Only what was agreed, what was handed over and how it ended. */
      brief?: boolean
      with: string | undefined
      /** Unix seconds, both included. */
      since: number | undefined
      until: number | undefined
      search: string | undefined
    }
  /** `call`: the word that names it; `files`: also delete the files that were received in it. */
  | { type: 'forget'; call: string; files: boolean }
  | {
      type: 'contacts'
      action: 'list' | 'add' | 'remove' | 'trust' | 'block' | 'unblock'
      agent: string
      petname: string
    }
  | { type: 'config'; action: 'list' | 'get' | 'set' | 'unset'; key: string; values: readonly string[] }
  /** `exportTo`: the new file that the secret key is written to. */
  | { type: 'whoami'; exportTo: string | undefined }

export type IntentType = Intent['type']

export type IntentOf<T extends IntentType> = Extract<Intent, { type: T }>

export type NamedContent = { name: string; content: FileContent }

/** A file to be sent: its bytes, or where it lies if it is too large for relays. */
export type FileContent = { type: 'bytes'; bytes: Uint8Array } | { type: 'path'; path: string; size: number }
