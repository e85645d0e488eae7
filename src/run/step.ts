// A step: what was heard, what is wanted and what became of actions, put into a state, and the actions that follow from it. Pure;
// save-step.ts applies it to what is on disk.

import { trustOf } from '../call/agents.ts'
import type { IntendedSignal } from '../call/decision.ts'
import type { Escalation } from '../call/escalation.ts'
import type { Intent } from '../call/intent.ts'
import { readInboxList } from '../call/presence.ts'
import type { Failure } from '../errors.ts'
import type { Rumor } from '../nostr/event.ts'
import type { OpenedWrap } from '../nostr/nip59-unwrap.ts'
import { recordCommand, recordOwnList } from '../state/announcements.ts'
import { lettersDue, writeLetter } from '../state/letters.ts'
import { markMachineTold } from '../state/machine.ts'
import { rememberPeers } from '../state/peer-memory.ts'
import { dueEscalations } from '../state/pending-escalations.ts'
import type { RecordedSignal } from '../state/record-signals.ts'
import { type RelayObservation, recordClock, recordMailboxAnswers, recordObservations } from '../state/relay-memory.ts'
import type { Removal } from '../state/retention.ts'
import {
  type HeardWraps,
  type MadeSecret,
  type SignalStepContext,
  type SignalStepResult,
  stepSignals,
} from '../state/signal-step.ts'
import type { State } from '../state/state.ts'
import { beginTransaction } from '../state/transaction.ts'
import { type Action, type ActionResult, type ActionResultOf, resultsOf, type StepOptions } from './action.ts'
import { updateTransfers } from './assemble-files.ts'
import { earlyActions, openEarly } from './call-keys.ts'
import { authorOf, type RunContext } from './context.ts'
import { linesToLog, queueEscalation } from './escalate.ts'
import { recordResults } from './executors.ts'
import { retryUnreachedPeers, routeFinder } from './publish.ts'
import { ownActions, probeActions, signalActions, uploadActions } from './step-actions.ts'
import { lookupsFrom, type PeerLookup } from './sync-request.ts'
import { NOTHING_HEARD, type SyncResult } from './sync-result.ts'

/** What goes into a step; each part may be absent. */
export type StepInput = {
  /** What the user wants, where it is to be decided now. */
  intent?: Intent | undefined
  /** What was heard. An intent without it is said before anybody has listened. */
  heard?: SyncResult | undefined
  /** Who was looked up, where that is more than `heard` says. */
  lookup?: PeerLookup
  /** What became of actions; `saved`: those of them that are on disk already; `earlier`: what became of actions before them. */
  done?: readonly ActionResult[]
  saved?: ReadonlySet<ActionResult>
  earlier?: readonly ActionResult[]
  /** What was seen of relays meanwhile. */
  observed?: readonly RelayObservation[]
  /** The same step, where its words are on disk already: the lock was lost before the rest was. */
  written?: StepResult
}

/** What was decided: why the command is refused, or what it says, writes, and asks its owner. */
export type Decided = {
  refusal: Failure | undefined
  said: RecordedSignal[]
  asked: Escalation | undefined
  /** What it writes outside of calls. */
  letter?: { to: string; rumor: Rumor }
}

export type StepResult = {
  state: State
  actions: Action[]
  /** Undefined where nothing was to be decided. */
  decided: Decided | undefined
  /** Calls in which something came in that wants an answer, even if it is a repeat. */
  callsHeard: string[]
  /** `removals`: what is deleted before the state is written; `secrets`: what is written before it. */
  removals: Removal[]
  secrets: MadeSecret[]
  /** All that changed follows from the files of the calls: the index need not be written. */
  callsOnly: boolean
}

/** What a command has said in two steps: files that went through relays, then files that went to a server. */
export function joinDecided(first: Decided | undefined, then: Decided | undefined): Decided | undefined {
  if (first === undefined || then === undefined) return then ?? first
  return {
    refusal: then.refusal ?? first.refusal,
    said: [...first.said, ...then.said],
    asked: then.asked ?? first.asked,
  }
}

/**
 * One pure step: what was heard and what became of earlier actions go in, the next state and the actions to carry out come out. It may be
 * taken more than once.
 */
