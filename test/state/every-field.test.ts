// Every field of every file that we keep: one that holds something of another type makes the file damaged, which is said, and
// nothing of it is believed. tsc holds the samples to have every field that there is, also those that may be absent.
import { describe, expect, test } from 'vitest'
import { type ArchiveSegment, parseSegment } from '../../src/call/archive.ts'
import type { FileState, Log, LogEntry } from '../../src/call/log.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { parseHolder } from '../../src/io/store/lock-holder.ts'
import { fields, text } from '../../src/json.ts'
import { finalize, rumorOf } from '../../src/nostr/event.ts'
import { type Foreign, foreignText } from '../../src/sanitize.ts'
import { type HookMemory, parseHookMemory } from '../../src/state/hook-memory.ts'
import { parseIndex } from '../../src/state/index-codec.ts'
import { parseLetterLog } from '../../src/state/letter-log.ts'
import type { Index, LetterLog } from '../../src/state/state.ts'
import { alice, bob, now } from '../support/people.ts'

/** A type with every field of it, all the way down. */
type Whole<T> = T extends string | number | boolean | Foreign | undefined
  ? T
  : T extends readonly [infer A, infer B]
    ? readonly [Whole<A>, Whole<B>]
    : T extends readonly (infer U)[]
      ? Whole<U>[]
      : { [K in keyof T]-?: Whole<Exclude<T[K], undefined>> }

const ID = 'ab'.repeat(32)
const words = foreignText('some words')
const template = { kind: 14, created_at: now, tags: [['p', bob.pubkey]], content: 'hello' }
const rumor = rumorOf(template, alice.pubkey)
const event = finalize(template, alice)
const claim = { pid: 1, at: now, host: 'here', processStart: 'm', remainingOnly: true } as const

const owed: Whole<Index['outgoingLetters'][string]['entry']> = {
  ...{
    wrap: event,
    wrappedAt: now,
    wrapCount: 1,
    accepted: ['wss://a'],
    failed: [{ url: 'wss://b', reason: words, final: true }],
  },
  ...{ retriedAt: now, earlyWraps: 1, reportedMissing: true, offeredAgain: true, claim },
}

const files: Record<string, Whole<FileState>> = {
  a: { path: '/x', size: 3, sha256: ID },
  b: { refused: 'too large' },
  c: { fetching: { have: 1, tries: 2, at: now, why: 'w', wrong: 1, claim } },
}

const entry: Whole<LogEntry> = { rumor, heard: now, hadAcked: 1, underCallKey: true }

const log: Omit<Whole<Log>, 'needsWholeCall'> = {
  ...{ version: 3, id: ID, entries: { [rumor.id]: entry }, waiting: { [rumor.id]: entry } },
  aside: { [rumor.id]: { ...entry, why: 'fork' } },
  ...{ asideMore: 1, unread: ['missed'], outbox: { [rumor.id]: owed }, peerAcked: { seq: 1, id: ID } },
  ...{
    peerRead: 1,
    read: 1,
    receipts: {
      ackTaken: 1,
      ackTried: 1,
      ackTriedAt: now,
      missingAskedAt: 1,
      forkToldAt: 1,
      readTold: 1,
      offeredAgainAt: 1,
      firstOfferedAgainAt: 1,
    },
  },
  ...{ missedAt: now, ringsUntil: now, heldForGlare: true, mergedInto: ID, merges: ID, countBeforeAnswer: 1 },
  ...{
    fork: { by: 'me', seq: 1, id: ID, at: now, foreign: ID },
    peerReceiptAck: 1,
    peerLostAt: now,
    ackedAtPeerEnd: 1,
  },
  ...{ verified: { digest: ID, at: now }, undeliveredToldAt: now, files },
  earlySeals: { [ID]: { seal: event, stamp: now, tried: [ID] } },
  archive: {
    ...{ segments: [1, 2], entries: 3, own: 1, messages: 1, last: now },
    tails: { [ID]: { seq: 1, id: ID, clock: 1 } },
    kept: { [ID]: { clock: 1, unseen: [1, 2] } },
  },
}

