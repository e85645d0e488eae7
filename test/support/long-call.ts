// A call that goes on and on, with segments so small that every few words make one: for tests of what lies on disk.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { itemsOf } from '../../src/call/inbox-items.ts'
import type { Log } from '../../src/call/log.ts'
import { replay } from '../../src/call/replay.ts'
import type { Link } from '../../src/call/signal.ts'
import type { Home } from '../../src/io/home/paths.ts'
import type { Store, StoreSnapshot } from '../../src/io/store/store.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { markRead } from '../../src/state/read-marks.ts'
import type { Index, LetterLog } from '../../src/state/state.ts'
import { stateCodecWith } from '../../src/state/state-codec.ts'
import { END, hears, inCall, raw, type Side, says, send, T } from './conversation.ts'

export const smallArchiveCodec = stateCodecWith({ keep: 2, minEntries: 3, maxPerSegment: 2 })

type LongCallSnapshot = StoreSnapshot<Index, Log, LetterLog>
type LongCallStore = Store<Index, Log, LetterLog>

const { ada, ben, id } = inCall()

/** The id of the call, and our key. */
export const LONG_CALL = id
export const OUR_KEY = ada.key

/** Writes down a call in which so many words of each side were said. */
export async function writeLongCall(store: LongCallStore, words: number): Promise<void> {
  await store.update([], () => ({ snapshot: ada.state, value: 0 }))
  for (let n = 0; n < words; n++) await store.update([], addMessages)
}

/** One more word of the peer, read, and one of ours; its value is how many there are now. */
export function addMessages(fresh: LongCallSnapshot) {
  const side = sideOf(fresh)
  const call = callIn(side)
  const n = call.taken.seq
  hears(side, [theirs(side, n, call.taken, call.own)])
  const log = side.state.logs[id]
  const items = log === undefined ? [] : itemsOf(log, callIn(side), { contacts: [], owner: undefined, names: {} })
  side.state = markRead(side.state, items, { me: side.key, now: T })
  says(side, send(`ours ${n}`))
  return { snapshot: side.state, value: n }
}

/** The peer's first word once more, in another envelope. */
export function repeatFirstMessage(fresh: LongCallSnapshot) {
  const side = sideOf(fresh)
  hears(side, [FIRST])
  return { snapshot: side.state, value: side.state.index.dropped.duplicate ?? 0 }
}

/** This side hangs up; the value is what it has said. */
export function endCall(fresh: LongCallSnapshot) {
  const side = sideOf(fresh)
  const [said] = says(side, END)
  return { snapshot: side.state, value: said }
}

/** Anything that has the call written once more. */
export function touchCall({ index, logs }: LongCallSnapshot) {
  const log = logs[id]
  return { snapshot: { index, logs: log === undefined ? logs : { ...logs, [id]: { ...log } } }, value: 0 }
}

/** What was said, in order, as a reader of the whole call sees it. */
export function textsOf(log: Log | undefined): string[] {
  const call = log && replay(log, ada.key, T)
  return call?.lines.flatMap(({ signal: { body } }) => (body.type === 'message' ? [body.text] : [])) ?? []
}

/** What a call of so many words of each side says. */
export function expectedTexts(words: number): string[] {
  return Array.from({ length: words }, (_, n) => [`theirs ${n + 1}`, `ours ${n + 1}`]).flat()
}

/** The names of the segments that lie there. */
export function segmentsIn(home: Home): string[] {
  try {
    return readdirSync(join(home.calls, id)).sort()
  } catch {
    return []
  }
}

/** The peer's first word in the call. */
const FIRST = theirs(ada, 1, callIn(ada).taken, callIn(ada).own)

function theirs(side: Side, n: number, prev: Link, ack: Link): Rumor {
  const position = { call: id, to: side.key, seq: n + 1, prev: prev.id, ack }
  return raw(ben, { type: 'message', text: `theirs ${n}` }, position, T)
}

function sideOf({ index, logs }: LongCallSnapshot): Side {
  return { key: ada.key, pid: 1, state: { index, logs } }
}

function callIn({ state }: Side) {
  const log = state.logs[id]
  const call = log && replay(log, ada.key, T)
  if (call === undefined) throw new Error('the call is not there')
  return call
}