export function runStep(state: State, input: StepInput, options: StepOptions, context: RunContext): StepResult {
  const { done = [], saved, earlier = [] } = input
  const observed = observe(state, input.observed, options, context)
  const owned = withAgent(observed, context.environment.keys.pubkey)
  // First of all, so that what follows does not try the same keys on early seals again.
  const afterOpening = openEarly.record(owned, resultsOf('open-early', done), context)
  const decided = hearAndDecide(afterOpening, input, options, context)
  const unsaved = saved === undefined ? done : done.filter((one) => !saved.has(one))
  // Last of all: until then this process holds its claim on what it has just said, so that it is not due once more.
  const recorded = unsaved.length === 0 ? decided.state : recordResults(decided.state, unsaved, context)
  const next = followUp(recorded, done, earlier, decided.actions, options, context)
  const callsOnly =
    decided.callsOnly && observed === state && next.state === recorded && unsaved.every((one) => one.type === 'receipt')
  return { ...decided, state: next.state, actions: [...decided.actions, ...next.actions], callsOnly }
}

function observe(state: State, observed: StepInput['observed'], { needs }: StepOptions, { now }: RunContext): State {
  return observed === undefined ? state : recordObservations(state, observed, now, needs.unattended)
}

/** Merges what was heard, decides, and writes down what is to be said. */
function hearAndDecide(state: State, input: StepInput, options: StepOptions, context: RunContext): StepResult {
  const uploaded = resultsOf('upload-file', input.done ?? [])
  // Seals that nothing opens even now are not heard again.
  const early = resultsOf('open-early', input.done ?? []).flatMap(({ opened }) =>
    opened.filter(({ unopened }) => unopened === undefined),
  )
  const { heard = heardMeanwhile(uploaded, early), written } = input
  const toDecide = input.intent ?? (uploaded.length === 0 ? undefined : uploaded.map(fileSignalOf))
  const wanted = written === undefined ? toDecide : undefined
  if (heard === undefined && wanted === undefined) {
    const nothing = { actions: [], decided: undefined, callsHeard: [], removals: [], secrets: [] }
    return { ...(written ?? nothing), state, callsOnly: true }
  }
  const { opened, completeReads } = heard ?? NOTHING_HEARD
  const lookup = input.lookup ?? lookupsFrom(heard ?? NOTHING_HEARD, undefined, context)
  const heardState = heard === undefined ? state : rememberSync(state, heard, lookup, options, context)
  // The wrap of an early seal is known already, though what was in it is heard only now.
  const deep = options.needs.deep === true || early.length > 0
  const mail: HeardWraps = { opened, completeReads, deep, unheard: heard === undefined }
  const signals = stepSignals(heardState, wanted, mail, stepContext(context, lookup.peer))
  const decided = written?.decided ?? decidedIn(signals, wanted !== undefined)
  // A word that is said before anything was heard changes only the file of its call: the index is written afterwards.
  if (heard === undefined)
    return { ...signals, decided, actions: signalActions(signals, signals.state, context), callsOnly: true }
  const escalated = queueEscalation(signals.state, input.intent, decided, context)
  const { environment } = context
  const author = authorOf(context)
  const lettered = writeLetter(escalated.state, signals.decision.letter, author)
  const isBlocked = (pubkey: string) => trustOf(context.people, pubkey) === 'blocked'
  const letters = lettersDue(lettered.state, author, environment.isAlive, isBlocked)
  const escalations = dueEscalations(letters.state, environment.owner.channels, author, environment.isAlive)
  const files = updateTransfers(escalations.state, context)
  const routeOf = routeFinder(context, files.state)
  const announced = options.proposeAnnouncements?.(files.state, context) ?? { state: files.state, actions: [] }
  return {
    state: isLookedAt(options) ? markMachineTold(announced.state, context.now) : announced.state,
    actions: [
      ...letters.dues.map((due): Action => ({ type: 'letter', due, route: routeOf(due.to) })),
      ...signalActions(signals, files.state, context),
      ...(written === undefined ? [] : ownActions(written.actions, written.decided?.said ?? [])),
      ...uploadActions(signals, context),
      ...escalations.dues.map((due): Action => ({ type: 'tell-owner', due })),
      ...files.actions,
      ...earlyActions(files.state, context),
      ...announced.actions,
      ...probeActions(files.state, heard, options, context),
    ],
    decided: decided && { ...decided, asked: escalated.asked, ...(lettered.letter && { letter: lettered.letter }) },
    callsHeard: signals.callsHeard,
    removals: signals.removals,
    secrets: signals.secrets,
    callsOnly: false,
  }
}

