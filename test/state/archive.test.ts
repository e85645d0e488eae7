// A call that is partly in chapters is the call that it would be in one piece, whatever its peer says: the same script, played
// with chapters as small as they get and without any, leaves the same state.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ArchivedCall, ArchiveSegment } from '../../src/call/archive.ts'
import { ARCHIVE_BOUNDS, type ArchiveBounds } from '../../src/call/archive.ts'
import { transfers } from '../../src/call/file-transfer.ts'
import { itemsOf } from '../../src/call/inbox-items.ts'
import type { Intent } from '../../src/call/intent.ts'
import type { Log } from '../../src/call/log.ts'
import { replay } from '../../src/call/replay.ts'
import { type Body, type Link, NOTHING, type SignalPosition } from '../../src/call/signal.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { recordTransfers } from '../../src/state/files.ts'
import { markRead } from '../../src/state/read-marks.ts'
import { callsOf, type State } from '../../src/state/state.ts'
import { stateCodecWith } from '../../src/state/state-codec.ts'
import { END, hears, inCall, raw, type Side, send, T, turn } from '../support/conversation.ts'

type Shelf = {
  side: Side
  codec: ReturnType<typeof stateCodecWith>
  chapters: Map<number, ArchiveSegment>
  joined: number
  compacted: number
}

/** What the store does with a change, in memory. */
function change(shelf: Shelf, id: string, make: (side: Side) => void): void {
  const { side, codec } = shelf
  const before = side.state
  make(side)
  const [head, log] = [before.logs[id], side.state.logs[id]]
  if (head === undefined || log === undefined) return
  let volume: ArchivedCall | undefined
  if (codec.archive.needsWholeCall(head, log)) {
    shelf.joined++
    volume = volumeOf(shelf, head)
    side.state = { ...before, logs: { ...before.logs, [id]: wholeOf(shelf, head) } }
    make(side)
  }
  const after = side.state.logs[id]
  if (after === undefined) throw new Error('the call is gone')
  expect(codec.archive.needsWholeCall(volume === undefined ? head : wholeOf(shelf, head), after)).toBe(false)
  const compacted = codec.archive.compact(side.state, after, volume)
  shelf.compacted += compacted.added.size
  for (const [number, chapter] of compacted.added) shelf.chapters.set(number, chapter)
  // As it is read from disk: parsed, and from nothing else.
  side.state = { ...side.state, logs: { ...side.state.logs, [id]: again(codec.parseLog, compacted.head) } }
}

function volumeOf({ codec, chapters }: Shelf, head: Log): ArchivedCall {
  const named = codec.archive.segmentsOf(head).flatMap((n): [number, ArchiveSegment][] => {
    const chapter = chapters.get(n)
    return chapter === undefined ? [] : [[n, again(codec.archive.parse, chapter)]]
  })
  return { head, segments: new Map(named) }
}

function wholeOf(shelf: Shelf, head: Log): Log {
  const whole = shelf.codec.archive.joinSegments(volumeOf(shelf, head))
  if (whole === undefined) throw new Error('the chapters are not what the head says')
  return whole
}

function again<T>(parse: (value: unknown) => T | 'newer' | undefined, value: T): T {
  const parsed = parse(JSON.parse(JSON.stringify(value)))
  if (parsed === undefined || parsed === 'newer') throw new Error('what was written cannot be read')
  return parsed
}

const FILE = {
  type: 'file',
  text: 'b2s=',
  mime: '',
  name: 'a',
  size: 2,
  sha256: 'c'.repeat(64),
  remote: undefined,
} as const

/** What may happen: each a number for what, and three to make something of. */
const deed = fc.tuple(fc.nat(19), fc.nat(9), fc.nat(9), fc.nat(9))
type Deed = readonly [number, number, number, number]

