// What is printed either gets to where stdout leads, or the exit code and stderr say that it did not.
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'
import { newDisk } from '../support/temporary-home.ts'
import { startCall, withPair } from '../support/two-programs.ts'

async function shell(home: string, line: string, relay = 'ws://127.0.0.1:1'): Promise<ProcessResult> {
  const env = { ...agentEnv(home, [relay]), P2P: PROGRAM, NODE: process.execPath }
  return await startProcess('bash', ['-c', line], { cwd: home, env }).ended
}

const p2p = (words: string) => `"$NODE" "$P2P" ${words}`

describe('a disk that takes nothing', () => {
  // The version, help and completion print by themselves; of those that print what has come of a run, one of each way to it.
  test.each([
    ['--version'],
    ['--version --json'],
    ['--help'],
    ['--help --json'],
    ['send --help'],
    ['whoami'],
    ['config'],
    ['status'],
    ['status --json'],
    ['doctor --json'],
    ['completion bash'],
    ['transcript'],
  ])('%s', async (words) => {
    const relay = await startRelay()
    onTestFinished(relay.close)
    await withTemporaryFolder(async (folder) => {
      const { code, stdout, stderr } = await shell(folder, p2p(`${words} > /dev/full`), relay.url)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^p2p: error: what was to be printed did not get out.*ENOSPC/m)
      expect(stderr).not.toMatch(/a fault of p2p's own|node:internal/)
    })
  })

  test('an error that was to be printed as JSON is said on stderr, with exit 1', async () => {
    await withTemporaryFolder(async (folder) => {
      const { code, stderr } = await shell(folder, p2p('dance --json > /dev/full'))
      expect([code, stderr]).toEqual([1, expect.stringMatching(/no command "dance"[\s\S]*did not get out/)])
    })
  })

  test('what was not printed stays unread, and what was said is said once', async () => {
    await withPair({}, async (pair) => {
      const { ada, ben } = pair
      const call = await startCall(pair)
      await ada.json(['send', 'one'])
      const lost = await shell(join(ben.home), p2p('inbox > /dev/full'), pair.relay.url)
      expect(lost.code).toBe(1)
      const heard = await ben.json(['inbox'])
      expect(heard.new).toEqual([expect.objectContaining({ text: 'one' })])
      const said = await shell(ben.home, p2p('send two --json > /dev/full'), pair.relay.url)
      expect([said.code, said.stderr]).toEqual([1, expect.stringContaining('what the command did stands')])
      expect((await ada.json(['inbox'])).new).toEqual([expect.objectContaining({ text: 'two' })])
      expect(call).toMatch(/^[0-9a-f]{64}$/)
    })
  })
})

test.each(['config', 'config --json', 'config --help', '--version'])(
  'a disk that takes the first part of %s',
  async (words) => {
    const disk = newDisk(16)
    if ('no' in disk) return
    await withTemporaryFolder(async (folder) => {
      // One page is left, and all of it but two bytes is used.
      writeFileSync(join(disk.folder, 'filler'), 'x'.repeat(12_288))
      writeFileSync(join(disk.folder, 'out'), 'x'.repeat(4_094))
      const { code, stderr } = await shell(folder, p2p(`${words} >> ${disk.folder}/out`))
      expect(statSync(join(disk.folder, 'out')).size).toBe(4_096)
      expect([code, stderr]).toEqual([1, expect.stringContaining('did not get out')])
    })
  },
)

test.each(['--version', '--help', 'config', 'config --json', 'status'])(
  'a reader that has gone is no fault: %s',
  async (words) => {
    await withTemporaryFolder(async (folder) => {
      // Whoever reads is gone before the first letter is written.
      const { stdout, stderr } = await shell(folder, `(sleep 0.3; ${p2p(words)}; echo "ended with $?" >&2) | true`)
      expect([stdout, stderr]).toEqual(['', expect.stringMatching(/ended with [03]\n$/)])
      expect(stderr).not.toContain('did not get out')
    })
  },
)

test('a stderr that takes nothing changes no exit code', async () => {
  await withTemporaryFolder(async (folder) => {
    const { code } = await shell(folder, p2p('dance 2> /dev/full'))
    expect(code).toBe(2)
    expect((await shell(folder, p2p('config --verbose > /dev/null 2> /dev/full'))).code).toBe(0)
  })
})

test('a stdout that is closed from the start', async () => {
  await withTemporaryFolder(async (folder) => {
    const { code, stderr } = await shell(folder, p2p('config >&-'))
    expect([code, stderr]).toEqual([0, ''])
  })
})
