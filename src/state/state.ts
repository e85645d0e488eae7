// What is on disk, as data: the index (state.json) and the call files. Pure: io/ reads and writes it.
import type { Agreement, OutcomeAuthor } from '../call/agreements.ts'
import type { Escalation, KeptEscalation } from '../call/escalation.ts'
import type { Claim, FileState, Log, OutboxEntry } from '../call/log.ts'
import { type Call, replay } from '../call/replay.ts'
import type { Phase } from '../call/rules.ts'
import type { CallOutcome } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import type { Foreign } from '../sanitize.ts'
import type { RelayMemory } from './kept-relay.ts'

/**
 * What is known of a peer. `hints`: where its presence, an nprofile or its domain says that it is found; `pow`: the bits of proof of work
 * that it asks of strangers.
 */
export type PeerMemory = {
  /** The relays of its kind 10050, and that list's created_at. */
  inbox: string[]
  listedAt?: number
  /** When its lists were last looked up, unix seconds; 0 to have them looked up again. */
  lookedUpAt: number
  hints: string[]
  /** Its read relays by NIP-65, for want of an inbox. */
  reads?: string[]
  name: Foreign
  pow: number
  /** Names by which our agent has called it: they lead to nobody else any more. */
  called?: string[]
  /** When it last said something, by its own stamp, unix seconds. */
  heardAt?: number
  /** When it last said that it has lost the keys of its calls, unix seconds. */
  keysLostAt?: number
  /** By relay: how often what the relay had taken for it was acknowledged, and how often it was not in time. */
  record?: Record<string, RelayRecord>
}

/** How many rumors that a relay had taken for a peer the peer has acknowledged, and how many it had not though it was there. */
export type RelayRecord = { acked: number; unacked: number }

/** A call at a glance, so that a command need not read the files of calls that are over. Derived; rebuilt when lost. */
export type CallSummary = {
  peer: string
  /** What the peer called itself in this call. */
  name?: string
  direction: 'incoming' | 'outgoing'
  topic: string
  createdAt: number
  /** Until when it rings, by our own clock, unix seconds. */
  deadline: number
  phase: Phase
  unread: number
  /** How far our own rumors have come. */
  own: { queued: number; relayed: number; delivered: number; read: number }
  /** Whether every command must look at it (`isOpen` in state/call-index.ts). */
  open: boolean
  last: number
  /** At glare: it does not ring while ours to the same agent does. */
  held?: true
  /** Both sides hold the same call, and have said so. */
  verified?: true
  /** What was agreed, each text cut to a reminder; and how the call went, in the words of whoever ended it, and who that was. */
  agreements?: Agreement[]
  outcome?: CallOutcome
  outcomeBy?: OutcomeAuthor
  /** Which keys its words are sealed with, once it is accepted; and whether the caller hung up before it knew of that, without such a key. */
  secrecy?: 'call' | 'identity'
  hungUp?: true
  /** When it was over by our own clock, unix seconds: from then on its key has 7 days; and how many sides had ended it then. */
  overAt?: number
  endCount?: number
  /** Until when seals of the peer are kept for its accept, unix seconds; and how many are, and their bytes. */
  awaitsAcceptUntil?: number
  earlySeals?: { count: number; bytes: number }
}

/**
 * A letter. `heard`: when it came in or was written, unix seconds; `mine`: we wrote it; `repeat`: it may have been told before;
 * `from`: it is told no sooner, unix seconds; `file`: what has become of the file that it announces.
 */
export type Letter = {
  rumor: Rumor
  heard: number
  unread: boolean
  mine?: true
  repeat?: true
  from?: number
  file?: FileState
}

/** The letters with one peer, by rumor id. */
export type LetterLog = { version: 1; peer: string; letters: Record<string, Letter> }

/**
 * What the index knows of a log of letters. `open`: whether there is anything in it that is unread or on its way, though only from `due` on
 * (unix seconds) where all of that is told later; `bytes`: about what it takes on disk; `last`: when anything last came in or was written.
 */
export type LetterLogSummary = { open: boolean; bytes: number; last: number; due?: number }

/** A direct message of ours outside of calls, kept until a relay has taken it. */
export type OutgoingLetter = { to: string; rumor: Rumor; entry: OutboxEntry }

/** A question to our owner, kept while there is a channel left to try. `letter`: the rumor that asks on Nostr. */
export type PendingEscalation = {
  escalation: Escalation
  letter?: string
  /** By channel: how often it was tried, when last (unix seconds), and what went wrong. */
  channelsLeft: Record<string, { tries: number; at: number; error: Foreign }>
  /** Not yet told through any channel, nor written to the log. */
  neverTold?: true
  /** The owner was told through some channel. */
  ownerReached?: true
  claim?: Claim
}

/** What somebody has brought. `requests`: calls and letters. */
export type MeterAmount = { requests: number; rumors: number; bytes: number; files?: number }

/**
 * What each sender, and all strangers together, have brought today (days since 1970, UTC), and whom we have told today that we
 * take no calls.
 */
export type DailyMeter = {
  day: number
  senders: Record<string, MeterAmount>
  strangers: MeterAmount
  refused: Record<string, true>
  /** How many receipts each stranger got for a call that nobody has answered. */
  rang?: Record<string, number>
}

/**
 * A call that is not here, and in which somebody speaks. `heard`: since when, unix seconds; `completeReads`: how many complete reads of
 * our mailbox since then have not brought its request; `said`: how many numbered signals were not kept; `end`: the caller's hang-up.
 */
export type OrphanCall = { call: string; from: string; heard: number; completeReads: number; said: number; end?: Rumor }

