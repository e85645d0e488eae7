// npm run smoke: a whole call over relays that work, and the first step that fails over relays that do not.
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { valueAt } from '../../scripts/json-path.ts'
import { startProcess } from '../../scripts/processes.ts'
import { type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { playSmoke } from '../../scripts/smoke.ts'
import { parseJson } from '../../src/json.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('each of several relays is tried alone: one carries a whole call, one refuses wraps, and that fails the whole', async () => {
  const [good, bad] = [await relay(), await relay({ maxBytes: 1000 })]
  const { ok, stdout } = await play('--each', '--relay', bad, '--relay', good)
  expect(ok).toBe(false)
  expect(stdout.match(/^.*whole call over .*(?= in)/gm)).toEqual([
    `no whole call over ${bad}`,
    `a whole call over ${good}`,
  ])
  const [refused = '', carried = ''] = stdout.split(`no whole call over ${bad}`)
  // Nothing is tried after the step that fails.
  expect(refused.trimEnd().split('\n').at(-1)).toMatch(/^failed +\d+ ms {2}alice calls: .*event too large/)
  expect(carried.match(/^ok +\d+ ms {2}\w/gm)).toHaveLength(16)
}, 60_000)

test('with --json every step is told with its time, and what became of the whole', async () => {
  const { ok, stdout } = await play('--relay', await relay({ maxBytes: 1000 }), '--json')
  expect(ok).toBe(false)
  const told = parseJson(stdout)
  const steps = valueAt(told, '.steps')
  expect(steps).toEqual([true, true, true, false].map((ok) => expect.objectContaining({ ok, ms: expect.any(Number) })))
  expect(valueAt(told, '.ok')).toBe(false)
})

test('the default relays are those of the configuration, and no others beside them', async () => {
  await expect(play('--defaults', '--relay', await relay())).rejects.toThrow('--defaults names the relays itself')
})

test('without a relay it says how it is typed', async () => {
  const { PATH = '' } = process.env
  const typed = startProcess(process.execPath, ['--import', 'tsx', 'scripts/smoke.ts'], { cwd: root, env: { PATH } })
  const { code, stderr } = await typed.ended
  expect(code).toBe(1)
  expect(stderr).toContain('npm run smoke -- --relay')
})

async function relay(options: RelayOptions = {}): Promise<string> {
  const { url, close } = await startRelay(options)
  onTestFinished(close)
  return url
}

async function play(...args: string[]): Promise<{ ok: boolean; stdout: string }> {
  const lines: string[] = []
  const ok = await playSmoke(args, (line) => lines.push(line))
  return { ok, stdout: lines.join('\n') }
}