function play(bounds: ArchiveBounds, script: readonly Deed[]) {
  const { ada, ben, id } = inCall()
  const shelf: Shelf = { side: ada, codec: stateCodecWith(bounds), chapters: new Map(), joined: 0, compacted: 0 }
  const sent: Rumor[] = []
  /** What was last said at some time, on either side, whether it lies in the archive or not. */
  const links = new Map<string, Link & { from: string }>()
  const say = (body: Body, place: Partial<SignalPosition> = {}) => {
    const log = shelf.side.state.logs[id]
    const call = log && replay(log, ada.key, T)
    if (call === undefined) throw new Error('no call')
    const position = { call: id, to: ada.key, seq: call.taken.seq + 1, prev: call.taken.id, ack: call.own, ...place }
    const rumor = raw(ben, body, { ...position, prev: position.seq === 1 ? undefined : position.prev }, T + sent.length)
    sent.push(rumor)
    change(shelf, id, (who) => void hears(who, [rumor]))
  }
  const intend = (intent: Intent) => change(shelf, id, (who) => void turn(who, intent, { selector: id }))
  for (const [what, a, b, c] of script) {
    const log = shelf.side.state.logs[id]
    const call = log && replay(log, ada.key, T)
    if (log === undefined || call === undefined) throw new Error('no call')
    links
      .set(call.own.id ?? '', { from: ada.key, ...call.own })
      .set(call.taken.id ?? '', { from: ben.key, ...call.taken })
    const any = (from: string): Link => {
      const some = [...links.values()].filter((link) => link.from === from && link.seq > 0)
      const one = some[(a * 10 + b) % Math.max(1, some.length)]
      return one === undefined ? NOTHING : { seq: one.seq, id: one.id }
    }
    if (what < 5) intend(send(`${a}${b}`))
    else if (what < 9) say({ type: 'message', text: `${a}${b}` })
    // Rarely: a log that has forked takes nothing more.
    else if (what === 9 && c < 2) say({ type: 'message', text: 'a lie' }, { ack: any(ada.key) })
    else if (what === 9 && c < 4) say({ type: 'message', text: 'early' }, { seq: call.taken.seq + 2 })
    else if (what === 10 && c === 0)
      say({ type: 'accept', text: '', name: 'x', relays: [] }, { seq: 1 + a, prev: any(ben.key).id })
    else if (what === 11) say({ ...FILE, transferId: `${a % 2}`, chunk: [1 + (b % 2), 2] })
    else if (what === 12) {
      const all =
        call.lines.length === 0
          ? []
          : transfers(call, log, ben.key).filter((t) => log.files[t.transferKey] === undefined)
      const done = all.slice(0, 1).map((transfer) => ({ call: id, transfer, fileState: { path: '/a' } }))
      change(shelf, id, (who) => {
        who.state = recordTransfers(who.state, done, { me: ada.key, now: T, pid: 1 })
      })
    } else if (what === 13)
      intend({ type: 'sendfile', files: [{ name: 'a', content: { type: 'bytes', bytes: Buffer.alloc(30_000) } }] })
    else if (what === 14) {
      const again = sent[(a * 10 + b) % Math.max(1, sent.length)]
      if (again !== undefined) change(shelf, id, (who) => void hears(who, [again]))
    } else if (what === 15)
      change(
        shelf,
        id,
        (who) =>
          void hears(who, [
            raw(
              ben,
              { type: 'receipt', text: '', missing: [[1 + a, 1 + a + b]] },
              { call: id, to: ada.key, ack: call.own },
            ),
          ]),
      )
    else if (what === 16 && a === 0) intend(END)
    else if (what === 16 && a === 1) say({ type: 'end', text: 'x', expired: false })
    else if (what === 17 && a < 3) intend({ type: 'propose', text: `${b}`, wait: undefined })
    else if (what === 17 && a < 5) say({ type: 'propose', text: `${b}` })
    else if (what === 17) {
      const { id: re } = any(c < 8 ? ada.key : ben.key)
      say({ type: a < 7 ? 'agree' : 'decline', text: '' }, re === undefined ? {} : { re })
    } else if (what === 18 && a < 2) say({ type: 'opaque', text: '', op: 'later' })
    else {
      const items = itemsOf(log, call, { contacts: [], owner: undefined, names: {} })
      change(shelf, id, (who) => {
        who.state = markRead(who.state, items, { me: ada.key, now: T })
      })
    }
  }
  return { shelf, id }
}