const escalation: Whole<Index['escalations'][string]['escalation']> = {
  ...{ id: ID, at: now, agent: ID, npub: 'npub1', name: words, call: ID, peer: ID, peerNpub: 'npub1' },
  ...{ peerName: words, peerTrust: 'known', topic: words, topicBy: 'me', text: 'May I?', told: 'I ask' },
}

const amount = { requests: 1, rumors: 1, bytes: 1, files: 1 }

const index: Whole<Index> = {
  ...{ version: 2, agent: ID, seen: { [ID]: now }, lossReportedAt: { [ID]: now }, forgotten: { [ID]: now } },
  relays: {
    'wss://a': {
      ...{
        cursor: now,
        cursorByOwnClock: now,
        wholeReadAt: now,
        incompleteSince: now,
        longWaitAt: 1,
        unreachableSince: now,
      },
      negentropy: { speaks: true, at: now },
      sweep: { since: 1, until: 1, top: 1, began: 1, cursor: 1, whole: true, deep: true },
      limits: { at: now, maxEvents: 1, maxMessageBytes: 1, subscriptions: 1 },
      backoff: { at: now, until: now, tries: 1, why: words, named: true, only: 'read' },
      dialLimit: { at: now, cron: now, dials: 2 },
      canary: { at: now, wrap: ID, misses: 1, leaky: now },
    },
  },
  calls: {
    [ID]: {
      ...{ peer: ID, name: 'ben', direction: 'incoming', topic: 'x', createdAt: now, deadline: now, phase: 'active' },
      ...{ unread: 1, own: { queued: 1, relayed: 1, delivered: 1, read: 1 }, open: true, last: now, held: true },
      ...{
        verified: true,
        outcome: 'done',
        outcomeBy: 'peer',
        secrecy: 'call',
        hungUp: true,
        overAt: now,
        endCount: 1,
        awaitsAcceptUntil: now,
        earlySeals: { count: 1, bytes: 1 },
      },
      agreements: [
        ...[{ ref: 'me/1', from: 'me', text: 'x', at: now, answer: { ref: 'peer/1', text: 'y', at: now, late: true } }],
      ].map((one) => ({ ...one, from: 'me', answer: { ...one.answer, late: true }, cut: true }) as const),
    },
  },
  peers: {
    [ID]: {
      ...{
        inbox: ['wss://a'],
        listedAt: now,
        lookedUpAt: now,
        hints: ['wss://a'],
        reads: ['wss://a'],
        name: words,
        pow: 1,
      },
      ...{ called: ['ben'], heardAt: now, keysLostAt: now, record: { 'wss://a': { acked: 1, unacked: 1 } } },
    },
  },
  letterLogs: { [ID]: { open: true, bytes: 1, last: now, due: now } },
  outgoingLetters: { x: { to: ID, rumor, entry: owed } },
  escalations: {
    [ID]: {
      ...{ escalation, letter: ID, channels: [{ channel: 'nostr', ok: true, error: words }] },
      answers: [{ id: ID, text: 'Yes', at: now, channel: 'nostr', unread: true }],
    },
  },
  pendingEscalations: {
    [ID]: {
      ...{ escalation, letter: ID, channelsLeft: { nostr: { tries: 1, at: now, error: words } } },
      ...{ neverTold: true, ownerReached: true, claim },
    },
  },
  orphanCalls: [{ call: ID, from: ID, heard: now, completeReads: 1, said: 1, end: rumor }],
  unreadable: { [ID]: { heard: now, completeReads: 1 } },
  ...{ keysGone: { [ID]: now }, cleanedAt: now, triedKeys: { [ID]: [ID] }, dropped: { duplicate: 1 }, legacy: true },
  meter: { day: 1, senders: { [ID]: amount }, strangers: amount, refused: { [ID]: true }, rang: { [ID]: 1 } },
  wakes: { x: { at: now, times: 1 } },
  announced: {
    ...{
      presenceAt: now,
      inboxList: 'x',
      presenceWords: 'x',
      presenceTakenAt: { 'wss://a': now },
      presenceCreatedAt: now,
      lastCommandAt: now,
    },
    listOffers: { 'wss://a': { at: now, taken: true } },
    ...{ listCreatedAt: now, listReplacedBy: now, listAskedAt: now },
  },
  dms: { [ID]: { rumor, heard: now, unread: true, file: { refused: 'no' } } },
  ...{ lettersLeft: 1, stateLost: true, stateLostAt: now, clockAhead: 1, announcing: { ...claim, pause: 1 } },
  machine: {
    ...{ id: 'x', count: 1, others: { y: { at: now, lives: true } } },
    found: { at: now, lives: true, told: now },
  },
}

