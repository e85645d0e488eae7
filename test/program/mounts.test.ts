// Homes that are put together of mounts and links: a file that is mounted by itself cannot be replaced, a folder that is can be
// moved into from nowhere, and a link must stay one.
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { wholeCopy } from '../../src/io/store/replace.ts'
import { type AgentPair, type AgentProgram, messagesOf, startCall, withPair } from '../support/two-programs.ts'

const mounted: string[] = []

/** Two programs, and what was mounted for them is mounted no longer when their folder is removed. */
async function withMounts(body: (pair: AgentPair) => Promise<void>): Promise<void> {
  await withPair({}, async (pair) => {
    try {
      await body(pair)
    } finally {
      for (const path of mounted.splice(0).reverse()) execFileSync('umount', [path])
    }
  })
}

/** Mounts one place over another; false where this machine lets nobody mount. */
function bind(from: string, over: string, ...options: string[]): boolean {
  try {
    execFileSync('mount', ['--bind', from, over], { stdio: 'pipe' })
    mounted.push(over)
    if (options.length > 0) execFileSync('mount', ['-o', ['remount', 'bind', ...options].join(','), over])
    return true
  } catch {
    return false
  }
}

const dirOf = ({ home }: AgentProgram) => join(home, '.openclaw', 'p2p')

describe('config.json mounted by itself', () => {
  test('is read and written', async (context) => {
    await withMounts(async ({ ada, folder }) => {
      await ada.json(['config', 'set', 'name', 'Ada'])
      const [config, outside] = [join(dirOf(ada), 'config.json'), join(folder, 'outside.json')]
      writeFileSync(outside, readFileSync(config), { mode: 0o600 })
      if (!bind(outside, config)) return context.skip('nothing can be mounted here')
      const inode = statSync(outside).ino
      await ada.json(['config', 'set', 'about', 'a line that is longer than before'])
      expect(await ada.json(['config', 'get', 'about'])).toMatchObject({
        config: { about: 'a line that is longer than before' },
      })
      await ada.json(['config', 'unset', 'about'])
      expect(JSON.parse(readFileSync(outside, 'utf8'))).toEqual({ version: 1, name: 'Ada' })
      expect([statSync(outside).ino, readdirSync(dirOf(ada)).includes('config.json.next')]).toEqual([inode, false])
    })
  })

  test('and cut off while it was written, is whole beside it; once it was written again, no more', async () => {
    await withMounts(async ({ ada }) => {
      await ada.json(['config', 'set', 'name', 'Ada'])
      const config = join(dirOf(ada), 'config.json')
      writeFileSync(wholeCopy(config), '{"version":1,"name":"Ada L."}', { mode: 0o600 })
      writeFileSync(config, '{"version":1,"na', { mode: 0o600 })
      expect(await ada.json(['config', 'get', 'name'])).toMatchObject({ config: { name: 'Ada L.' } })
      await ada.json(['config', 'set', 'about', 'x'])
      expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({ version: 1, name: 'Ada L.', about: 'x' })
      // What is damaged later is damaged, and nothing old comes back.
      writeFileSync(config, '{', { mode: 0o600 })
      expect((await ada.json(['whoami'], 0, 2)).error).toMatchObject({ code: 'CONFIG_DAMAGED' })
    })
  })

  test('read-only: said, with nothing changed', async (context) => {
    await withMounts(async ({ ada, folder }) => {
      await ada.json(['config', 'set', 'name', 'Ada'])
      const [config, outside] = [join(dirOf(ada), 'config.json'), join(folder, 'outside.json')]
      writeFileSync(outside, readFileSync(config), { mode: 0o600 })
      if (!bind(outside, config, 'ro')) return context.skip('nothing can be mounted here')
      const { error } = await ada.json(['config', 'set', 'name', 'Eve'], 0, 1)
      expect(error).toMatchObject({ code: 'HOME_UNWRITABLE', message: expect.stringContaining('config.json') })
      expect((await ada.json(['whoami'])).agent).toMatchObject({ name: 'Ada' })
      expect(readdirSync(dirOf(ada)).filter((name) => name.startsWith('config'))).toEqual(['config.json'])
    })
  })
})

test('config.json that is a link stays one', async () => {
  await withMounts(async ({ ada, folder }) => {
    const [config, outside] = [join(dirOf(ada), 'config.json'), join(folder, 'dotfiles', 'p2p.json')]
    for (const path of [config, outside]) mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(outside, '{"name": "Ada"}', { mode: 0o600 })
    symlinkSync(outside, config)
    await ada.json(['config', 'set', 'about', 'x'])
    expect(lstatSync(config).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(outside, 'utf8'))).toEqual({ version: 1, name: 'Ada', about: 'x' })
  })
})

test.each(['calls', 'files', 'transcripts'])('p2p/%s/ mounted by itself: a whole call', async (name) => {
  await withMounts(async (pair) => {
    const { ada, ben, folder } = pair
    await ada.json(['whoami'])
    const [place, outside] = [join(dirOf(ada), name), join(folder, 'volume')]
    for (const path of [place, outside]) mkdirSync(path, { recursive: true, mode: 0o700 })
    if (!bind(outside, place)) return
    const call = await startCall(pair)
    await ada.json(['send', 'one'])
    await ben.json(['inbox'])
    await ben.json(['send', 'two'])
    await ben.json(['sendfile', 'a.txt', Buffer.from('a file').toString('base64')])
    expect((await ada.json(['inbox'])).new).toHaveLength(2)
    expect(await messagesOf(ada, call)).toEqual(['one', 'two'])
    await ada.json(['end', 'bye'])
    // Nothing of the way there is left behind.
    const left = readdirSync(outside, { recursive: true, encoding: 'utf8' })
    expect(left.filter((path) => /\.next$|\.part/.test(path))).toEqual([])
    if (name === 'calls') expect(left).toContain(`${call}.json`)
  })
})

test('state.json mounted by itself is said, and what was said before is kept', async (context) => {
  await withMounts(async (pair) => {
    const { ada, folder } = pair
    const call = await startCall(pair)
    const [state, outside] = [join(dirOf(ada), 'state.json'), join(folder, 'state')]
    writeFileSync(outside, readFileSync(state), { mode: 0o600 })
    if (!bind(outside, state)) return context.skip('nothing can be mounted here')
    const { code, stdout } = await ada.run(['inbox', '--json'])
    const { error } = JSON.parse(stdout)
    if (code !== 0)
      expect(error).toMatchObject({ code: 'HOME_UNWRITABLE', hint: expect.stringContaining('mount the folder') })
    expect(await messagesOf(ada, call)).toEqual([])
  })
})

test('an identity mounted by itself, read-only, in a home that is new', async (context) => {
  await withMounts(async ({ ada, folder }) => {
    const { agent } = await ada.json(['whoami'])
    const identity = join(ada.home, '.openclaw', 'p2p-identity.json')
    const outside = join(folder, 'key.json')
    writeFileSync(outside, readFileSync(identity), { mode: 0o600 })
    if (!bind(outside, identity, 'ro')) return context.skip('nothing can be mounted here')
    expect((await ada.json(['status'])).agent).toMatchObject({ npub: (agent as { npub: string }).npub })
  })
})