// Every envelope has a number of its own.
function unwrapped(state: State): State {
  return { ...state, index: { ...state.index, seen: {} } }
}

/** Words of both sides in turn, all read, and then the peer misses what it had acknowledged. */
const MISSED: Deed[] = [
  ...Array.from({ length: 30 }, (_, n): Deed => [[0, 5, 19][n % 3] ?? 0, 0, n % 10, 0]),
  [15, 0, 9, 0],
]

/** The peer acknowledges something of ours that lies in a segment. */
const BEHIND: Deed[] = [...MISSED.slice(0, -1), [9, 0, 1, 0]]

/** The last word of the peer that lies in a segment comes once more. */
const AGAIN: Deed[] = [...MISSED.slice(0, -1), [14, 0, 9, 0]]

/** A call that begins with a proposal, which the other side agrees to among words that cross. */
const AGREED: Deed[] = [[17, 0, 0, 0], [17, 6, 1, 0], ...MISSED.slice(0, -1)]

test('the same state, with chapters and without', () => {
  let [compacted, joined, kept, agreed] = [0, 0, 0, 0]
  fc.assert(
    fc.property(fc.array<Deed>(deed, { minLength: 10, maxLength: 70 }), fc.nat(2), (script, which) => {
      const bounds = [
        { keep: 0, minEntries: 1, maxPerSegment: 2 },
        { keep: 3, minEntries: 3, maxPerSegment: 9 },
        { keep: 1, minEntries: 2, maxPerSegment: 1 },
      ][which]
      const [one, plain] = [play(bounds ?? ARCHIVE_BOUNDS, script), play(ARCHIVE_BOUNDS, script)]
      const [{ shelf, id }, other] = [one, plain.shelf.side]
      const mine = shelf.side.state.logs[id]
      if (mine === undefined) throw new Error('no call')
      compacted += shelf.compacted
      joined += shelf.joined
      kept += Object.keys(mine.archive?.kept ?? {}).length
      agreed += shelf.side.state.index.calls[id]?.agreements?.length ?? 0
      const whole: State = { ...shelf.side.state, logs: { ...shelf.side.state.logs, [id]: wholeOf(shelf, mine) } }
      expect(unwrapped(whole)).toEqual(unwrapped(other.state))
      const [call] = callsOf(shelf.side.state, shelf.side.key, T)
      const [full] = callsOf(other.state, other.key, T)
      expect({ ...call, lines: [] }).toEqual({ ...full, lines: [] })
      if (mine.archive !== undefined) expect(full?.ends).toEqual({})
    }),
    {
      numRuns: 30,
      examples: [
        [MISSED, 0],
        [AGREED, 0],
        [BEHIND, 0],
        [AGAIN, 0],
      ],
    },
  )
  // Where nothing is archived, or nothing meets what is, it would hold as well.
  expect([compacted > 10, joined > 0, kept > 1, agreed > 0]).toEqual([true, true, true, true])
}, 60_000)

test('a second accept among words that lie in chapters by now introduces the peer still', () => {
  const SEND: Deed = [0, 0, 0, 0]
  const HEAR: Deed = [5, 0, 0, 0]
  const script = [
    HEAR,
    HEAR,
    SEND,
    [10, 3, 5, 0] as Deed,
    SEND,
    HEAR,
    ...Array(6).fill(SEND),
    [9, 0, 0, 4] as Deed,
    SEND,
  ]
  const { shelf, id } = play({ keep: 0, minEntries: 1, maxPerSegment: 2 }, script)
  expect(shelf.compacted).toBeGreaterThan(0)
  expect(shelf.side.state.index.calls[id]?.name).toBe('x')
})
