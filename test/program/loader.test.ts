// The one file: runs alone in any folder, starts from V8's code cache, and never from a cache that others could write.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import pkg from '../../package.json' with { type: 'json' }
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'

/** What makes the folder that holds the cache, and asks no relay. */
const SET = ['config', 'set', 'name', 'x']

/**
 * The built file alone in a folder, beside a package.json where a type is given; runs a command with a home of its own, and without
 * one with a cache of its own too.
 */
async function withLoneFile<T>(
  type: string,
  body: (run: (...args: string[]) => Promise<ProcessResult>, home: string) => Promise<T>,
): Promise<T> {
  const relay = await startRelay()
  try {
    return await withTemporaryFolder(async (folder) => {
      const file = join(folder, 'p2p.js')
      cpSync(PROGRAM, file, { preserveTimestamps: true })
      if (type !== '') writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }))
      const env = { ...agentEnv(join(folder, 'home'), [relay.url]), ...(type === '' && { NODE_COMPILE_CACHE: '' }) }
      return await body(
        (...args) => startProcess(process.execPath, [file, ...args], { cwd: folder, env }).ended,
        join(folder, 'home/.openclaw/p2p'),
      )
    })
  } finally {
    await relay.close()
  }
}

test.each(['', 'module', 'commonjs'])('the file runs alone, beside a package.json of type %j', async (type) => {
  await withLoneFile(type, async (run) => {
    expect(await run('--version')).toMatchObject({ code: 0, stdout: `${pkg.version}\n`, stderr: '' })
    expect((await run('status')).stdout).toContain('1 of 1 answered')
    expect((await run('call', '--help')).stdout).toContain('p2p.js" call <agent> <topic>')
  })
})

test('the second run starts from a cache that only we can read and write', async () => {
  await withLoneFile('', async (run, home) => {
    await run(...SET)
    const [name = ''] = readdirSync(join(home, 'cache'))
    const made = statSync(join(home, 'cache', name))
    expect([made.mode & 0o777, statSync(join(home, 'cache')).mode & 0o777]).toEqual([0o600, 0o700])
    expect((await run(...SET)).code).toBe(0)
    expect(readdirSync(join(home, 'cache'))).toEqual([name])
    expect(statSync(join(home, 'cache', name)).mtimeMs).toBe(made.mtimeMs)
  })
})

test('the cache comes to hold what each command needs, and stays small in number', async () => {
  await withLoneFile('', async (run, home) => {
    await run('status')
    const [name = ''] = readdirSync(join(home, 'cache'))
    const before = statSync(join(home, 'cache', name)).size
    await run('announce')
    expect(statSync(join(home, 'cache', name)).size).toBeGreaterThan(before)
    for (const old of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) writeFileSync(join(home, 'cache', old), '')
    await run('inbox')
    expect(readdirSync(join(home, 'cache'))).toHaveLength(6)
    expect(readdirSync(join(home, 'cache'))).toContain(name)
  })
})

test('what asks no relay starts from a cache of its own, which is smaller', async () => {
  await withLoneFile('', async (run, home) => {
    const sizes = () => readdirSync(join(home, 'cache')).map((name) => statSync(join(home, 'cache', name)).size)
    await run('status')
    const [online = 0] = sizes()
    await run('whoami')
    const [first = 0, second = 0] = sizes()
    expect([Math.max(first, second), sizes().length]).toEqual([online, 2])
    expect(Math.min(first, second)).toBeLessThan(0.8 * online)
  })
})

test('the version reaches whoever reads it, and nobody else is no fault', () => {
  const shell = (line: string) => spawnSync('/bin/sh', ['-c', line, process.execPath, PROGRAM], { encoding: 'utf8' })
  expect(shell('"$0" "$1" --version | cat')).toMatchObject({ stdout: `${pkg.version}\n`, stderr: '' })
  expect(shell('"$0" "$1" --version | true')).toMatchObject({ stdout: '', stderr: '' })
})

test('a flag of Node alone makes no second cache, one of V8 does', async () => {
  await withTemporaryFolder(async (folder) => {
    const env = { ...agentEnv(join(folder, 'home'), []), NODE_COMPILE_CACHE: '' }
    const run = (...flags: string[]) =>
      startProcess(process.execPath, [...flags, PROGRAM, 'whoami'], { cwd: folder, env }).ended
    expect(await startProcess(process.execPath, [PROGRAM, ...SET], { cwd: folder, env }).ended).toMatchObject({
      code: 0,
    })
    const kept = () => readdirSync(join(folder, 'home/.openclaw/p2p/cache')).length
    for (const flags of [[], [], ['--import', 'data:text/javascript,'], ['--no-warnings']]) {
      expect((await run(...flags)).code).toBe(0)
    }
    expect(kept()).toBe(1)
    expect((await run('--no-opt')).code).toBe(0)
    expect(kept()).toBe(2)
  })
})

test('agents of one user share a cache where Node is told to keep its own', async () => {
  await withTemporaryFolder(async (folder) => {
    const made = ['ada', 'ben'].map(async (name) => {
      const env = { ...agentEnv(join(folder, name), []), NODE_COMPILE_CACHE: folder }
      await startProcess(process.execPath, [PROGRAM, 'whoami'], { cwd: folder, env }).ended
      return existsSync(join(folder, name, '.openclaw/p2p/cache'))
    })
    expect(await Promise.all(made)).toEqual([false, false])
    expect(readdirSync(join(folder, 'p2p'))).toHaveLength(1)
  })
})

test('a damaged cache is made anew', async () => {
  await withLoneFile('', async (run, home) => {
    await run(...SET)
    const [name = ''] = readdirSync(join(home, 'cache'))
    writeFileSync(join(home, 'cache', name), 'no code at all')
    expect(await run(...SET)).toMatchObject({ code: 0, stderr: '' })
    expect(statSync(join(home, 'cache', name)).size).toBeGreaterThan(10_000)
  })
})

test('a cache in a folder that others can write is neither used nor made', async () => {
  await withLoneFile('', async (run, home) => {
    await run('whoami')
    mkdirSync(join(home, 'cache'), { recursive: true })
    chmodSync(join(home, 'cache'), 0o777)
    expect((await run(...SET)).code).toBe(0)
    expect(readdirSync(join(home, 'cache'))).toEqual([])
  })
})

test('what is loaded late is whole', async () => {
  await withTemporaryFolder(async (folder) => {
    // Nobody listens there, so nothing is asked of the network.
    const env = { ...agentEnv(join(folder, 'home'), []), HTTPS_PROXY: 'http://127.0.0.1:9' }
    const args = [PROGRAM, 'contacts', 'add', 'bob@example.invalid', 'bob']
    const { stderr } = await startProcess(process.execPath, args, { cwd: folder, env }).ended
    expect(stderr).toContain('example.invalid')
    expect(stderr).not.toContain('is not a function')
  })
})

test('the size of the file is what we know it to be', () => {
  // Stated in the README; a quarter more needs a decision.
  const stated = 805_000
  expect(existsSync(PROGRAM)).toBe(true)
  expect(statSync(PROGRAM).size).toBeLessThan(stated * 1.25)
})