const letters: Whole<LetterLog> = {
  ...{ version: 1, peer: ID },
  letters: {
    [rumor.id]: { rumor, heard: now, unread: true, mine: true, repeat: true, from: now, file: { refused: 'no' } },
  },
}

const segment: Whole<ArchiveSegment> = { version: 1, id: ID, entries: { [rumor.id]: entry } }

/** All that it may hold, and a value for each other type that JSON has. */
const OTHERS: readonly unknown[] = [null, true, -0.5, 'something else', [], [null], {}, { x: 1 }]

type Path = readonly (string | number)[]

function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Object.entries(value).flatMap(([key, one]) => pathsIn(one, [...path, key]))
  return path.length === 0 ? inner : [path, ...inner]
}

function changed(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by
  if (Array.isArray(value)) return value.map((one, n) => (String(n) === String(key) ? changed(one, rest, by) : one))
  const held = value as Record<string, unknown>
  return { ...held, [key]: changed(held[key], rest, by) }
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((held, key) => (held as Record<string, unknown>)[String(key)], value)
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value
}

describe.each([
  ['state.json', index, (value: unknown) => parseIndex(value)],
  ['a call file', log, parseLog],
  ['a file of letters', letters, parseLetterLog],
  ['a segment of a call', segment, parseSegment],
])('%s', (_, sample, parse) => {
  const written: unknown = JSON.parse(JSON.stringify(sample))

  test('is read as it was written', () => {
    expect(parse(written)).toEqual(written)
  })

  test.each(pathsIn(written).map((path) => [path.join('.').replaceAll(ID, 'ID'), path] as const))(
    'with another type under %s',
    (_, path) => {
      const was = typeOf(valueAt(written, path))
      for (const other of OTHERS.filter((one) => typeOf(one) !== was))
        expect([other, parse(changed(written, path, other))]).toEqual([other, undefined])
    },
  )
})

describe('files that are only a help: what cannot be read in them counts for nothing', () => {
  const memory: HookMemory = { told: ['x'], held: { y: 1 }, at: [now] }

  test.each(['told', 'held', 'at'])('a hook of a session, without %s', (name) => {
    for (const other of OTHERS.filter((one) => typeOf(one) !== typeOf(memory[name as keyof HookMemory])))
      expect(parseHookMemory({ ...memory, [name]: other })).toEqual({ ...memory, [name]: name === 'held' ? {} : [] })
  })

  const holder = { pid: 7, command: 'send', host: 'here', processStart: 'm' }

  test.each(['pid', 'host', 'processStart'])('the holder of the lock, without %s', (name) => {
    expect(parseHolder(JSON.stringify(holder))).toEqual(holder)
    for (const other of OTHERS.filter((one) => typeOf(one) !== typeOf(holder[name as keyof typeof holder])))
      expect(parseHolder(JSON.stringify({ ...holder, [name]: other }))).toBeUndefined()
  })
})

test('tsc takes no decoder of an object that leaves a field out', () => {
  type Pair = { one: string; other?: string }
  // @ts-expect-error
  const less = fields<Pair>({}, { other: text })
  // @ts-expect-error
  const fewer = fields<Pair>({ one: text }, {})
  // @ts-expect-error
  const none = fields<Pair>({ one: text })
  expect([less, fewer, none]).toHaveLength(3)
})
