// Reading calls from disk: one call, a list of calls, or every line with certain words. `end` shows the call that it ended.

import type { Agent, AgentDirectory } from '../call/agents.ts'
import { asCall } from '../call/choose-call.ts'
import type { IntentOf } from '../call/intent.ts'
import { type Call, replay } from '../call/replay.ts'
import { resolveSelector } from '../call/selector.ts'
import { briefOf, type Excerpt, excerptOf } from '../call/transcript/excerpt.ts'
import { type LetterEntry, letterEntries } from '../call/transcript/letters.ts'
import { markdownOf } from '../call/transcript/markdown.ts'
import { hitsIn, type SearchHit } from '../call/transcript/search.ts'
import { type Transcript, transcriptOf } from '../call/transcript/transcript.ts'
import { formatTime, unsafeTextOf } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { latestFirst } from '../state/call-index.ts'
import { directoryOf } from '../state/directory.ts'
import { isDue, letterLogName } from '../state/letter-log.ts'
import { namesOf } from '../state/peer-memory.ts'
import { callsOf, type State } from '../state/state.ts'
import { ownAgent, type RunContext } from './context.ts'

export type TranscriptRead = { state: State; call: Call | undefined; reading: TranscriptView }

/**
 * Reads what the command asks for: a call, the list of calls, or where words were said. A call that cannot be meant or read is a Failure as
 * a value; what --with cannot mean is thrown (BAD_AGENT, AGENT_AMBIGUOUS).
 */
export function readTranscripts(
  intent: IntentOf<'transcript'>,
  context: RunContext,
  state: State,
): TranscriptRead | Failure {
  const people = { ...context.people, names: namesOf(state) }
  const source = { state, people, me: ownAgent(context, people) }
  const word = intent.id ?? context.selector
  const id = word === undefined ? undefined : pickCall(word, source)
  if (id instanceof Failure) return id
  const ids = id === undefined ? callsWanted(intent, source) : [id]
  if (intent.search !== undefined) return { state, call: undefined, reading: search(intent, ids, context, source) }
  if (id === undefined) {
    const letters = intent.with === undefined ? undefined : readLetters(intent.with, intent, context, source)
    return { state, call: undefined, reading: { type: 'calls', ids, ...letters } }
  }
  const loaded = loadCall(id, context, source)
  const reading = loaded === undefined ? undefined : readCall(context, loaded.call, loaded.source, intent)
  if (loaded === undefined || reading === undefined) {
    return new Failure(
      'CALL_UNREADABLE',
      `the file of call ${id.slice(0, 8)} is missing or damaged`,
      `\`${P2P} inbox --deep\` asks the relays for what they still hold of it`,
    )
  }
  return { state: loaded.source.state, call: loaded.call, reading }
}

/** The id of the one call that a word names: at least 8 characters of its id, or its peer. A Failure where none, or several, fit. */
export function pickCall(word: string, { state, people }: Pick<CallSource, 'state' | 'people'>): string | Failure {
  const meant = resolveSelector(word, directoryOf(state.index, people, 'callers'))
  const gone = deletedFailure(word, state)
  if (meant instanceof Failure) return (meant.code === 'SEVERAL_CALLS' ? undefined : gone) ?? asCall(meant)
  if (meant.type === 'call') return meant.id
  const peer = meant.type === 'agent' ? meant.pubkey : undefined
  const fitting = Object.entries(state.index.calls).filter(([, call]) => call.peer === peer)
  const [match, second] = fitting.map(([id]) => id)
  if (match === undefined) {
    // The whole id of a deleted call may have been read as an agent's key.
    if (gone !== undefined) return gone
    return new Failure(
      'NO_SUCH_CALL',
      `no call fits "${word}"`,
      `\`${P2P} transcript\` lists the calls there are; 8 characters of an id will do`,
    )
  }
  if (second === undefined) return match
  const list = fitting.slice(0, 5).map(([id]) => id.slice(0, 12))
  return new Failure(
    'SEVERAL_CALLS',
    `${fitting.length} calls fit "${word}": ${list.join(', ')}${fitting.length > 5 ? ', …' : ''}`,
    `\`${P2P} transcript --with <agent>\` lists the calls with an agent; type more of an id`,
  )
}

function deletedFailure(word: string, state: State): Failure | undefined {
  const [id, at = 0] = deletedCall(word, state) ?? []
  if (id === undefined) return undefined
  const message = `the call ${id.slice(0, 8)} was deleted here, ${formatTime(at)}`
  return new Failure('NO_SUCH_CALL', message, `\`${P2P} transcript\` lists the calls there are`)
}

/** The id of a deleted call that begins with the word, and when it was deleted, unix seconds; undefined for none. */
export function deletedCall(word: string, { index }: State): readonly [string, number] | undefined {
  const hex = word.toLowerCase()
  if (!/^[0-9a-f]{8,64}$/.test(hex)) return undefined
  return Object.entries(index.forgotten).find(([id]) => id.startsWith(hex))
}

/** The ids of the calls with that agent in that time, the latest first. */
function callsWanted(intent: IntentOf<'transcript'>, { state, people }: CallSource): string[] {
  const { since = 0, until = Infinity } = intent
  const peer = intent.with === undefined ? undefined : peerMeant(intent.with, state, people)
  return latestFirst(state.index)
    .filter(([, call]) => call.createdAt <= until && call.last >= since)
    .filter(([, call]) => peer === undefined || call.peer === peer)
    .map(([id]) => id)
}