/** For which unread things the agent was woken, when last and how often. */
export type WakeRecords = Record<string, { at: number; times: number }>

/**
 * What we last published about ourselves: `inboxList`, the relays of our 10050; our presence: when (unix seconds), in which
 * words, and since when which relays have taken it.
 */
export type Announced = {
  presenceAt: number
  inboxList: string
  presenceWords?: string
  presenceTakenAt?: Record<string, number>
  /** The created_at of the presence that they have taken. */
  presenceCreatedAt?: number
  /** When our agent, and not cron, last ran a command, unix seconds. */
  lastCommandAt?: number
  /** Which relays were offered our 10050, when, and whether they took it. */
  listOffers?: Record<string, { at: number; taken: boolean }>
  /** The created_at of the 10050 that they have taken; and that of another one in our name, which has replaced it. */
  listCreatedAt?: number
  listReplacedBy?: number
  /** When the relays where we only look peers up were last asked for it, unix seconds. */
  listAskedAt?: number
}

/**
 * This machine among those that may use our identity: its id ("" before its first canary), and the highest count of canaries of all of
 * them. `others`: when another one was heard of, unix seconds, and whether it has written since; `found`: what is to be told about
 * that, and when it was told.
 */
export type MachineMemory = {
  id: string
  count: number
  others?: Record<string, { at: number; lives?: true }>
  found?: { at: number; lives?: true; told?: number }
}

/** What is in state.json: all that is kept beside the calls' own files and the letters'. */
export type Index = {
  version: 2
  /** The pubkey that this state belongs to; "" before the first command. */
  agent: string
  relays: Record<string, RelayMemory>
  /** The wraps that were opened: id → created_at, kept for as long as relays may send them again. */
  seen: Record<string, number>
  calls: Record<string, CallSummary>
  peers: Record<string, PeerMemory>
  /** Summaries of the logs of letters, by peer. */
  letterLogs: Record<string, LetterLogSummary>
  /** Letters of ours that no relay has taken yet, by rumor id. */
  outgoingLetters: Record<string, OutgoingLetter>
  /** What the owner has been asked, by id, and what it has said to it. */
  escalations: Record<string, KeptEscalation>
  /** Those of them that the owner is still to be told of. */
  pendingEscalations: Record<string, PendingEscalation>
  /** Calls whose request has not come, one for each who speaks in it. */
  orphanCalls: OrphanCall[]
  /** Peers who were told that a call of theirs, or its key, is lost here, and when, unix seconds. */
  lossReportedAt: Record<string, number>
  /** Calls that were deleted here, and when: nobody is told that they are lost. */
  forgotten: Record<string, number>
  /** Peers of whom seals came that nothing opens: since when, unix seconds, and how many complete reads of the mailbox ago. */
  unreadable?: Readonly<Record<string, { heard: number; completeReads: number }>>
  /** Peers with whom a call's key was deleted here, and when last, unix seconds. */
  keysGone?: Readonly<Record<string, number>>
  /** When we last looked for what is to be deleted, unix seconds. */
  cleanedAt?: number
  /** By wrap: the calls whose keys did not open it, where a later run is to try more. */
  triedKeys?: Readonly<Record<string, readonly string[]>>
  meter: DailyMeter
  wakes: WakeRecords
  /** What was dropped and why, by count. */
  dropped: Record<string, number>
  announced: Announced
  /** 0.1.0 wrote this: its calls are still to be set aside, and its letters are here. */
  legacy?: true
  dms?: Record<string, { rumor: Rumor; heard: number; unread: boolean; file?: FileState }>
  /** How many letters found no room since letters were last read. */
  lettersLeft?: number
  /** An earlier state was lost; and when that was found out, unix seconds: letters from before may have been told already. */
  stateLost?: true
  stateLostAt?: number
  /** Seconds by which our clock was ahead of the relays' when they last told; absent while it was right. */
  clockAhead?: number
  /** The `announce` that runs, since when, and the seconds that it sleeps first. */
  announcing?: Claim & { pause: number }
  machine?: MachineMemory
}

/** `letters`: the logs of letters that are loaded, by peer; absent where none is. */
export type State = { index: Index; logs: Record<string, Log>; letters?: Record<string, LetterLog> }

/**
 * Seconds after a call was over for which what is owed in it is offered, and keeps it open, as does an end without its confirmation, or
 * the news that it came to nothing.
 */
export const OPEN_AFTER_END = 7 * 24 * 3600

/** Most deleted calls that are remembered. */
export const MAX_FORGOTTEN = 2_000

/** The index of an agent that has done nothing yet. */
export function emptyIndex(): Index {
  return {
    version: 2,
    agent: '',
    relays: {},
    seen: {},
    calls: {},
    peers: {},
    letterLogs: {},
    outgoingLetters: {},
    escalations: {},
    pendingEscalations: {},
    orphanCalls: [],
    lossReportedAt: {},
    forgotten: {},
    wakes: {},
    meter: { day: 0, senders: {}, strangers: { requests: 0, rumors: 0, bytes: 0 }, refused: {} },
    dropped: {},
    announced: { presenceAt: 0, inboxList: '' },
  }
}

/** The calls of a state whose requests are here, the oldest first. */
export function callsOf(state: State, me: string, now: number): Call[] {
  return Object.values(state.logs)
    .flatMap((log) => replay(log, me, now) ?? [])
    .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
}

/** Makes a test whether our agent has still to be shown a signal of a call, by its id, or a mark of it such as `forked`. */
export function unreadOf({ logs }: State): (call: string, item: string) => boolean {
  return (call, item) => logs[call]?.unread.includes(item) ?? false
}
