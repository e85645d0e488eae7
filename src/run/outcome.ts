// What came of a run, as data: commands turn it into text or JSON.

import type { Agent, AgentDirectory, Contact } from '../call/agents.ts'
import { type InboxItem, itemsOf, letterItem, ownerFirst } from '../call/inbox-items.ts'
import type { Intent } from '../call/intent.ts'
import { type Presence, readPresences } from '../call/presence.ts'
import type { Call } from '../call/replay.ts'
import type { Failure } from '../errors.ts'
import type { SettingValue } from '../io/environment.ts'
import { isOnItsWay } from '../state/files.ts'
import { namesOf } from '../state/peer-memory.ts'
import type { RecordedSignal } from '../state/say.ts'
import { callsOf, type State } from '../state/state.ts'
import type { Posted } from './announce.ts'
import type { Ended } from './ended.ts'
import type { Escalated } from './escalate.ts'
import { failureOf } from './failing.ts'
import type { Heard } from './listen.ts'
import { noticesOf } from './notices.ts'
import { type Place, selfOf } from './place.ts'
import type { Reading } from './reading.ts'

export type RelayReport = { url: string; ok: boolean; latencyMs?: number; error?: string }

export type Outcome = {
  intent: Intent
  me: Agent
  self: { name: string; about: string; relays: Place['world']['relays'] }
  people: AgentDirectory
  now: number
  state: State
  /** The calls that are open, oldest first. */
  calls: Call[]
  /** The call that the command was about, as it is now. */
  call: Call | undefined
  /** What the command itself said. */
  said: RecordedSignal | undefined
  /** All of it, where it took several rumors. */
  parts: RecordedSignal[]
  /** What is unread. */
  news: InboxItem[]
  presences: Presence[]
  relays: RelayReport[]
  /** How many calls something new came in for, for `announce`. */
  received: number
  posted: Posted | undefined
  /** Why nothing was done. */
  idle?: string
  escalation: Escalated | undefined
  /** What was read for its reader, by `transcript` and `end`. */
  reading: Reading | undefined
  settings: readonly SettingValue[]
  contacts: readonly Contact[]
  /** Where the secret key was written to, by `whoami --export`. */
  exported?: string
  /** One line each: what the user should know beside the result. */
  notices: string[]
  /** Why the command did not, or not wholly, do its job. */
  failure: Failure | undefined
}

export function outcomeOf(ended: Ended): Outcome {
  const { place, intent, heard, turn, state, posted, escalation } = ended
  const { world, now } = place
  const people = { ...place.people, names: namesOf(state) }
  const me = world.keys.pubkey
  const calls = callsOf(state, me, now)
  const parts = turn.said.slice(turn.said.length - turn.verdict.say.length)
  const said = parts[0]
  return {
    intent,
    me: selfOf(place, people),
    self: { name: world.config.name, about: world.config.about, relays: world.relays },
    people,
    now,
    state,
    calls,
    call: calls.find((c) => c.id === said?.call),
    said,
    parts,
    news: newsOf(state, calls, people),
    presences: readPresences(heard.public, now),
    relays: reportOf(place, heard),
    received: turn.touched.length,
    posted,
    escalation,
    reading: undefined,
    settings: [],
    contacts: people.contacts,
    notices: noticesOf(ended, calls),
    failure: failureOf(ended),
  }
}

/** Everything unread: the owner's words first, then call by call. */
export function newsOf(state: State, calls: readonly Call[], people: AgentDirectory, all = false): InboxItem[] {
  // A letter that brings a file is news once the file is here, or will never be.
  const letters = Object.values(state.index.dms).filter((dm) => (dm.unread || all) && !isOnItsWay(dm))
  const items = calls.flatMap((call) => {
    const log = state.logs[call.id]
    return log === undefined ? [] : itemsOf(log, call, people, all)
  })
  return ownerFirst([...items, ...letters.map((dm) => letterItem(dm.rumor, dm.heard, people, dm.file))])
}

function reportOf({ world }: Place, { answers }: Heard): RelayReport[] {
  return world.pool.relays().map(({ url, ok, latencyMs, error }) => {
    const failed = answers.find((a) => a.relay === url && !a.complete)
    const why = error ?? (failed === undefined ? undefined : (failed.text ?? failed.reason))
    return {
      url,
      ok: ok && failed === undefined,
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(why === undefined ? {} : { error: why }),
    }
  })
}
