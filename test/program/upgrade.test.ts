// Homes that earlier versions left behind are taken over whole, and one of a newer version is refused unharmed. The kept
// homes are made by test/upgrade/make.ts.
import { chmodSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { valueAt } from '../../scripts/json-path.ts'
import { agentEnv, PROGRAM, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { type Upgrade, upgraded } from '../../src/migrate.ts'
import { parseIndex } from '../../src/state/state-codec.ts'

const HOMES = new URL('../upgrade/', import.meta.url).pathname
const VERSIONS = readdirSync(HOMES).filter((name) => /^v\d+$/.test(name))
const CLOCK = pathToFileURL(new URL('../support/wrong-clock.mjs', import.meta.url).pathname)

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
        const words = ['--import', `${CLOCK}?ms=${ahead}`, PROGRAM, ...args, '--json']
        const env = agentEnv(folder, [relay.url])
        const { code, stdout } = await startProcess(process.execPath, words, { cwd: folder, env }).ended
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
      expect(valueAt(json, '.new')).toEqual([
        expect.objectContaining({ type: 'message', call: second, text: 'unread' }),
        expect.objectContaining({ type: 'request', text: 'a call that rings' }),
        expect.objectContaining({ type: 'dm', text: 'a letter' }),
      ])
      const call = (id: string) => valueAt(json, `.calls[id=${id}]`)
      expect(valueAt(json, '.calls.length')).toBe(3)
      expect(call(first)).toMatchObject({ state: 'ended', peer: { name: 'ada' } })
      // What no relay had taken has gone out now.
      expect(call(second)).toMatchObject({ state: 'active', own: { queued: 0, relayed: 1 } })
      expect(valueAt(json, '.calls[topic=a call that rings].state')).toBe('ringing')
      expect(valueAt((await run('inbox')).json, '.new')).toEqual([])

      const { json: transcript } = await run('transcript', first)
      expect(valueAt(transcript, '.transcript.verified')).toBe(true)
      expect(valueAt(transcript, '.transcript.entries[type=accept].from')).toBe('me')
      expect(valueAt(transcript, '.transcript.entries[text=from ada].from')).toBe('peer')
      expect(valueAt(transcript, '.transcript.entries[text=from ben].state')).toBe('delivered')
      expect(valueAt((await run('contacts')).json, '.contacts[name=ada].trust')).toBe('known')
      expect(valueAt((await run('config', 'get', 'about')).json, '.config.about')).toBe('kept from an earlier version')
      expect((await run('answer', 'accept')).code).toBe(0)
      expect((await run('end', '--call', second)).code).toBe(0)
    })
  })

  test('is read without a loss', () => {
    const dir = join(HOMES, version, 'p2p')
    const state: unknown = JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8'))
    expect(parseIndex(state)).toMatchObject({ agent: valueAt(state, '.agent'), calls: valueAt(state, '.calls') })
    if (version === 'v1') expect(parseIndex(state)).toMatchObject(Object(state))
    for (const name of readdirSync(join(dir, 'calls'))) {
      const call: unknown = JSON.parse(readFileSync(join(dir, 'calls', name), 'utf8'))
      if (version === 'v1') expect(parseLog(call)).toMatchObject({ ...Object(call), version: 2 })
      else expect(parseLog(call)).toMatchObject({ id: valueAt(call, '.id') })
    }
  })
})

test.each(['p2p-identity.json', 'p2p/config.json', 'p2p/state.json', 'p2p/calls'])(
  'a newer %s is refused',
  async (which) => {
    await withHome('v1', async ({ root, run }) => {
      const [call = ''] = readdirSync(join(root, 'p2p/calls'))
      const path = join(root, which, which === 'p2p/calls' ? call : '')
      const version = which === 'p2p/calls' ? 3 : 2
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
  },
)

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
