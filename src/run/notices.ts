// Notices: what the user should know beside the result.

import { agentOf, shortNpub } from '../call/agents.ts'
import { peerLabel } from '../call/choose-call.ts'
import { isOpen, sameQuestions } from '../call/escalation.ts'
import type { InboxItem } from '../call/inbox-items.ts'
import { paceOf } from '../call/pace.ts'
import type { Call } from '../call/replay.ts'
import { agentLabel, formatDuration, inQuotes, quoteRelayReason } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { remoteFilesOf } from '../state/files.ts'
import { namesOf } from '../state/peer-memory.ts'
import { resultsOf } from './action.ts'
import { callsWithoutKey } from './failures.ts'
import type { FinishedRun } from './finished-run.ts'
import { type Route, routeTo } from './route.ts'
import { isRelayThere, type SyncResult } from './sync-result.ts'

/** All notices of a run, one line each: about clocks, relays, long calls, what could not be read. */
export function noticesOf(finished: FinishedRun, calls: readonly Call[], news: readonly InboxItem[]): string[] {
  const { context, heard, state, done } = finished
  const fresh = resultsOf('signal', done).filter(({ action }) => action.said)
  const told = new Set([...fresh, ...resultsOf('letter', done)].map(({ action }) => action.due.to))
  const unknown = [...told].flatMap((to) => guessedRelayNotices(to, routeTo(context, state, calls, to).by, finished))
  // Where no relay answered, that no list was found says nothing about the peer.
  const asked = heard.answers.some((a) => a.complete)
  return [
    ...clockNotices(heard.clock.reportedAhead),
    ...otherMachineNotices(finished),
    ...mailboxNotices(heard),
    ...replacedListNotices(finished),
    ...(asked ? unknown : []),
    ...ownerToldNotices(finished),
    ...unassignedAnswerNotices(finished, news),
    ...untoldOutcomeNotices(finished),
    ...askedTwiceNotices(finished),
    ...lettersSentNotices(finished),
    ...waitingFileNotices(finished, calls),
    ...gapNotices(finished, calls),
    ...longCallNotices(finished, calls),
    ...unlistedNotices(heard),
    ...lettersLeftNotices(finished),
    ...lostKeyNotices(finished),
    ...lossReportNotices(finished),
    ...(finished.deleted ?? []),
  ]
}

// "Without a word of what it replies to it answers the only question that is open": with several open it closes none.
function unassignedAnswerNotices({ state }: FinishedRun, news: readonly InboxItem[]): string[] {
  const open = Object.values(state.index.escalations).filter(isOpen)
  const loose = news.some(({ type, escalation, repeat }) => type === 'owner' && escalation === undefined && !repeat)
  if (!loose || open.length < 2) return []
  return [
    `your owner wrote without saying which of your ${open.length} open questions that answers; \`${P2P} status\` shows them, \`${P2P} escalate --answered "…" --id <id>\` closes one`,
  ]
}

function untoldOutcomeNotices({ intent, decided }: FinishedRun): string[] {
  if (intent.type !== 'escalate' || intent.tell === undefined || decided?.asked?.call !== '') return []
  return ['what --tell says was told to nobody: no call is active; your owner was asked all the same']
}

function askedTwiceNotices({ decided, state, context }: FinishedRun): string[] {
  const kept = state.index.escalations[decided?.asked?.id ?? '']
  if (kept === undefined) return []
  const [before] = sameQuestions(kept, Object.values(state.index.escalations)).filter((one) => one !== kept)
  if (before === undefined) return []
  const { id, at } = before.escalation
  return [
    `you asked your owner the same ${formatDuration(context.now - at)} ago (${id.slice(0, 8)}), and that is still open: one answer closes both`,
  ]
}

// "Another client has replaced our own 10050: noticed by `announce`, said, published anew."
function replacedListNotices({ done }: FinishedRun): string[] {
  const lists = resultsOf('inbox-list', done).filter(({ action }) => action.replaces === true)
  return lists.map(({ oks }) =>
    oks.some(({ accepted }) => accepted)
      ? 'another client that uses this identity had replaced the list of relays where you read (kind 10050), so calls would not have come in; it is published anew'
      : 'another client that uses this identity has replaced the list of relays where you read (kind 10050), so calls may not come in; no relay took it anew, and the next command tries again',
  )
}

// Only of what was owed from before: for what the command itself says it is the command's failure.
function lostKeyNotices({ done, decided }: FinishedRun): string[] {
  const own = decided?.said.map(({ call }) => call) ?? []
  return callsWithoutKey(done).flatMap((call) =>
    own.includes(call)
      ? []
      : [
          `the key of call ${call.slice(0, 8)} is missing or damaged, so what is owed in it stays here; a new \`${P2P} call <agent> "<topic>"\` begins anew`,
        ],
  )
}

