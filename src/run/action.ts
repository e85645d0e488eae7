// What a step wants done outside, and what became of it: one list of one union. An executor takes an action and gives back what
// came of it, which the next step writes down.

import type { PendingUpload } from '../call/decision.ts'
import type { ToldChannel } from '../call/escalation.ts'
import type { InboxItem } from '../call/inbox-items.ts'
import type { FileState } from '../call/log.ts'
import type { FileBody } from '../call/signal.ts'
import type { OwnerChannel } from '../io/owner/channels.ts'
import type { PublishAnswer } from '../io/relay/publish.ts'
import type { CallBinding } from '../nostr/call-key.ts'
import type { Event, Template } from '../nostr/event.ts'
import type { OpenedWrap } from '../nostr/nip59-unwrap.ts'
import type { Foreign } from '../sanitize.ts'
import type { SentCanary } from '../state/canaries.ts'
import type { OpenableSeals } from '../state/early-seals.ts'
import type { FinishedTransfer, RemoteFileEntry } from '../state/files.ts'
import type { CanaryBody } from '../state/machine.ts'
import type { PendingPublish, PendingSignal } from '../state/outbox.ts'
import type { PeerFindings } from '../state/peer-memory.ts'
import type { DueEscalation, OwnerTold } from '../state/pending-escalations.ts'
import type { PendingReceipt } from '../state/receipts.ts'
import type { RelayStatement } from '../state/relay-limits.ts'
import type { State } from '../state/state.ts'
import type { RunContext } from './context.ts'
import type { Needs } from './needs.ts'
import type { Route } from './route.ts'
import type { SyncResult } from './sync-result.ts'

/** A rumor that is owed, in its kept wrap or a new one. `again`: no relay took it, and its receiver turned out to read elsewhere. */
type Publication<Due> = { due: Due; route: Route; again?: true }

/** Until when files on servers are fetched, Unix ms: large ones until `until`, small ones until `untilSmall`. */
export type FetchWindow = { until: number; untilSmall: number }

export type Action =
  /** In a call. `said`: in this run, not before; `binding`: of the call key that seals it, undefined for the identities' key. */
  | ({ type: 'signal'; said: boolean; binding: CallBinding | undefined } & Publication<PendingSignal>)
  /** Outside of calls. */
  | ({ type: 'letter' } & Publication<PendingPublish>)
  | { type: 'receipt'; receipt: PendingReceipt; route: Route; again?: true; binding: CallBinding | undefined }
  /** What came before its accept, which is here now. */
  | { type: 'open-early'; early: OpenableSeals }
  /** What everybody may know of us. `words`, and `lists` below: what we remember of it; `replaces`: another client had replaced it. */
  | { type: 'presence'; template: Template; words: string; relays: readonly string[] }
  | { type: 'inbox-list'; template: Template; lists: string; relays: readonly string[]; replaces?: true }
  /** To ourselves, to see which relays give back what they take. */
  | { type: 'canary'; body: CanaryBody; relays: readonly string[] }
  /** Looks up again where those peers read whose relays took nothing. */
  | { type: 'look-up'; peers: readonly string[] }
  /** Asks relays whether they speak NIP-77. */
  | { type: 'probe-nip77'; relays: readonly string[] }
  | { type: 'tell-owner'; due: DueEscalation }
  /** The line of the log that says whom an escalation has reached. */
  | { type: 'log-escalation'; due: DueEscalation; told: OwnerTold; channels: readonly ChannelResult[] }
  /** A file of a peer's that came through relays and is whole. */
  | { type: 'save-file'; transfer: Omit<FinishedTransfer, 'fileState'>; name: string; bytes: Uint8Array }
  /** A file of a peer's that lies on a server, claimed by this process. */
  | { type: 'fetch-file'; remoteFile: RemoteFileEntry; window: FetchWindow }
  /** A file of ours that is to lie on our server before it is announced. */
  | { type: 'upload-file'; upload: PendingUpload; server: string }
  | { type: 'run-hook'; item: InboxItem; unread: number }

export type ActionType = Action['type']

export type ActionOf<T extends ActionType> = Extract<Action, { type: T }>

export type ChannelResult = ToldChannel<'peer' | 'nostr' | OwnerChannel | 'log'>

type RelayAnswers = { oks: readonly PublishAnswer[] }

/** What came of each action. `error`: what went wrong, if anything did. */
type ResultByType = {
  /** Without a wrap where the key of its call is lost: then it is not sealed at all. */
  signal: RelayAnswers & { wrap: Event | undefined }
  letter: RelayAnswers & { wrap: Event }
  receipt: RelayAnswers
  'open-early': { opened: readonly OpenedWrap[] }
  presence: RelayAnswers
  'inbox-list': RelayAnswers
  canary: { sent: readonly SentCanary[] }
  'look-up': { found: PeerFindings }
  'probe-nip77': { found: readonly RelayStatement[] }
  'tell-owner': { told: OwnerTold }
  'log-escalation': { error: string | undefined }
  'save-file': { path: string }
  'fetch-file': { fileState: FileState }
  /** `heard`: what came in while it was on its way. */
  'upload-file': { body: FileBody; heard: SyncResult }
  'run-hook': { error: Foreign | undefined }
}

export type ActionResult = { [T in ActionType]: { type: T; action: ActionOf<T> } & ResultByType[T] }[ActionType]

export type ActionResultOf<T extends ActionType> = Extract<ActionResult, { type: T }>

/** Carries out the actions of one type and writes down what became of them. */
export type Executor<T extends ActionType> = {
  /** Throws only what is wrong with this machine (a full disk); of an upload also what the server has refused. */
  execute(action: ActionOf<T>, context: RunContext): Promise<ActionResultOf<T>>
  /** Puts what became of such actions into the state, which is what is on disk by then. Pure. */
  record(state: State, done: readonly ActionResultOf<T>[], context: RunContext): State
}

/** What came of the actions of one type. */
export function resultsOf<T extends ActionType>(type: T, done: readonly ActionResult[]): ActionResultOf<T>[] {
  return done.filter((one): one is ActionResultOf<T> => one.type === type)
}

/** The needs of a command, and what only some commands load for their steps. */
export type StepOptions = {
  needs: Needs
  /** What is to be published about us, and the state in which that is counted. */
  proposeAnnouncements?: (state: State, context: RunContext) => { state: State; actions: Action[] }
  /** The next file to fetch from a server, claimed by this process. `before`: those that this run has fetched, or has tried to. */
  proposeFetches?: (
    state: State,
    before: readonly ActionOf<'fetch-file'>[],
    context: RunContext,
  ) => { state: State; actions: Action[] }
}
