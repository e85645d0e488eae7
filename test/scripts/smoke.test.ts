// npm run smoke: a whole call over relays that work, and the first step that fails over relays that do not.
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { valueAt } from '../../scripts/json-path.ts'
import { type ProcessResult, startProcess } from '../../scripts/processes.ts'
import { type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { parseJson } from '../../src/json.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('a relay that works carries a whole call', async () => {
  const ran = await smoke('--relay', await relay(), '--json')
  const steps = valueAt(parseJson(ran.stdout), '.steps')
  expect(steps).toHaveLength(16)
  expect(steps).toEqual(Array(16).fill(expect.objectContaining({ ok: true, ms: expect.any(Number) })))
  expect(valueAt(parseJson(ran.stdout), '.ok')).toBe(true)
  expect(ran.code).toBe(0)
}, 60_000)

test('a relay that refuses wraps is named with its reason, and nothing is tried after that', async () => {
  const url = await relay({ maxBytes: 1000 })
  const { code, stdout } = await smoke('--relay', url)
  expect(code).toBe(1)
  expect(stdout.split('\n').filter((line) => line.startsWith('failed'))).toEqual([
    expect.stringMatching(/^failed +\d+ ms {2}alice calls: .*event too large/),
  ])
  expect(stdout).toMatch(/\nno whole call over .*\n$/)
})

test('each of several relays is tried alone, and one that fails fails the whole', async () => {
  const [good, bad] = [await relay(), await relay({ maxBytes: 1000 })]
  const { code, stdout } = await smoke('--each', '--relay', bad, '--relay', good)
  expect(code).toBe(1)
  expect(stdout.match(/^.*whole call over .*(?= in)/gm)).toEqual([
    `no whole call over ${bad}`,
    `a whole call over ${good}`,
  ])
}, 60_000)

test('the default relays are those of the configuration, and no others beside them', async () => {
  const { code, stderr } = await smoke('--defaults', '--relay', await relay())
  expect([code, stderr]).toEqual([1, expect.stringContaining('--defaults names the relays itself')])
})

test('without a relay it says how it is typed', async () => {
  const { code, stderr } = await smoke()
  expect(code).toBe(1)
  expect(stderr).toContain('npm run smoke -- --relay')
})

async function relay(options: RelayOptions = {}): Promise<string> {
  const { url, close } = await startRelay(options)
  onTestFinished(close)
  return url
}

function smoke(...args: string[]): Promise<ProcessResult> {
  const words = ['--import', 'tsx', 'scripts/smoke.ts', ...args]
  return startProcess(process.execPath, words, { cwd: root, env: { PATH: process.env.PATH ?? '' } }).ended
}