// "Its seals are told as unreadable (\"answered by another machine, or a copy\"), and the call begins anew."
function lossReportNotices({ done, context, state }: FinishedRun): string[] {
  const told = resultsOf('receipt', done).filter(
    ({ action: { receipt }, oks }) =>
      receipt.lost === true && receipt.call === undefined && oks.some(({ accepted }) => accepted),
  )
  const people = { ...context.people, names: namesOf(state) }
  return told.map(({ action: { receipt } }) => {
    const npub = npubEncode(receipt.to)
    return `messages from ${agentLabel(agentOf(people, receipt.to))} in a call cannot be decrypted here: another machine or a copy has answered it, or its key is lost; the other side has been told, and \`${P2P} call ${npub} "<topic>"\` begins anew`
  })
}

// Which agents on line are not listed, and why.
function unlistedNotices({ online, answers }: SyncResult): string[] {
  if (online === undefined) return []
  const { lacking, hidden, forged } = online
  // Where no relay answered, the error says so, and why.
  const told = answers.some(isRelayThere) ? lacking : []
  return [
    ...[...new Set(told.map(quoteRelayReason))].map((said) => `some agents on line may be missing here: ${said}`),
    ...(hidden === 0
      ? []
      : [`${hidden} on line are left out, for too little proof of work in their presence (policy.presencePow)`]),
    ...forged.map((url) => `${url} sent presences that their authors have not signed`),
  ]
}

// A signal is shown in its place: one that came before a signal that it follows is shown together with that.
function gapNotices({ needs }: FinishedRun, calls: readonly Call[]): string[] {
  if (needs.notes?.includes('mail') !== true) return []
  return calls.flatMap(({ id, waiting, gaps }) => {
    const [gap] = gaps
    if (waiting.length === 0 || gap === undefined) return []
    const came = waiting.length === 1 ? '1 message' : `${waiting.length} messages`
    const verb = waiting.length === 1 ? 'waits' : 'wait'
    return [
      `${came} in the call ${id.slice(0, 8)} ${verb} for one that has not arrived (peer/${gap[0]}); the other side is asked for it, \`${P2P} transcript ${id.slice(0, 8)}\` shows what came`,
    ]
  })
}

// "A bound that unread ones meet is told."
function lettersLeftNotices({ needs, state }: FinishedRun): string[] {
  const { lettersLeft: left = 0 } = state.index
  if (left === 0 || needs.notes?.includes('mail') !== true) return []
  return [
    `${left === 1 ? '1 letter' : `${left} letters`} found no room beside the unread ones; read those with \`${P2P} inbox\`, then \`${P2P} inbox --deep\` asks the relays once more`,
  ]
}

// Nothing is refused, and the peer is not told: whether to go on is for our agent to say, or for its owner.
function longCallNotices({ context, needs, state }: FinishedRun, calls: readonly Call[]): string[] {
  if (needs.notes?.includes('mail') !== true) return []
  const maxMessages = context.environment.config.call.maxMessages
  return calls.flatMap((call) => {
    if (call.phase !== 'active') return []
    const { messages, circling } = paceOf(call, state.logs[call.id]?.archive)
    const id = call.id.slice(0, 8)
    const facts = [
      ...(messages > maxMessages ? [`has ${messages} messages, more than ${maxMessages} (call.maxMessages)`] : []),
      ...(circling
        ? [`has had ${circling.turns} short turns within ${circling.seconds} s: are you going in circles?`]
        : []),
    ]
    if (facts.length === 0) return []
    const next = `\`${P2P} end --call ${id}\` ends it, \`${P2P} escalate "…" --call ${id}\` asks your owner`
    return [`the call ${id} with ${peerLabel(call, context.people)} ${facts.join(', and ')}; ${next}`]
  })
}

// Questions that the owner could not be told when they were asked.
function ownerToldNotices({ done, state, context, decided }: FinishedRun): string[] {
  const told = resultsOf('tell-owner', done)
  const before = told.filter(({ action }) => !action.due.neverTold)
  const results = before.flatMap(({ told: { id, results } }) => Object.entries(results).map((r) => [id, ...r] as const))
  const owned = told.flatMap(({ action: { due } }) => (due.neverTold && due.letter !== undefined ? [due.letter] : []))
  const toOwner = resultsOf('letter', done).filter(({ action }) => action.due.to === context.environment.ownerKey)
  const letters = new Set(toOwner.map(({ action }) => action.due.rumor.id))
  const sent = [...letters].filter((id) => !owned.includes(id) && id !== decided?.letter?.rumor.id)
  const taken = sent.filter((id) => state.index.outgoingLetters[id] === undefined)
  return [
    ...results.map(([id, channel, error]) =>
      error === undefined
        ? `your owner has now been told through ${channel} what you asked before (${id.slice(0, 8)})`
        : `your owner could again not be told through ${channel} what you asked before (${id.slice(0, 8)}): ${inQuotes(error, 200)}`,
    ),
    ...(taken.length > 0 ? ['your owner has now been sent the direct message that no relay had taken'] : []),
    ...(sent.length > taken.length ? ['a direct message to your owner could again not be sent: no relay took it'] : []),
  ]
}

