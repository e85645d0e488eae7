// Machines that allow little: each is told plainly what stands in the way, and nothing is changed.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRun } from '../support/runs.ts'

const [major = 20] = process.versions.node.split('.').map(Number)
const PERMISSION = major < 22 ? '--experimental-permission' : '--permission'

async function shell(folder: string, line: string): Promise<ProcessResult> {
  const env = { ...envOf(folder), P2P: PROGRAM, NODE: process.execPath }
  return await startProcess('bash', ['-c', line], { cwd: folder, env }).ended
}

async function makeAgent(folder: string): Promise<void> {
  expect((await startRun(['whoami'], { env: envOf(folder) }).ended).code).toBe(0)
}

function envOf(folder: string): Record<string, string> {
  return { ...agentEnv(folder, ['ws://127.0.0.1:1']), P2P_HOME: `${folder}/agent` }
}

/** A home in which an agent was made, and what the same program says in it under `line`. */
async function inHome(
  line: string,
  words: string,
): Promise<{ code: number | null; error: Record<string, string>; names: string[] }> {
  return await withTemporaryFolder(async (folder) => {
    await makeAgent(folder)
    const { code, stdout, stderr } = await shell(
      folder,
      line.replace('P2P', `"$NODE" "$P2P" ${words} --json --timeout 1`),
    )
    expect(stderr).not.toMatch(/fault of p2p|node:internal/)
    return {
      code,
      error: JSON.parse(stdout).error,
      names: readdirSync(join(folder, 'agent'), { recursive: true, encoding: 'utf8' }),
    }
  })
}

test('files may be no larger than nothing', async () => {
  const { code, error, names } = await inHome('set -o pipefail; ulimit -f 0; P2P | cat', 'config set name Ada')
  expect([code, error.code]).toEqual([1, 'DISK_FULL'])
  expect(error.hint).toContain('ulimit -f')
  expect(names).not.toContain('p2p/config.json')
})

// The last of a small disk went to the half of a cache, which stayed there, and nothing could be said any more.
test('where the code cache does not fit, nothing of it is left', async () => {
  const { code, names } = await inHome('ulimit -f 100; NODE_COMPILE_CACHE= P2P', 'config set name Ada')
  expect(code).toBe(0)
  expect(names.filter((name) => name.startsWith('p2p/cache/'))).toEqual([])
})

test('64 open files are enough', async () => {
  expect((await inHome('ulimit -n 64; P2P', 'whoami')).code).toBe(0)
})

describe("Node's permission model", () => {
  const node = (flags: string) => `"$NODE" ${PERMISSION} --no-warnings --allow-fs-read="$P2P" ${flags} "$P2P"`
  const own = '--allow-fs-read="$P2P_HOME*"'

  test.each<[string, string, string, RegExp]>([
    ['no folder', '', 'whoami', /--allow-fs-read/],
    ['a folder that may be read only', own, 'config set name Ada', /--allow-fs-write/],
  ])('%s', async (_, flags, words, hint) => {
    await withTemporaryFolder(async (folder) => {
      await makeAgent(folder)
      const { code, stdout } = await shell(folder, `${node(flags)} ${words} --json`)
      expect([code, JSON.parse(stdout).error]).toEqual([1, expect.objectContaining({ code: 'NOT_PERMITTED' })])
      expect(JSON.parse(stdout).error.hint).toMatch(hint)
    })
  })

  test('the folder alone is enough', async () => {
    await withTemporaryFolder(async (folder) => {
      const { code, stdout } = await shell(
        folder,
        `${node(`${own} --allow-fs-write="$P2P_HOME*"`)} config set name Ada --json`,
      )
      expect([code, JSON.parse(stdout).config]).toEqual([0, { name: 'Ada' }])
    })
  })
})
