// Homes that earlier versions left behind are taken over whole, and one of a newer version is refused unharmed. The kept
// homes are made by test/upgrade/make.ts.
import { chmodSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { valueAt } from '../../scripts/json-path.ts'
import { agentEnv, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'
import { type Upgrade, upgraded } from '../../src/migrate.ts'
import { startRun } from '../support/runs.ts'

const HOMES = new URL('../upgrade/', import.meta.url).pathname
const VERSIONS = readdirSync(HOMES).filter((name) => /^v\d+$/.test(name))

type Home = {
  root: string
  first: string
  second: string
  run(...args: string[]): Promise<{ code: number | null; json: unknown }>
}

/** A copy of a kept home, whose commands run a minute after it was made, at a relay that has nothing. */
async function withHome(version: string, body: (home: Home) => Promise<void>): Promise<void> {
  const { at, first, second }: { at: number; first: string; second: string } = JSON.parse(
    readFileSync(join(HOMES, version, 'made.json'), 'utf8'),
  )
  const ahead = at + 60_000 - Date.now()
  const relay = await startRelay({ now: () => Math.floor((Date.now() + ahead) / 1000) })
  try {
    await withTemporaryFolder(async (folder) => {
      const root = join(folder, '.openclaw')
      cpSync(join(HOMES, version), root, { recursive: true })
      // Git keeps no such modes.
      for (const { name, parentPath } of readdirSync(root, { recursive: true, withFileTypes: true }))
        chmodSync(join(parentPath, name), name.includes('.') ? 0o600 : 0o700)
      const run = async (...args: string[]) => {
        const env = agentEnv(folder, [relay.url])
        const { code, stdout } = await startRun([...args, '--json'], { env, clock: ahead }).ended
        const json: unknown = JSON.parse(stdout)
        return { code, json }
      }
      await body({ root, first, second, run })
    })
  } finally {
    await relay.close()
  }
}

describe.each(VERSIONS)('%s', (version) => {
  test('is taken over whole', async () => {
    await withHome(version, async ({ root, first, second, run }) => {
      const identity: unknown = JSON.parse(readFileSync(join(root, 'p2p-identity.json'), 'utf8'))
      const { code, json } = await run('status')
      expect(code).toBe(0)
      expect(valueAt(json, '.agent.npub')).toBe(valueAt(identity, '.npub'))
      expect(valueAt(json, '.agent.name')).toBe('ben')
      // Its calls proved nothing against the peer: they are kept as Markdown, and their files set aside.
      expect(valueAt(json, '.calls')).toEqual([])
      expect(valueAt(json, '.new')).toEqual([expect.objectContaining({ type: 'dm', text: 'a letter' })])
      expect(readdirSync(join(root, 'p2p/calls-0.1.0')).sort()).toEqual(
        readdirSync(join(HOMES, version, 'p2p/calls')).sort(),
      )
      expect(readdirSync(join(root, 'p2p/calls'))).toEqual([])
      const kept = readFileSync(join(root, 'p2p/transcripts', `${first}.md`), 'utf8')
      expect(kept).toContain('Kept by 0.1.0, not verifiable')
      expect(kept).toMatch(/ {4}from ada[\s\S]* {4}from ben/)
      expect(readFileSync(join(root, 'p2p/transcripts', `${second}.md`), 'utf8')).toContain('    unread')
      expect(valueAt((await run('inbox')).json, '.new')).toEqual([])
      expect(valueAt((await run('contacts')).json, '.contacts[name=ada].trust')).toBe('known')
      expect(valueAt((await run('config', 'get', 'about')).json, '.config.about')).toBe('kept from an earlier version')
    })
  })

  test('is taken over once, also after a run that was killed in the middle of it', async () => {
    await withHome(version, async ({ root, run }) => {
      const before = readFileSync(join(root, 'p2p/state.json'))
      await run('status')
      // As if the state had not been written any more.
      writeFileSync(join(root, 'p2p/state.json'), before)
      const { code, json } = await run('status')
      expect([code, valueAt(json, '.calls')]).toEqual([0, []])
      expect(readdirSync(join(root, 'p2p/calls-0.1.0'))).toHaveLength(
        readdirSync(join(HOMES, version, 'p2p/calls')).length,
      )
    })
  })
})

test.each(['p2p-identity.json', 'p2p/config.json', 'p2p/state.json'])('a newer %s is refused', async (which) => {
  await withHome('v1', async ({ root, run }) => {
    const [call = ''] = readdirSync(join(root, 'p2p/calls'))
    const path = join(root, which)
    const version = which === 'p2p/state.json' ? 3 : 2
    const text = JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), version, more: 'of what is to come' })
    writeFileSync(path, text)
    const before = contents(root)
    for (const args of [['status'], ['announce'], ['send', 'hi'], ['inbox'], ['transcript', call.slice(0, 8)]]) {
      const { code, json } = await run(...args)
      expect([code, valueAt(json, '.error.code')]).toEqual([4, 'STATE_NEWER'])
      expect(valueAt(json, '.error.hint')).toContain('update p2p-comm')
    }
    expect(contents(root)).toEqual(before)
  })
})

test('versions are taken one by one, and none is left out', () => {
  const upgrades: Upgrade[] = [
    ({ name, ...rest }) => ({ ...rest, names: [name] }),
    ({ names, ...rest }) => ({ ...rest, petnames: names }),
  ]
  expect(upgraded({ version: 1, name: 'ada', seen: 1 }, upgrades)).toEqual({ version: 3, petnames: ['ada'], seen: 1 })
  expect(upgraded({ version: 2, names: ['ada'] }, upgrades)).toEqual({ version: 3, petnames: ['ada'] })
  expect(upgraded({ version: 3, petnames: [] }, upgrades)).toEqual({ version: 3, petnames: [] })
  expect(upgraded({ version: 4 }, upgrades)).toBe('newer')
  for (const version of [0, -1, 1.5, '1', null, undefined]) expect(upgraded({ version }, upgrades)).toBeUndefined()
})

/** All files of a home but the code cache, which is made anew when it is missing. */
function contents(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ name, parentPath }) => join(parentPath, name)).filter((path) => !path.includes('/cache/'))
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'utf8')]))
}