// Letters to others that no relay had taken when they were written.
function lettersSentNotices({ done, state, context, decided }: FinishedRun): string[] {
  const sent = resultsOf('letter', done).filter(
    ({ action: { due } }) =>
      due.to !== context.environment.ownerKey &&
      due.rumor.id !== decided?.letter?.rumor.id &&
      state.index.outgoingLetters[due.rumor.id] === undefined,
  )
  const receivers = [...new Set(sent.map(({ action }) => action.due.to))]
  return receivers.map(
    (to) =>
      `your letter to ${agentLabel(agentOf({ ...context.people, names: {} }, to))}, which no relay had taken, has now gone out`,
  )
}

// Files that are still to come, for whoever asks what is new.
function waitingFileNotices({ needs, state }: FinishedRun, calls: readonly Call[]): string[] {
  if (needs.notes?.includes('files') !== true) return []
  const held = remoteFilesOf(state, calls).filter((remoteFile) => (remoteFile.progress?.tries ?? 0) > 0)
  return held.map(
    ({ from, body, progress }) =>
      `a file from ${shortNpub(npubEncode(from))} (${body.size} bytes) could not be fetched yet: ${progress?.why}; later commands try again, \`${P2P} status\` shows how far it is`,
  )
}

// Mail that this run could not read is not passed over in silence.
function mailboxNotices({ answers, left }: SyncResult): string[] {
  const unfinished = answers.filter((a) => a.sweep !== undefined).map((a) => a.relay)
  const gaps = answers.flatMap(({ relay, gap }) => (gap === undefined ? [] : [`${relay} (${when(gap)})`]))
  return [
    ...(unfinished.length > 0 || left > 0
      ? [
          `more waits ${unfinished.length > 0 ? `at ${unfinished.join(', ')} ` : ''}than this run could read; \`${P2P} inbox\` reads on`,
        ]
      : []),
    ...(gaps.length > 0
      ? [
          `a relay may hold more messages of one second than it gives out: ${gaps.join(', ')}; other relays may have them`,
        ]
      : []),
  ]
}

function when(stamp: number): string {
  return new Date(stamp * 1000).toISOString()
}

function clockNotices(ahead: number): string[] {
  if (ahead === 0) return []
  const by =
    Math.abs(ahead) >= 7200
      ? `${Math.round(Math.abs(ahead) / 3600)} hours`
      : `${Math.round(Math.abs(ahead) / 60)} minutes`
  return [`your clock looks wrong: it is ${by} ${ahead > 0 ? 'ahead of' : 'behind'} the relays'`]
}

// Told once, by a command whose output somebody reads.
function otherMachineNotices({ context: { now }, needs, state }: FinishedRun): string[] {
  const { found } = state.index.machine ?? {}
  if (found === undefined || needs.unattended === true || found.told !== now) return []
  return [
    found.lives
      ? 'another machine uses this identity and has written lately: give each machine an identity of its own'
      : 'this state is older than what this identity has written, or another machine uses it: calls may have gone on without this one, and what your owner wrote before may be a repeat; give each machine an identity of its own',
  ]
}

// NIP-17: without a list "the user is not ready to receive messages"; agents that are found otherwise get a try.
function guessedRelayNotices(to: string, by: Route['by'], { context, state }: FinishedRun): string[] {
  const who = to === context.environment.ownerKey ? 'your owner' : shortNpub(npubEncode(to))
  const where =
    by === 'own' ? 'your own relays' : by === 'reads' ? 'the relays of its kind 10002' : 'others that it named'
  const listed = (state.index.peers[to]?.inbox.length ?? 0) > 0
  if (by !== 'list' && listed) {
    const hint = `\`${P2P} config set relays.allowPrivate true\` allows the latter`
    return [`${who} reads at relays that were shut down or lie in a private network (${hint}); sent to ${where}`]
  }
  if (by !== 'own' && by !== 'reads') return []
  return [`${who} has not said where it reads (no kind 10050); sent to ${where}, where it may not look`]
}
