// What may leave a call for chapters, rule by rule, and that nobody who has only the head knows less.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { proposalsOf } from '../../src/call/agreements.ts'
import {
  ARCHIVE_BOUNDS,
  type ArchiveSegment,
  compact,
  joinSegments,
  needsWholeCall,
  parseSegment,
  splitSegments,
} from '../../src/call/archive.ts'
import type { Log, LogEntry } from '../../src/call/log.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { paceOf } from '../../src/call/pace.ts'
import { lastSignal, replay } from '../../src/call/replay.ts'
import { type Body, LIMIT, type Link, NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { rumorOf } from '../../src/nostr/event.ts'
import { summariseCall } from '../../src/state/call-index.ts'
import { shownUpTo } from '../../src/state/read-marks.ts'
import { must } from '../support/must.ts'
import { ME, PEER, START, sampleCall } from './transcript/sample-transcripts.ts'

const ALL = { keep: 0, minEntries: 1, maxPerSegment: 100 }
const FILE = {
  type: 'file',
  text: '',
  transferId: 'f',
  name: 'a',
  mime: '',
  size: 2,
  sha256: 'c'.repeat(64),
  chunk: [1, 1],
} as const

const words = (text: string): Body => ({ type: 'message', text })
const chunk = (n: number, of: number, transferId = 'f'): Body => ({
  ...FILE,
  transferId,
  chunk: [n, of],
  remote: undefined,
})

type Script = readonly (readonly ['me' | 'peer', Body, lost?: boolean])[]

/** An active call of ours in which this is said; everything of ours has come through. */
function talk(script: Script, caller: 'me' | 'peer' = 'me') {
  const call = sampleCall(caller, 'topic')
  call.say(caller === 'me' ? 'peer' : 'me', { type: 'accept', text: '' })
  const ids = script.map(([who, body, lost], n) => call.say(who, body, n, lost))
  return { log: { ...call.log, peerAcked: ackedAll(call.log) }, ids }
}

/** As if the peer had acknowledged all of ours, or so many. */
function ackedAll(log: Log, seq: number = LIMIT.seq): Link {
  return { seq, id: log.id }
}

const callOf = (log: Log) => replay(log, ME, 0)
const compacted = (log: Log, bounds = ALL) => compact(log, callOf(log), 0, bounds)

/** The texts that are archived. */
function textsOf(log: Log, bounds = ALL): string[] {
  const held = [...compacted(log, bounds).added.values()].flatMap(({ entries }) => Object.values(entries))
  return held.map(({ rumor }) => rumor.content).sort()
}

/** A rumor put into a log as it stands, behind the last of its author, with all of the other side acknowledged, unless said otherwise. */
function with1(log: Log, who: string, body: Body, place: { seq?: number; prev?: string; ack?: Link } = {}): Log {
  const to = who === ME ? PEER : ME
  const [own, other] = [lastSignal(log, who), lastSignal(log, to)]
  const position = { call: log.id, to, seq: own.seq + 1, prev: own.id, ack: other, ...place }
  const rumor = rumorOf(signalTemplate(body, position, START), who)
  const entry = who === ME ? { rumor } : { rumor, heard: START }
  return { ...log, entries: { ...log.entries, [rumor.id]: entry } }
}

const FOUR: Script = [
  ['me', words('a')],
  ['peer', words('b')],
  ['me', words('c')],
  ['peer', words('d')],
]

describe('what may be archived', () => {
  test('the words of an active call, but for its first two', () => {
    for (const caller of ['me', 'peer'] as const) {
      const { log } = talk(FOUR, caller)
      expect(textsOf(log)).toEqual(['a', 'b', 'c', 'd'])
      const { head } = compacted(log)
      expect(Object.values(head.entries).map(({ rumor }) => rumor.tags.find((t) => t[0] === 'op')?.[1])).toEqual([
        'request',
        'accept',
      ])
    }
  })

  test('nothing of a call that rings, or that has an end', () => {
    const { log } = talk(FOUR)
    const [, accept] = Object.keys(log.entries)
    const { [must(accept)]: _, ...rest } = log.entries
    expect(textsOf({ ...log, entries: rest })).toEqual([])
    const end: Body = { type: 'end', text: '', expired: false }
    expect(textsOf(with1(log, ME, end))).toEqual([])
  })

  test('not the last ones, and not a few', () => {
    const { log } = talk(FOUR)
    expect(textsOf(log, { ...ALL, keep: 1 })).toEqual(['a', 'b'])
    expect(textsOf(log, { ...ALL, keep: 2 })).toEqual(['a', 'b'])
    expect(textsOf(log, { ...ALL, keep: 3 })).toEqual([])
    expect(textsOf(log, { ...ALL, minEntries: 4 })).toEqual(['a', 'b', 'c', 'd'])
    expect(textsOf(log, { ...ALL, minEntries: 5 })).toEqual([])
    expect(textsOf(log, ARCHIVE_BOUNDS)).toEqual([])
  })

  test('up to a word of the peer, since after that nothing of theirs has an earlier clock', () => {
    const { log } = talk([...FOUR, ['me', words('e')], ['me', words('f')]])
    expect(textsOf(log)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('up to what the peer has not acked, or what is still in the outbox', () => {
    const { log, ids } = talk(FOUR)
    expect(textsOf({ ...log, peerAcked: ackedAll(log, 2) })).toEqual(['a', 'b'])
    const entry = { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [] }
    expect(textsOf({ ...log, outbox: { [must(ids[2])]: entry } })).toEqual(['a', 'b'])
  })

  test('up to what is unread', () => {
    const { log, ids } = talk(FOUR)
    expect(textsOf({ ...log, unread: [must(ids[3])] })).toEqual(['a', 'b'])
  })

  test('up to a word that something later does not acknowledge, so that its clock can be told without the archive', () => {
    const { log } = talk(FOUR)
    const [, , second] = Object.keys(log.entries)
    const low = with1(log, PEER, words('low'), { ack: { seq: 2, id: must(second) } })
    expect(textsOf(low)).toEqual(['a', 'b', 'c', 'd', 'low'])
    expect(textsOf(low, { ...ALL, keep: 1 })).toEqual(['a', 'b'])
  })

  test('nothing from what the rules did not let anybody say on', () => {
    const { log } = talk(FOUR)
    const { log: odd } = talk([...FOUR, ['peer', { type: 'opaque', text: '', op: 'later' }], ...FOUR])
    expect(textsOf(odd)).toEqual(textsOf(log))
  })

  test('a file with all of its parts, once it has come to its end', () => {
    const { log } = talk([
      ['peer', words('a')],
      ['peer', chunk(1, 2)],
      ['peer', words('b')],
      ['peer', chunk(2, 2)],
      ['peer', words('c')],
    ])
    const key = `f ${FILE.sha256}`
    expect(textsOf(log)).toEqual(['a'])
    expect(textsOf({ ...log, files: { [key]: { fetching: { have: 0, tries: 0, at: 0, why: '' } } } })).toEqual(['a'])
    for (const state of [{ path: '/a' }, { refused: 'why' }])
      expect(textsOf({ ...log, files: { [key]: state } })).toEqual(['', '', 'a', 'b', 'c'])
    // The last part stays, and so does the first.
    expect(textsOf({ ...log, files: { [key]: { path: '/a' } } }, { ...ALL, keep: 2 })).toEqual(['a'])
  })

  test('a file of ours with all of its parts', () => {
    const { log } = talk([
      ['peer', words('a')],
      ['me', chunk(1, 2)],
      ['peer', words('b')],
      ['me', chunk(2, 2)],
      ['peer', words('c')],
    ])
    expect(textsOf(log)).toEqual(['', '', 'a', 'b', 'c'])
    expect(textsOf(log, { ...ALL, keep: 2 })).toEqual(['a'])
    expect(textsOf({ ...log, peerAcked: ackedAll(log, 2) })).toEqual(['a'])
  })
})

describe('a head and its chapters', () => {
  const { log } = talk([...FOUR, ...FOUR, ...FOUR])
  const { head, added } = compacted(log, { ...ALL, keep: 4, maxPerSegment: 3 })
  const volume = { head, segments: added }

  test('are the log that they were', () => {
    expect(joinSegments(volume)).toEqual(log)
    expect([...added.keys()]).toEqual([1, 2, 3])
    expect(splitSegments(must(joinSegments(volume)), volume)).toEqual(head)
  })

  test('are read again as they were written', () => {
    expect(parseLog(JSON.parse(JSON.stringify(head)))).toEqual(head)
    for (const chapter of added.values()) expect(parseSegment(JSON.parse(JSON.stringify(chapter)))).toEqual(chapter)
    expect(parseSegment({ version: 2 })).toBe('newer')
    for (const value of [null, [], {}, { version: 1, id: log.id }, { version: 1, id: 'x', entries: {} }])
      expect(parseSegment(value)).toBeUndefined()
  })

  test.each([
    ['segments', [0, 3]],
    ['segments', [3, 1]],
    ['segments', [1, 10]],
    ['segments', [1, 2, 3]],
    ['segments', 3],
    ['entries', -1],
    ['own', 9],
    ['messages', 1.5],
    ['messages', 9],
    ['tails', { x: 1 }],
    ['tails', { [ME]: { seq: '1', id: ME, clock: 1 } }],
    ['tails', { [ME]: { seq: 1, id: 'x', clock: 1 } }],
    ['last', null],
  ])('are damaged where %s is %j', (name, value) => {
    expect(
      parseLog(JSON.parse(JSON.stringify({ ...head, archive: { ...head.archive, [name]: value } }))),
    ).toBeUndefined()
  })

  test('do not fit when one is missing, or belongs to another call', () => {
    const some = (...chapters: [number, ArchiveSegment][]) => joinSegments({ head, segments: new Map(chapters) })
    const [one, two, three] = [1, 2, 3].map((n): [number, ArchiveSegment] => [n, must(added.get(n))])
    expect(some(must(one), must(two))).toBeUndefined()
    expect(some(must(one), must(two), [3, must(one)[1]])).toBeUndefined()
    expect(some(must(one), must(two), [3, { ...must(three)[1], id: '0'.repeat(64) }])).toBeUndefined()
  })

  test('go on from where they are', () => {
    const more = compacted(with1(with1(head, ME, words('e')), PEER, words('f')))
    expect([...more.added.keys()]).toEqual([4])
    expect(more.head.archive).toMatchObject({ segments: [1, 4], entries: 14, own: 7, messages: 14 })
    expect(joinSegments({ head: more.head, segments: new Map([...added, ...more.added]) })).toBeDefined()
  })

  test('are written anew, under numbers of their own, when something comes in between', () => {
    const [, early] = Object.keys(log.entries)
    const liar = with1(must(joinSegments(volume)), PEER, words('liar'), { ack: { seq: 1, id: must(early) } })
    expect(splitSegments(liar, volume)).toBeUndefined()
    const whole = must(joinSegments(volume))
    const id = must(Object.keys(must(added.get(2)).entries)[0])
    const changed = { ...whole, entries: { ...whole.entries, [id]: { ...must(whole.entries[id]) } } }
    expect(splitSegments(changed, volume)).toBeUndefined()
    // The peer has reported one of them missing after all: it is owed once more, and a head without it could not be read.
    const owed = Object.keys(must([...volume.segments.values()][0]).entries)
    const entry = { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [], offeredAgain: true as const }
    expect(splitSegments({ ...whole, outbox: { [must(owed[0])]: entry } }, volume)).toBeUndefined()
  })

  test('are written anew where the peer misses something that lies in one: what is owed stays in the head', () => {
    const whole = must(joinSegments(volume))
    const id = must(Object.keys(must(added.get(1)).entries)[0])
    const owed = {
      ...whole,
      outbox: { [id]: { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [], offeredAgain: true as const } },
    }
    expect(splitSegments(owed, volume)).toBeUndefined()
    const { head: anew } = compact(owed, replay(owed, ME, 0), 3, ALL)
    expect(Object.keys(anew.entries)).toContain(id)
    expect(parseLog(JSON.parse(JSON.stringify(anew)))).toEqual(anew)
  })

  const end: Body = { type: 'end', text: '', expired: false }
  const low: Link = { seq: 1, id: log.id }
  test.each([
    ['a later word of the peer', false, words('x'), {}],
    ['a number that lies in a segment', true, words('x'), { seq: 3 }],
    ['an acknowledgement of something that lies in one', true, words('x'), { ack: low }],
    ['an end', true, end, {}],
  ])('%s: needs the whole call: %s', (_, whole, body, place) => {
    expect(needsWholeCall(head, with1(head, PEER, body, place))).toBe(whole)
    expect(needsWholeCall(log, with1(log, PEER, body, place))).toBe(false)
  })

  test('what could not be judged without the archive needs the whole call', () => {
    expect(needsWholeCall(head, { ...head, needsWholeCall: true })).toBe(true)
  })
})

/** What somebody says next: how far it lags behind the other side, and which signal of the call an answer is about. */
type Move = { mine: boolean; what: number; lag: number; about: number }

const move: fc.Arbitrary<Move> = fc.record({
  mine: fc.boolean(),
  what: fc.nat(12),
  lag: fc.oneof(fc.constant(0), fc.nat(3)),
  about: fc.nat(200),
})

const SAID: readonly Body[] = [
  { type: 'propose', text: 'x' },
  { type: 'agree', text: '' },
  { type: 'decline', text: '' },
  { type: 'escalate', text: 'x' },
  { type: 'progress', text: 'x' },
]

function bodyOf({ mine, what }: Move): Body {
  return SAID[what] ?? (what === 5 ? chunk(1, 1, String(mine)) : words(`${what}`))
}

/** The next rumor of a call, with what its author had taken by then. */
function rumorIn(whole: Log, one: Move) {
  const [who, to] = one.mine ? [ME, PEER] : [PEER, ME]
  const ids = Object.keys(whole.entries)
  const signals = must(callOf(whole)).lines.map(({ signal }) => signal)
  const [own, others] = [signals.filter(({ from }) => from === who), signals.filter(({ from }) => from === to)]
  // Whoever is behind has taken at least what it has acknowledged before.
  const known = must(own.at(-1)).ack.seq
  const acked = others.filter(({ seq }) => seq >= known).toReversed()
  const { seq, id } = acked[Math.min(one.lag, acked.length - 1)] ?? NOTHING
  const before = lastSignal(whole, who)
  const position = { call: whole.id, to, seq: before.seq + 1, prev: before.id, ack: { seq, id } as Link }
  const body = bodyOf(one)
  const re = body.type === 'agree' || body.type === 'decline' ? ids[one.about % ids.length] : undefined
  const at = START + ids.length
  const rumor = rumorOf(signalTemplate(body, { ...position, ...(re !== undefined && { re }) }, at), who)
  return who === ME ? { rumor } : { rumor, heard: at + 1 }
}

function heard(log: Log, entry: LogEntry): Log {
  return { ...log, entries: { ...log.entries, [entry.rumor.id]: entry } }
}

/** That a head tells of its call what all of the call tells, but for the words. */
function expectSame(head: Log, whole: Log): void {
  const [one, all] = [must(callOf(head)), must(callOf(whole))]
  const staying = all.lines.filter(({ signal }) => head.entries[signal.id] !== undefined)
  expect(one).toEqual({ ...all, lines: staying })
  expect(proposalsOf(one)).toEqual(proposalsOf(all))
  expect(paceOf(one, head.archive).messages).toBe(paceOf(all).messages)
  expect(summariseCall(one, head, START)).toEqual(summariseCall(all, whole, START))
  expect(shownUpTo(head, ME)).toBe(shownUpTo(whole, ME))
}

test('whoever has the head alone knows of the call what the whole says, but for the words, and so as it goes on', () => {
  let [archived, kept, again] = [0, 0, 0]
  fc.assert(
    fc.property(
      fc.array(move, { maxLength: 60 }),
      fc.array(move, { maxLength: 30 }),
      fc.nat(5),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
      (first, second, keep, acked, mine) => {
        const { log } = talk([], mine ? 'me' : 'peer')
        const start: Log = {
          ...log,
          files: { [`false ${FILE.sha256}`]: { path: '/a' } },
          peerAcked: ackedAll(log, acked),
        }
        const bounds = { keep, minEntries: 1, maxPerSegment: 5 }
        let whole = first.reduce((log, one) => heard(log, rumorIn(log, one)), start)
        const { head: once, added } = compacted(whole, bounds)
        expectSame(once, whole)
        expect(joinSegments({ head: once, segments: added })).toEqual(whole)
        if (once.archive === undefined) return
        archived++
        if (once.archive.kept !== undefined) kept++
        let head = parsed(once)
        for (const one of second) {
          const entry = rumorIn(whole, one)
          const next = heard(head, entry)
          // Such a one is worked out over the whole call.
          if (needsWholeCall(head, next)) continue
          ;[whole, head] = [heard(whole, entry), next]
          expectSame(head, whole)
        }
        const more = compacted(head, bounds)
        expectSame(more.head, whole)
        if (more.added.size > 0) again++
        expect(joinSegments({ head: more.head, segments: new Map([...added, ...more.added]) })).toEqual(whole)
      },
    ),
    { numRuns: 300 },
  )
  for (const count of [archived, kept, again]) expect(count).toBeGreaterThan(30)
})

/** A head as it is read from disk. */
function parsed(log: Log): Log {
  return parseLog(JSON.parse(JSON.stringify(log))) as Log
}
