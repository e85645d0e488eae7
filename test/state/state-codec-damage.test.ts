// A damaged file is no data or good data: whatever a disk makes of it, reading throws nothing, and neither does a command
// that works with what was read.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLog } from '../../src/call/log-codec.ts'
import { replay } from '../../src/call/replay.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { parseIndex } from '../../src/state/index-codec.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import { CALL, END, hears, inCall, raw, STATUS, says, send, side, T, turn } from '../support/conversation.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const anything = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>

/** A state with something in every corner, as JSON. */
function written(): { index: Json; logs: Record<string, Json>; me: string } {
  const { ada, ben } = inCall()
  hears(ada, says(side('c'), CALL, { peer: ada.key }))
  hears(ada, says(ben, send('hello')))
  says(ada, send('one'))
  hears(ada, [
    raw(ben, { type: 'message', text: 'x' }, { call: 'd'.repeat(64), to: ada.key, seq: 2, prev: 'e'.repeat(64) }),
  ])
  hears(ada, [raw(ben, { type: 'message', text: 'letter' }, { to: ada.key })].map(bare))
  says(ada, END, { selector: ben.key })
  const relays = { 'wss://r': { cursor: T, wholeReadAt: T, incompleteSince: T, longWaitAt: 1 } }
  const peers = { [ben.key]: { inbox: ['wss://r'], lookedUpAt: T, hints: [], name: 'ben', pow: 0 } }
  const index = { ...ada.state.index, relays, peers }
  return JSON.parse(JSON.stringify({ index, logs: ada.state.logs, me: ada.key }))
}

/** The same with one thing in it replaced, left out, or added. */
function damaged(value: Json, path: readonly number[], by: Json, how: number): Json {
  if (typeof value !== 'object' || value === null) return by
  const keys = Object.keys(value)
  const [at = 0, ...rest] = path
  const key = keys[at % Math.max(1, keys.length)]
  if (key === undefined) return by
  const copy: Json = Array.isArray(value) ? [...value] : { ...value }
  const inner = (value as Record<string, Json>)[key] ?? null
  if (rest.length > 0) return Object.assign(copy, { [key]: damaged(inner, rest, by, how) })
  if (how === 0 && !Array.isArray(copy)) delete copy[key]
  else if (how === 1) Object.assign(copy, { [`${key}x`]: by })
  else Object.assign(copy, { [key]: by })
  return copy
}

const damage = fc.record({ path: fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }), by: anything, how: fc.nat(2) })

/** What commands do with a state. */
function worked(state: State, me: string): void {
  const someone = { key: me, state, pid: 9 }
  turn(someone, STATUS, { now: T + 700 })
  const other = side('b')
  hears(someone, [
    raw(
      other,
      { type: 'message', text: 'more' },
      { call: Object.keys(state.logs)[0] ?? '', to: me, seq: 3, prev: 'e'.repeat(64) },
    ),
  ])
  turn(someone, CALL, { peer: side('d').key, now: T + 701 })
  turn(someone, STATUS, { now: T + 9 * 86_400 })
  stateCodec.open(someone.state.index, [])
  stateCodec.rebuild(new Map(Object.entries(state.logs)))
}

describe('state.json', () => {
  test('of any JSON at all', () => {
    fc.assert(fc.property(anything, (value) => void parseIndex(value)))
  })

  test('damaged anywhere', () => {
    const { index, logs, me } = written()
    let read = 0
    fc.assert(
      fc.property(damage, ({ path, by, how }) => {
        const parsed = parseIndex(damaged(index, path, by, how))
        if (parsed === undefined || parsed === 'newer') return
        read++
        worked({ index: parsed, logs: logsOf(logs) }, me)
      }),
      { numRuns: 400 },
    )
    expect(read, 'a test that never gets through tests nothing').toBeGreaterThan(10)
  })

  test('of a later version', () => {
    expect(parseIndex({ version: 3 })).toBe('newer')
  })

  test('of an earlier one, which lacked some parts', () => {
    const { version, agent, calls } = emptyIndex()
    expect(parseIndex({ version, agent, calls })).toEqual(emptyIndex())
  })

  test.each(['__proto__', 'constructor', 'toString'])('with a part called %s', (name) => {
    const text = JSON.stringify(emptyIndex()).replace('"seen":{}', `"seen":{"${name}":1}`)
    const parsed = parseIndex(JSON.parse(text))
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('a call file', () => {
  test('of any JSON at all', () => {
    fc.assert(fc.property(anything, (value) => void parseLog(value)))
  })

  test('damaged anywhere', () => {
    const { index, logs, me } = written()
    let read = 0
    fc.assert(
      fc.property(damage, fc.nat(1), ({ path, by, how }, which) => {
        const id = Object.keys(logs)[which] ?? ''
        const parsed = parseLog(damaged(logs[id] ?? null, path, by, how))
        const known = parseIndex(index)
        if (parsed === undefined || parsed === 'newer' || known === undefined || known === 'newer') return
        read++
        worked({ index: known, logs: { ...logsOf(logs), [id]: parsed } }, me)
      }),
      { numRuns: 400 },
    )
    expect(read).toBeGreaterThan(10)
  })

  test.each<[string, (log: Record<string, Json>, id: string) => Json]>([
    ['without its request', ({ entries, ...log }, id) => ({ ...log, entries: without(entries, id) })],
    ['that says of its receiver what is no key', (log, id) => spoilt(log, id, 'p', 'nobody')],
    ['that says of its request what is none', (log, id) => spoilt(log, id, 'op', 'message')],
  ])('%s', (_, spoil) => {
    const { index, logs, me } = written()
    for (const [id, log] of Object.entries(logs)) {
      const parsed = parseLog(spoil(log as Record<string, Json>, id))
      const known = parseIndex(index)
      if (parsed === undefined || parsed === 'newer' || known === undefined || known === 'newer')
        throw new Error('a file that can be read')
      expect(replay(parsed, me, T)).toBeUndefined()
      worked({ index: known, logs: { ...logsOf(logs), [id]: parsed } }, me)
    }
  })

  test('whose entry lies under the id of another rumor', () => {
    const { logs } = written()
    const [log] = Object.values(logs)
    const text = JSON.stringify(log).replace(/"entries":\{"([0-9a-f]{64})"/, `"entries":{"${'0'.repeat(64)}"`)
    expect(parseLog(JSON.parse(text))).toBeUndefined()
  })

  test('of a later version', () => {
    expect(parseLog({ version: 4 })).toBe('newer')
  })
})

function without(entries: Json | undefined, id: string): Json {
  return Object.fromEntries(Object.entries(entries ?? {}).filter(([name]) => name !== id))
}

/** The same log, its own request with another tag. */
function spoilt(log: Record<string, Json>, id: string, name: string, value: string): Json {
  const text = JSON.stringify(log)
  const at = text.indexOf(`"${id}":{"rumor"`)
  const rest = text.slice(at).replace(new RegExp(`\\["${name}","[^"]*"`), `["${name}","${value}"`)
  return JSON.parse(text.slice(0, at) + rest)
}

function logsOf(logs: Record<string, Json>): State['logs'] {
  return Object.fromEntries(
    Object.entries(logs).map(([id, log]) => {
      const parsed = parseLog(log)
      if (parsed === undefined || parsed === 'newer') throw new Error('a log that we wrote cannot be read')
      return [id, parsed]
    }),
  )
}

// A letter: no call, no numbers.
function bare(rumor: Rumor): Rumor {
  return { ...rumor, tags: rumor.tags.filter((t) => t[0] === 'p') }
}