/** Whether somebody reads what this run prints at its end. */
function isLookedAt({ needs }: StepOptions): boolean {
  return needs.network === true && needs.unattended !== true
}

/** What announces a file that lies on our server now. */
function fileSignalOf({ action: { upload }, body }: ActionResultOf<'upload-file'>): IntendedSignal {
  const { to, call, note } = upload
  return { to, call, body: note === undefined ? body : { ...body, note } }
}

/** What came in while files were uploaded, and the early seals that were opened, as one result of a sync. */
function heardMeanwhile(
  uploaded: readonly ActionResultOf<'upload-file'>[],
  early: readonly OpenedWrap[],
): SyncResult | undefined {
  const last = uploaded.at(-1)?.heard ?? (early.length === 0 ? undefined : NOTHING_HEARD)
  if (last === undefined) return undefined
  const all = uploaded.map(({ heard }) => heard)
  const opened = [...all.flatMap((one) => one.opened), ...early]
  return { ...last, opened, completeReads: all.flatMap(({ completeReads }) => completeReads) }
}

// What is to be said comes first: the log's line about an escalation tells whom it has reached, and fetching files takes long.
function followUp(
  state: State,
  done: readonly ActionResult[],
  earlier: readonly ActionResult[],
  pending: readonly Action[],
  { proposeFetches }: StepOptions,
  context: RunContext,
): { state: State; actions: Action[] } {
  const unreached = retryUnreachedPeers(state, done, earlier, context)
  if (pending.length + unreached.actions.length > 0) return unreached
  const all = [...earlier, ...done]
  const lines = linesToLog(unreached.state, all, context)
  if (lines.length > 0 || proposeFetches === undefined) return { state: unreached.state, actions: lines }
  const before = resultsOf('fetch-file', all).map(({ action }) => action)
  return proposeFetches(unreached.state, before, context)
}

function rememberSync(
  state: State,
  heard: SyncResult,
  lookup: PeerLookup,
  { needs }: StepOptions,
  context: RunContext,
): State {
  const { now } = context
  const commanded = needs.unattended === true || heard.answers.length === 0 ? state : recordCommand(state, now)
  const mailboxes = heard.answers.filter((a) => a.name === 'inbox')
  const read = recordMailboxAnswers(commanded, mailboxes, now)
  const me = context.environment.keys.pubkey
  const isAsked = heard.answers.some((a) => a.name === 'own-list' && a.complete)
  const listed = isAsked ? recordOwnList(read, readInboxList(heard.public, me), now) : read
  const withClock = recordClock(listed, heard.answers, heard.clock.reportedAhead)
  return rememberPeers(withClock, { ...lookup, lookedUp: lookup.peers, public: heard.public }, now)
}

function decidedIn({ decision, said }: SignalStepResult, wasAsked: boolean): Decided | undefined {
  if (!wasAsked) return undefined
  const own = said.slice(said.length - decision.say.length)
  // Without the end of another call that is hung up for this one.
  return { refusal: decision.refusal, said: own.filter(({ call }) => call === own[0]?.call), asked: undefined }
}

/** What a decision depends on. @param peer the agent that the command names */
function stepContext(context: RunContext, peer: string | undefined): SignalStepContext {
  const { environment, people, selector } = context
  const { config } = environment
  return {
    ...authorOf(context),
    ...{ people, selector, peer, name: config.name, inbox: environment.relays.inbox, alive: environment.isAlive },
    isSigned: environment.isWrapSigned,
    ...{ ring: config.call.ring, inlineMax: config.file.inlineMax, stores: config.file.server !== undefined },
    callKeys: environment.callKeys,
    policy: { ...config.policy, trust: (pubkey: string) => trustOf(people, pubkey) },
  }
}

// A state belongs to one key: cursors, seen ids and calls mean nothing to another.
function withAgent(state: State, me: string): State {
  if (state.index.agent === me) return state
  const edit = beginTransaction(state)
  edit.index.agent = me
  return edit.state
}
