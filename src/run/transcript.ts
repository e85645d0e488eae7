// Reading calls from disk: one of them, a list of them, or every line that holds some words.

import { type AgentDirectory, agentOf } from '../call/agents.ts'
import type { IntentOf } from '../call/intent.ts'
import type { Call } from '../call/replay.ts'
import { hitsIn, type SearchHit } from '../call/transcript/search.ts'
import { EXIT, Failure } from '../errors.ts'
import { namesOf } from '../state/peer-memory.ts'
import { type CallSummary, callOf, type State } from '../state/state.ts'
import { guess } from './find.ts'
import { type Place, selfOf } from './place.ts'
import { type Reading, readCall, retold, type Source } from './reading.ts'

export type Read = { state: State; call: Call | undefined; reading: Reading }

/** Throws BAD_AGENT and AGENT_AMBIGUOUS for an agent that cannot be meant. */
export function transcript(intent: IntentOf<'transcript'>, place: Place, state: State): Read | Failure {
  const people = { ...place.people, names: namesOf(state) }
  const source = { state, people, me: selfOf(place, people) }
  const word = intent.id ?? place.selector
  const id = word === undefined ? undefined : pick(word, source)
  if (id instanceof Failure) return id
  const ids = id === undefined ? wanted(intent, source) : [id]
  if (intent.search !== undefined) return { state, call: undefined, reading: search(intent, ids, place, source) }
  if (id === undefined) return { state, call: undefined, reading: { type: 'calls', ids } }
  const loaded = load(id, place, source)
  const reading = loaded === undefined ? undefined : readCall(place, loaded.call, loaded.source, intent.most)
  if (loaded === undefined || reading === undefined) {
    return new Failure(
      'CALL_UNREADABLE',
      EXIT.impossible,
      `the file of call ${id.slice(0, 8)} is missing or damaged`,
      '`p2p inbox --deep` asks the relays for what they still hold of it',
    )
  }
  return { state: loaded.source.state, call: loaded.call, reading }
}

/** The one call that a word names: at least 6 characters of its id, or its peer. */
function pick(word: string, { state, people }: Source): string | Failure {
  const calls = Object.entries(state.index.calls)
  const text = word.toLowerCase()
  const byId = /^[0-9a-f]{6,64}$/.test(text) ? calls.filter(([id]) => id.startsWith(text)) : []
  const fitting = byId.length > 0 ? byId : calls.filter(([, call]) => isNamed(text, call, people))
  const [match, second] = fitting.map(([id]) => id)
  if (match === undefined) {
    return new Failure(
      'NO_SUCH_CALL',
      EXIT.impossible,
      `no call fits "${word}"`,
      '`p2p transcript` lists the calls there are; 6 characters of an id will do',
    )
  }
  if (second === undefined) return match
  const list = fitting.slice(0, 5).map(([id]) => id.slice(0, 12))
  return new Failure(
    'SEVERAL_CALLS',
    EXIT.impossible,
    `${fitting.length} calls fit "${word}": ${list.join(', ')}${fitting.length > 5 ? ', …' : ''}`,
    '`p2p transcript --with <agent>` lists the calls with an agent; type more of an id',
  )
}

/** The calls with that agent in which something was said in that time, the latest first. */
function wanted(intent: IntentOf<'transcript'>, { state, people }: Source): string[] {
  const { since = 0, until = Infinity, with: word = '' } = intent
  const agent = intent.with === undefined ? undefined : guess(intent.with, people)
  return Object.entries(state.index.calls)
    .filter(([, call]) => call.createdAt <= until && call.last >= since)
    .filter(([, call]) => {
      if (agent === undefined) return true
      return 'pubkey' in agent ? call.peer === agent.pubkey : isNamed(word.trim().toLowerCase(), call, people)
    })
    .sort(([, a], [, b]) => b.last - a.last)
    .map(([id]) => id)
}

function isNamed(word: string, call: CallSummary, people: AgentDirectory): boolean {
  const { npub, pubkey, name } = agentOf(people, call.peer, call.name)
  return [npub, pubkey, name.toLowerCase()].includes(word)
}

// Call by call: however many there are, only one of them is in memory.
function search(intent: IntentOf<'transcript'>, ids: readonly string[], place: Place, source: Source): Reading {
  const hits: SearchHit[] = []
  let room = intent.most === 0 ? Infinity : intent.most
  for (const id of ids) {
    const loaded = load(id, place, source)
    const whole = loaded === undefined ? undefined : retold(loaded.call, loaded.source)
    for (const hit of whole === undefined ? [] : hitsIn(whole, intent.search ?? '', intent)) {
      room -= hit.line.length + HEAD
      if (room < 0) return { type: 'found', hits, more: true }
      hits.push(hit)
    }
  }
  return { type: 'found', hits, more: false }
}

/** What stands before a line that was found: call, entry, time and author. */
const HEAD = 60

// Which of the calls that crossed became the conversation, only both together can tell.
function load(id: string, { world, now }: Place, source: Source): { call: Call; source: Source } | undefined {
  const { index } = source.state
  const logs = [id, ...(index.calls[id]?.rivals ?? [])].flatMap((one) => world.store.readLog(one) ?? [])
  const state = { index, logs: Object.fromEntries(logs.map((log) => [log.id, log])) }
  const log = state.logs[id]
  const call = log === undefined ? undefined : callOf(state, log, world.keys.pubkey, now)
  return call === undefined ? undefined : { call, source: { ...source, state } }
}
