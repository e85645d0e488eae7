// OpenClaw's command, by a stand-in of that name on the PATH: what it is given, and which of its answers are believed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type OpenclawTarget, tellOpenclaw } from '../../../src/io/owner/openclaw.ts'
import { SAMPLE_NOTICE, writeProgram } from '../../support/owner-stand-ins.ts'

const chat: OpenclawTarget = { channel: 'telegram', target: '4711', account: undefined }

/** Tells the owner through a stand-in that runs `script`. */
async function runOpenclaw(script: string, { ms = 20_000, text = SAMPLE_NOTICE.text, to = chat } = {}) {
  const { folder } = writeProgram('openclaw', `const said = (o) => console.log(JSON.stringify(o, null, 2))\n${script}`)
  const env = { PATH: folder, P2P_SECRET_KEY: 'f'.repeat(64), OTHER: 'kept' }
  return { folder, error: await tellOpenclaw(to, { ...SAMPLE_NOTICE, text }, { ms, env }) }
}

describe('what it is given', () => {
  const note = `
    const { writeFileSync } = require('node:fs')
    const { P2P_SECRET_KEY = 'none', OTHER } = process.env
    writeFileSync(__dirname + '/given.json', JSON.stringify({ argv: process.argv.slice(2), P2P_SECRET_KEY, OTHER }))
    said({ action: 'send', payload: { ok: true } })`

  test('its words as a list, and no secret of ours', async () => {
    const text = '--json "$(touch x)" `touch x`; $HOME\n> quoted'
    const { folder, error } = await runOpenclaw(note, { text, to: { ...chat, account: 'main' } })
    expect(error).toBeUndefined()
    expect(JSON.parse(readFileSync(join(folder, 'given.json'), 'utf8'))).toEqual({
      argv: [
        'message',
        'send',
        '--channel',
        'telegram',
        '--target',
        '4711',
        '--account',
        'main',
        '--message',
        text,
        '--json',
      ],
      P2P_SECRET_KEY: 'none',
      OTHER: 'kept',
    })
  })

  test('no channel and no account where none is set', async () => {
    const { folder } = await runOpenclaw(note, { to: { ...chat, channel: undefined } })
    expect(JSON.parse(readFileSync(join(folder, 'given.json'), 'utf8')).argv.slice(0, 4)).toEqual([
      'message',
      'send',
      '--target',
      '4711',
    ])
  })

  test('nothing without a target', async () => {
    expect(await tellOpenclaw({ ...chat, target: undefined }, SAMPLE_NOTICE, { ms: 1, env: {} })).toBe(
      'owner.openclaw.target is not set',
    )
  })
})

describe('what is believed', () => {
  test.each([
    [
      'its usual answer',
      `said({ action: 'send', channel: 'telegram', dryRun: false, handledBy: 'core', payload: { via: 'direct', result: { messageId: '7' } } })`,
    ],
    ['an answer on one line', `console.log('{"payload":{"ok":true}}')`],
    [
      'an answer after what its plugins say',
      `console.log('[plugins] loading {x}\\n12:00 [lcm] {"no": }')\nsaid({ payload: {} })`,
    ],
  ])('%s', async (_, script) => {
    expect((await runOpenclaw(script)).error).toBeUndefined()
  })

  test.each([
    ['ok: false', `said({ ok: false, error: 'chat not found' })`, 'chat not found'],
    [
      'ok: false in the payload',
      `said({ action: 'send', payload: { ok: false } })`,
      'OpenClaw says that it has not sent it',
    ],
    [
      'an error in its result',
      `said({ payload: { result: { error: 'blocked\\u001b[2J by user' } } })`,
      'blocked[2J by user',
    ],
    ['a dry run', `said({ dryRun: true, handledBy: 'core', payload: {} })`, 'OpenClaw only tried it out'],
    ['a message it has suppressed', `said({ handledBy: 'silent', payload: {} })`, 'OpenClaw has suppressed it'],
    ['no JSON', `console.log('Sent via Telegram.')`, /^ended with 0, but said nothing in JSON/],
    ['half a document', `console.log('{"ok": true')`, /^ended with 0, but said nothing in JSON/],
    ['nothing at all', ``, /^ended with 0, but said nothing in JSON/],
    ['a list', `said([{ ok: true }])`, /^ended with 0, but said nothing in JSON/],
    [
      'an exit with 1',
      `console.error('warming up\\nError: Unknown target'); process.exit(1)`,
      'ended with 1 (Error: Unknown target)',
    ],
    ['an exit with 1 that says yes', `said({ ok: true }); process.exitCode = 1`, 'ended with 1'],
    ['a death', `process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 60000)`, 'ended with SIGTERM'],
  ])('not %s', async (_, script, error) => {
    expect((await runOpenclaw(script)).error).toEqual(typeof error === 'string' ? error : expect.stringMatching(error))
  })
})

describe('bounds', () => {
  test('one that hangs is stopped with whatever it has started', async () => {
    const began = performance.now()
    const { folder, error } = await runOpenclaw(
      `const { spawn } = require('node:child_process')
       const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit' })
       require('node:fs').writeFileSync(__dirname + '/pids.json', JSON.stringify([process.pid, child.pid]))
       setTimeout(() => {}, 60000)`,
      { ms: 1_500 },
    )
    expect(error).toMatch(/^gave no answer within 1\.5 s/)
    expect(performance.now() - began).toBeLessThan(10_000)
    const pids: number[] = JSON.parse(readFileSync(join(folder, 'pids.json'), 'utf8'))
    await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([])
  })

  test('one that talks without end is not kept in memory', async () => {
    const { error } = await runOpenclaw(`process.stdout.write('x'.repeat(50_000_000)); process.exitCode = 1`)
    expect(error).toBe('ended with 1')
  })

  test('one that leaves another behind is not waited for', async () => {
    const began = performance.now()
    const { error } = await runOpenclaw(
      `const { spawn } = require('node:child_process')
       spawn(process.execPath, ['-e', 'setTimeout(() => {}, 8000)'], { stdio: 'inherit', detached: true }).unref()
       said({ payload: { ok: true } })`,
    )
    expect(error).toBeUndefined()
    expect(performance.now() - began).toBeLessThan(6_000)
  })

  test('none there', async () => {
    expect(await tellOpenclaw(chat, SAMPLE_NOTICE, { ms: 5_000, env: { PATH: '/nonexistent' } })).toBe(
      'there is no such program',
    )
  })
})

// A killed child whose parent was killed too stays a zombie until somebody reaps it: it runs no more.
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