function readLetters(
  word: string,
  { since = 0, until = Infinity, maxChars }: IntentOf<'transcript'>,
  { environment, now }: RunContext,
  source: CallSource,
): { letters: LetterEntry[]; lettersLeft: number } {
  const peer = peerMeant(word, source.state, source.people)
  if (source.state.index.letterLogs[peer] === undefined) return { letters: [], lettersLeft: 0 }
  const held = environment.store.read([letterLogName(peer)]).letters?.[peer]?.letters ?? {}
  const shown = Object.values(held).filter(
    (letter) =>
      (!letter.unread || isDue(letter, now)) && letter.rumor.created_at >= since && letter.rumor.created_at <= until,
  )
  const { letters, left } = letterEntries(shown, source, maxChars)
  return { letters, lettersLeft: left }
}

/** The pubkey of the agent that a word means, "" for one with whom there is no call. Throws what `resolveSelector` refuses. */
function peerMeant(word: string, state: State, people: AgentDirectory): string {
  const meant = resolveSelector(word, directoryOf(state.index, people, 'callers'))
  if (meant instanceof Failure) throw meant
  if (meant.type === 'call') return meant.peer
  return meant.type === 'agent' ? meant.pubkey : ''
}

// Call by call: however many there are, only one of them is in memory.
function search(
  intent: IntentOf<'transcript'>,
  ids: readonly string[],
  context: RunContext,
  source: CallSource,
): TranscriptView {
  const hits: SearchHit[] = []
  let room = intent.maxChars === 0 ? Infinity : intent.maxChars
  for (const id of ids) {
    const loaded = loadCall(id, context, source)
    const whole = loaded === undefined ? undefined : transcriptFor(loaded.call, loaded.source)
    for (const hit of whole === undefined ? [] : hitsIn(whole, intent.search ?? '', intent)) {
      room -= unsafeTextOf(hit.line).length + HIT_OVERHEAD
      if (room < 0) return { type: 'found', hits, more: true }
      hits.push(hit)
    }
  }
  return { type: 'found', hits, more: false }
}

/** Characters in front of a line that was found: call, entry, time and author. */
const HIT_OVERHEAD = 60

function loadCall(
  id: string,
  { environment, now }: RunContext,
  source: CallSource,
): { call: Call; source: CallSource } | undefined {
  const { index } = source.state
  const log = environment.store.readLog(id)
  const call = log === undefined ? undefined : replay(log, environment.keys.pubkey, now)
  if (log === undefined || call === undefined) return undefined
  return { call, source: { ...source, state: { index, logs: { [id]: log } } } }
}

export type TranscriptView =
  | { type: 'call'; shown: Excerpt }
  /** `ids`: of calls, the latest first. Where an agent is named: the letters with it, oldest first, and how many older are left out. */
  | { type: 'calls'; ids: string[]; letters?: LetterEntry[]; lettersLeft?: number }
  /** `more`: there are more hits than fit. */
  | { type: 'found'; hits: SearchHit[]; more: boolean }

/** The state that calls are read from, ourselves, and the names of others. */
export type CallSource = { state: State; me: Agent; people: AgentDirectory }

/** The transcript of the command's own call; undefined where that is not loaded. `maxChars`: 0 for all of it. */
export function readOwnCall(
  context: RunContext,
  state: State,
  id: string | undefined,
  maxChars: number,
): TranscriptView | undefined {
  const { environment, now } = context
  const call = callsOf(state, environment.keys.pubkey, now).find((c) => c.id === id)
  const people = { ...context.people, names: namesOf(state) }
  return call === undefined
    ? undefined
    : readCall(context, call, { state, people, me: ownAgent(context, people) }, { maxChars })
}

/** The transcript of a call as far as it fits; where it does not fit, the whole is written to a file. */
function readCall(
  context: RunContext,
  call: Call,
  source: CallSource,
  { maxChars, brief = false }: { maxChars: number; brief?: boolean | undefined },
): TranscriptView | undefined {
  const transcript = transcriptFor(call, source)
  if (transcript === undefined) return undefined
  if (!brief) return { type: 'call', shown: excerptFor(context, transcript, maxChars) }
  const path = context.environment.transcripts()[call.id]
  return { type: 'call', shown: { ...briefOf(transcript), ...(path === undefined ? {} : { path }) } }
}

/** The transcript of a call that is loaded; undefined for one that is not. */
export function transcriptFor(call: Call, { state, me, people }: CallSource): Transcript | undefined {
  const log = state.logs[call.id]
  return log === undefined ? undefined : transcriptOf(call, log, me, people)
}

function excerptFor({ environment }: RunContext, transcript: Transcript, maxChars: number): Excerpt {
  const shown = excerptOf(transcript, maxChars)
  if (!shown.truncated) return shown
  const whole = markdownOf(excerptOf(transcript, 0))
  try {
    return { ...shown, path: environment.saveTranscript(transcript.call.id, `${whole.join('\n')}\n`) }
  } catch (error) {
    // A full disk must not keep anybody from reading: the output still names the command that shows the whole.
    if (error instanceof Failure) return shown
    throw error
  }
}
