// Whether cron has started us: then, and only then, `announce` waits a moment by itself.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentEnv, PROGRAM, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { type ProcessFacts, startedByCron } from '../../src/io/scheduler.ts'

const family = (...names: string[]) => {
  const facts = new Map<number, ProcessFacts>(names.map((name, n) => [100 - n, { name, parent: 99 - n }]))
  return startedByCron(100, (pid) => facts.get(pid))
}

test.each([
  ['cron itself', ['node', 'cron']],
  ['a shell of its', ['node', 'sh', 'cron', 'cron', 'systemd']],
  ['crond', ['node', 'sh', 'crond']],
])('%s', (_, names) => expect(family(...names)).toBe(true))

test.each([
  ['an agent', ['node', 'bash', 'claude']],
  ['a program that cron had started long before', ['node', 'sh', 'node', 'sh', 'openclaw', 'cron']],
  ['nobody that can be known', ['node']],
])('not %s', (_, names) => expect(family(...names)).toBe(false))

test('the program sees it for itself', { skip: process.platform !== 'linux', timeout: 60_000 }, async () => {
  await withTemporaryFolder(async (folder) => {
    const cron = join(folder, 'cron')
    // A script is known by its own name.
    writeFileSync(cron, '#!/bin/sh\n"$@" &\nsleep 2\nkill $!\nwait\n', { mode: 0o755 })
    const run = async (...args: string[]) => {
      const words = [process.execPath, PROGRAM, 'announce', '--relay', 'ws://127.0.0.1:9', ...args]
      return await startProcess(cron, words, { cwd: folder, env: agentEnv(join(folder, 'home'), []) }).ended
    }
    // It is stopped while it sleeps, unless by one chance in ten: not so in one of a million of such rows.
    let isStopped = false
    for (let tries = 0; tries < 6 && !isStopped; tries++)
      isStopped = (await run()).stdout.includes('stopped before it began')
    expect(isStopped).toBe(true)
    expect((await run('--jitter', '0')).stdout).toContain('NOT announced')
  })
})
