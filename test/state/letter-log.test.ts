// Letters by rumor id: told once, none lost unread, and nobody's flood in the way of another's.
import { describe, expect, test } from 'vitest'
import type { Trust } from '../../src/call/agents.ts'
import { letterItem } from '../../src/call/inbox-items.ts'
import { sha256, toHex } from '../../src/nostr/crypto.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { isDue, letterLogName, summariseLetters } from '../../src/state/letter-log.ts'
import { markRead } from '../../src/state/read-marks.ts'
import { receiveAll } from '../../src/state/receive.ts'
import { logNamesIn } from '../../src/state/signal-step.ts'
import { emptyIndex, type Letter, type State } from '../../src/state/state.ts'
import { stateCodec } from '../../src/state/state-codec.ts'

const T = 1_800_000_000
const DAY = 86_400
const me = 'a'.repeat(64)
const owner = 'b'.repeat(64)
const friend = 'c'.repeat(64)
const stranger = (n: number) => toHex(sha256(Buffer.from(`stranger ${n}`)))

const trust = (pubkey: string): Trust => (pubkey === owner ? 'owner' : pubkey === friend ? 'known' : 'unknown')
const admission = { trust, calls: 'anyone' as const, silent: false, pow: 0 }
const people = { contacts: [{ pubkey: friend, petname: 'fay', trust: 'known' as const }], owner, names: {} }
const empty: State = { index: { ...emptyIndex(), agent: me }, logs: {} }

let wraps = 0
const wrapOf = (rumor: Rumor, stamp = T, bits = 0) => ({
  id: toHex(sha256(Buffer.from(`${wraps++}`))),
  stamp,
  bits,
  rumor,
})

function letter(from: string, content: string, { at = T, kind = 14, tags = [['p', me]] } = {}): Rumor {
  return rumorOf({ kind, created_at: at, tags, content }, from)
}

function heard(state: State, rumors: readonly Rumor[], now = T, bits = 0, deep = false): State {
  return receiveAll(
    state,
    rumors.map((rumor) => wrapOf(rumor, now, bits)),
    { me, now, completeReads: [], admission, deep },
  ).state
}

const held = (state: State, peer: string): Letter[] => Object.values(state.letters?.[peer]?.letters ?? {})
const unread = (state: State, peer: string, now = T) => held(state, peer).filter((one) => isDue(one, now))

function readAll(state: State, peer: string): State {
  return markRead(
    state,
    unread(state, peer).map((one) => letterItem(one, people)),
    { me, now: T },
  )
}

describe('of the owner', () => {
  test('1,200 that come at once are all kept, unread', () => {
    const rumors = Array.from({ length: 1_200 }, (_, n) => letter(owner, `order ${n}`))
    expect(unread(heard(empty, rumors), owner)).toHaveLength(1_200)
  })

  test('however much strangers write, none of them goes; and what is dated anew is no new order', () => {
    const order = letter(owner, 'Pay invoice 4711')
    const read = readAll(heard(empty, [order]), owner)
    const flood = Array.from({ length: 300 }, (_, n) => letter(stranger(n), `flood ${n}`))
    const again = heard(heard(read, flood, T + 60), [order], T + 120)
    expect(unread(again, owner)).toEqual([])
    expect(held(again, owner)).toHaveLength(1)
    expect(again.index.dropped).toMatchObject({ duplicate: 1 })
  })

  test('what is older than 7 days may be a repeat', () => {
    const state = heard(empty, [
      letter(owner, 'old', { at: T - 7 * DAY - 1 }),
      letter(owner, 'new', { at: T - 7 * DAY }),
    ])
    const items = held(state, owner).map((one) => letterItem(one, people))
    expect(items.map(({ type, text, repeat }) => [type, text, repeat])).toEqual([
      ['owner', 'old', true],
      ['owner', 'new', undefined],
    ])
  })

  test.each([
    ['nothing at all, but the mark beside the identity', () => stateCodec.lost()],
    ['the letters alone', () => stateCodec.rebuild(new Map(), new Map())],
  ])('after a loss that left %s, what was written before it may be a repeat', (_, index) => {
    const after = heard({ index: { ...index(), agent: me }, logs: {} }, [letter(owner, 'Pay', { at: T - 60 })], T)
    expect(held(after, owner)).toMatchObject([{ repeat: true }])
    const later = heard(after, [letter(owner, 'Stop', { at: T + 5 })], T + 10)
    expect(held(later, owner).map(({ repeat }) => repeat)).toEqual([true, undefined])
  })
})

describe('of real clients', () => {
  test.each([
    [
      'the author as a second p',
      [
        ['p', me],
        ['p', owner],
      ],
    ],
    [
      'the same p twice',
      [
        ['p', me],
        ['p', me],
      ],
    ],
    ['no p', []],
    [
      'a room of two agents',
      [
        ['p', me],
        ['p', friend],
      ],
    ],
    ['another receiver', [['p', friend]]],
  ])('with %s it is the owner’s', (_, tags) => {
    const [one] = unread(heard(empty, [letter(owner, 'go on', { tags })]), owner)
    expect(one && letterItem(one, people)).toMatchObject({ type: 'owner', text: 'go on' })
  })

  test('a reaction is its sign', () => {
    const tags = [
      ['p', me],
      ['e', 'f'.repeat(64)],
    ]
    const [one] = unread(heard(empty, [letter(owner, '👍', { kind: 7, tags })]), owner)
    expect(one && letterItem(one, people)).toMatchObject({ type: 'owner', text: '👍' })
  })

  test('a file without its hash is told and not fetched', () => {
    const [one] = unread(heard(empty, [letter(owner, 'https://files.example/a.png', { kind: 15 })]), owner)
    expect(one && letterItem(one, people)).toMatchObject({
      ...{ type: 'owner', name: 'https://files.example/a.png' },
      reason: expect.stringContaining('not fetched'),
    })
  })

  test('other kinds are none', () => {
    expect(heard(empty, [letter(owner, 'x', { kind: 1 })]).index.dropped).toEqual({ unknown: 1 })
  })
})

