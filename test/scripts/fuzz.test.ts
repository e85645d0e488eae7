// A short run of the fuzzer (`npm run fuzz` is the long one), what it has found so far, and whether it would find anything.
import { describe, expect, it } from 'vitest'
import { NASTY, spoiledText } from '../../scripts/fuzz/mutate.ts'
import { choicesOf } from '../../scripts/fuzz/random.ts'
import { type Fuzzing, fuzz } from '../../scripts/fuzz/run.ts'
import { agents, call, mustBe, NOW } from '../../scripts/fuzz/samples.ts'
import { target } from '../../scripts/fuzz/target.ts'
import { casesOf, TARGETS } from '../../scripts/fuzz/targets.ts'
import { emptyLog } from '../../src/call/log.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { replay } from '../../src/call/replay.ts'
import { isoTime } from '../../src/call/wording.ts'
import { relayUrl } from '../../src/nostr/relay-url.ts'
import { stateCodec } from '../../src/state/state-codec.ts'

const CASES = 4_000

describe('every parser that meets a stranger', () => {
  it.each(TARGETS.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const { findings, cases } = await fuzz(one, { seed: 'short', from: 0, cases: casesOf(one, CASES) })
    expect(findings).toEqual([])
    expect(cases).toBe(casesOf(one, CASES))
  })
})

describe('what it has found', () => {
  it('an address that is longer once it is spelled out, which would not be read again', () => {
    expect(relayUrl(`wss://nos.lol/${'ü'.repeat(100)}`)).toBeUndefined()
  })

  it('a call file and a state whose people are no keys', () => {
    const state = call.states[0]
    const log = mustBe(state.logs[call.id])
    const spoiled = (from: string, to: string) => JSON.parse(JSON.stringify(log).replaceAll(from, to))
    const { caller, callee } = agents
    expect(parseLog(spoiled(caller.pubkey, 'x'))).toBeUndefined()
    const read = parseLog(spoiled(`["p","${callee.pubkey}"]`, '["p","x"]'))
    expect(typeof read === 'object' && replay(read, caller.pubkey, NOW)).toBeUndefined()
    const index = JSON.parse(JSON.stringify(state.index).replaceAll(`"peer":"${callee.pubkey}"`, '"peer":"x"'))
    expect([stateCodec.parse(index), stateCodec.parse(state.index)]).toEqual([undefined, state.index])
  })

  it('a call file with times that there are not', () => {
    const text = JSON.stringify(call.states[1].logs[call.id])
    for (const [good, bad] of [
      [/"heard":\d+/, '"heard":-1e300'],
      [/"created_at":\d+/, '"created_at":-1'],
    ] as const)
      expect(parseLog(JSON.parse(text.replace(good, bad)))).toBeUndefined()
    expect([isoTime(-1e300), isoTime(1e300)]).toEqual(['1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z'])
  })

  it('a call file whose id every object has a property of', () => {
    for (const id of ['__proto__', 'constructor', 'x'])
      expect(parseLog({ ...emptyLog('a'.repeat(64)), id })).toBeUndefined()
    const entry = { wrappedAt: 0, wrapCount: 0, accepted: [], failed: [] }
    expect(parseLog({ ...emptyLog('a'.repeat(64)), outbox: { constructor: entry } })).toBeUndefined()
    const files = JSON.parse('{"__proto__": {"path": "x"}}')
    const log = parseLog({ ...emptyLog('a'.repeat(64)), files })
    expect(typeof log === 'object' && Object.getPrototypeOf(log.files) === Object.prototype).toBe(true)
  })
})

describe('the fuzzer', () => {
  const run = (name: string, check: (n: number) => string | undefined, more: Partial<Fuzzing> = {}) =>
    fuzz(
      target(name, 1, (chance) => chance.int(10), check),
      { seed: 'x', from: 0, cases: 40, ...more },
    )

  it('makes the same case of the same words', () => {
    const made = (seed: string) => spoiledText(choicesOf(seed), NASTY)
    expect(made('a b 1')).toBe(made('a b 1'))
    expect(new Set(Array.from({ length: 200 }, (_, n) => made(`a b ${n}`))).size).toBeGreaterThan(100)
  })

  it('finds what throws and what is wrong, and says with which input', async () => {
    const thrown = await run('throws', (n) => {
      if (n === 7) throw new RangeError('seven')
      return undefined
    })
    expect(thrown.findings.length).toBeGreaterThan(0)
    expect(thrown.findings[0]).toMatchObject({ what: expect.stringContaining('seven'), input: '7' })
    const wrong = await run('is wrong', (n) => (n === 3 ? 'three' : undefined))
    expect(wrong.findings[0]).toMatchObject({ target: 'is wrong', what: 'three', input: '3' })
    const { n = -1 } = wrong.findings[0] ?? {}
    const again = await fuzz(
      target(
        'is wrong',
        1,
        (chance) => chance.int(10),
        (k) => (k === 3 ? 'three' : undefined),
      ),
      {
        ...{ seed: 'x', from: n, cases: 1 },
      },
    )
    expect(again.findings).toHaveLength(1)
  })

  it('finds what takes long', async () => {
    const { findings } = await run(
      'is slow',
      () => {
        // To ask for the time takes time of the system: seldom.
        for (const began = process.cpuUsage(); process.cpuUsage(began).user < 60_000; )
          for (let n = 0; n < 1e5; n++) Math.sqrt(n)
        return undefined
      },
      { cases: 1, longest: 50 },
    )
    expect(findings[0]?.what).toMatch(/^it took \d+ ms$/)
  })

  it('finds a prototype that was changed', async () => {
    try {
      const { findings } = await run(
        'pollutes',
        (n) => {
          if (n === 5) Object.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true })
          return undefined
        },
        { cases: 1_000 },
      )
      expect(findings[0]?.what).toMatch(/prototype/)
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted')
    }
  })
})