describe('bounds', () => {
  test('260 of a contact are 260', () => {
    const rumors = Array.from({ length: 260 }, (_, n) => letter(friend, `letter ${n}`))
    expect(unread(heard(empty, rumors), friend)).toHaveLength(260)
  })

  test('of a contact the oldest read ones go, once they are old enough to be known for a repeat', () => {
    let state = empty
    for (let day = 0; day < 6; day++) {
      const rumors = Array.from({ length: 450 }, (_, n) => letter(friend, `${day} ${n}`, { at: T + day * DAY }))
      state = readAll(heard(state, rumors, T + day * DAY), friend)
      for (const one of held(state, friend)) if (one.unread) throw new Error('unread')
    }
    expect(held(state, friend)).toHaveLength(2_700)
    state = heard(state, [], T + 20 * DAY)
    expect(held(state, friend)).toHaveLength(2_000)
    expect(held(state, friend)[0]?.rumor.content).toBe('1 250')
    const again = heard(state, [letter(friend, '0 0')], T + 20 * DAY)
    expect(unread(again, friend, T + 20 * DAY)).toMatchObject([{ repeat: true }])
  })

  test('what is over a stranger’s bound for today is told tomorrow', () => {
    const rumors = Array.from({ length: 25 }, (_, n) => letter(stranger(1), `letter ${n}`))
    const state = heard(empty, rumors)
    expect(unread(state, stranger(1))).toHaveLength(20)
    expect(unread(state, stranger(1), T + DAY)).toHaveLength(25)
  })

  test('all strangers together make us keep less than 6 MB, and it is told; one of them has a share', () => {
    const rumors = Array.from({ length: 40 }, (_, key) =>
      Array.from({ length: 30 }, (_, n) => letter(stranger(key), `${key} ${n} ${'\u0001x'.repeat(15_000)}`)),
    ).flat()
    const state = heard(empty, rumors)
    const sizes = Object.values(state.letters ?? {}).map((one) => JSON.stringify(one).length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(6_000_000 * 0.85)
    expect(Math.max(...sizes)).toBeLessThan(520_000)
    expect(state.index.lettersLeft).toBeGreaterThan(0)
    // Whoever has worked has room of its own, and our contacts and our owner are not strangers.
    const worked = heard(state, [letter(stranger(99), 'hello')], T, 16)
    expect(held(worked, stranger(99))).toHaveLength(1)
    expect(held(heard(state, [letter(friend, 'hi'), letter(owner, 'hi')]), owner)).toHaveLength(1)
  })

  test('a letter that found no room comes once more with --deep', () => {
    const large = (n: number) => letter(stranger(1), `${n} ${'x'.repeat(60_000)}`)
    const rumors = Array.from({ length: 12 }, (_, n) => wrapOf(large(n)))
    const context = { me, now: T, completeReads: [], admission }
    const full = receiveAll(empty, rumors, context).state
    const before = held(full, stranger(1)).length
    expect(before).toBeLessThan(12)
    const gone = { ...full, letters: {}, index: { ...full.index, letterLogs: {} } }
    expect(held(receiveAll(gone, rumors, context).state, stranger(1))).toHaveLength(0)
    expect(held(receiveAll(gone, rumors, { ...context, deep: true }).state, stranger(1))).toHaveLength(before)
  })
})

test('a file of which all is told tomorrow is loaded tomorrow', () => {
  const log = (from: (number | undefined)[]) => ({
    version: 1 as const,
    peer: friend,
    letters: Object.fromEntries(
      from.map((at, n) => [
        `${n}`,
        { rumor: letter(friend, `${n}`), heard: 1, unread: true, ...(at !== undefined && { from: at }) },
      ]),
    ),
  })
  const openAt = (from: (number | undefined)[], now: number) => {
    const index = { ...emptyIndex(), letterLogs: { [friend]: summariseLetters(log(from)) } }
    return stateCodec.letters.open(index, now).length === 1
  }
  expect([openAt([500, 900], 499), openAt([500, 900], 500), openAt([500, undefined], 1)]).toEqual([false, true, true])
})

test('the file of a peer is loaded when it writes, and when something of it is unread', () => {
  const state = heard(empty, [letter(friend, 'a')])
  expect(stateCodec.letters.open(state.index)).toEqual([friend])
  const read = readAll(state, friend)
  expect(stateCodec.letters.open(read.index)).toEqual([])
  expect(logNamesIn([wrapOf(letter(friend, 'b'))], read.index, { selector: undefined, now: T })).toEqual([
    letterLogName(friend),
  ])
  expect(stateCodec.letters.parse(JSON.parse(JSON.stringify(read.letters?.[friend])))).toEqual(read.letters?.[friend])
})
