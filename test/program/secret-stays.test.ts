// The secret key and the agent's own files do not leave, whoever asks for them, whatever they are called and in whatever form they
// are put: every command that sends refuses, and nothing of it is kept, published or told.
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type BlossomServer, startBlossom } from '../support/blossom-server.ts'
import { SECRET_FORMS, SECRET_TEXTS } from '../support/secret-forms.ts'
import { leakyFile } from '../support/story/promises.ts'
import { type AgentPair, type AgentProgram, startCall, withPair } from '../support/two-programs.ts'

const homeOf = (agent: AgentProgram) => join(agent.home, '.openclaw')
const identityOf = (agent: AgentProgram) => join(homeOf(agent), 'p2p-identity.json')
const secretOf = (agent: AgentProgram) =>
  Buffer.from(JSON.parse(readFileSync(identityOf(agent), 'utf8')).secretKey, 'hex')

/** Refused, before a word of it is on disk or on a relay. */
async function refused(agent: AgentProgram, args: readonly string[], stdin = ''): Promise<void> {
  const ran = await agent.run(['--json', ...args], 0, stdin)
  expect([args, ran.code, JSON.parse(ran.stdout).error?.code]).toEqual([args, 4, 'SECRET'])
}

async function inCall(body: (pair: AgentPair & { call: string; secret: Buffer }) => Promise<void>): Promise<void> {
  await withPair({}, async (pair) => {
    const call = await startCall(pair)
    await body({ ...pair, call, secret: secretOf(pair.ada) })
    // Nothing has come, nothing is owed, and it stands in no file but the identity.
    expect((await pair.ben.json(['inbox', '--all'])).new).toMatchObject([{ type: 'request' }])
    expect((await pair.ada.json(['status'])).outbox).toBe(0)
    expect(leakyFile(join(homeOf(pair.ada), 'p2p'), [secretOf(pair.ada).toString('hex')])).toBeUndefined()
  })
}

test('no command says the secret of a call, in any form, and an id that is as long is no secret', {
  timeout: 120_000,
}, async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const call = await startCall(pair)
    const path = join(homeOf(ada), 'p2p', 'calls', `${call}.key`)
    const { secretKey, pubkey } = JSON.parse(readFileSync(path, 'utf8'))
    const secret = Buffer.from(secretKey, 'hex')
    const npub = (await ben.json(['whoami'])).agent
    for (const form of Object.values(SECRET_TEXTS)) await refused(ada, ['send', '--', form(secret)])
    for (const args of [
      ['send', '--to', String(Object(npub).npub), secretKey],
      ['escalate', secretKey, '--tell', 'x'],
      ['escalate', 'x', '--tell', secretKey],
      ['end', secretKey],
      ['sendfile', 'a.bin', secret.toString('base64')],
    ])
      await refused(ada, args)
    // Of the other side's calls nothing is known here.
    await ada.json(['send', `the call ${call}, ${pubkey}`])
    expect((await ben.json(['inbox'])).new).toMatchObject([{ text: `the call ${call}, ${pubkey}` }])
  })
})

test('no command says the key, in any form', { timeout: 180_000 }, async () => {
  await inCall(async ({ ada, secret }) => {
    const nsec = SECRET_TEXTS.nsec?.(secret) ?? ''
    for (const form of Object.values(SECRET_TEXTS)) await refused(ada, ['send', '--', form(secret)])
    for (const verb of ['send', 'escalate']) await refused(ada, [verb, '-'], `so: ${nsec}\n`)
    for (const args of [
      ['escalate', nsec],
      ['end', nsec],
      ['call', 'npub1someone', nsec],
      ['call', `${nsec}@localhost`, 'hello'],
      ['answer', 'reject', nsec],
      ['answer', 'accept', nsec],
      ['sendfile', `${nsec}.txt`, 'aGVsbG8='],
      ['list', '--capability', nsec],
      ['config', 'set', 'name', nsec],
      ['config', 'set', 'about', `I am ${secret.toString('base64')}`],
      ['config', 'set', 'capabilities', 'code', nsec],
      ['contacts', 'add', `${nsec}@localhost`, 'bob'],
    ])
      await refused(ada, args)
  })
})

test('no file takes it out, whatever it is called', { timeout: 180_000 }, async () => {
  await inCall(async ({ ada, folder, secret }) => {
    const [home, identity] = [homeOf(ada), identityOf(ada)]
    const own = join(home, 'p2p')
    const at = (name: string) => join(folder, name)
    // The identity: itself, by other names, and as a copy.
    symlinkSync(identity, at('link'))
    linkSync(identity, at('hard-link'))
    copyFileSync(identity, at('copy'))
    symlinkSync(home, at('folder'))
    for (const path of [identity, at('link'), at('hard-link'), at('copy'), join(at('folder'), 'p2p-identity.json')])
      await refused(ada, ['sendfile', path])
    // What is below p2p/: each file, by its path, by other names, as a copy, as base64 and on stdin.
    const names = readdirSync(own, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(names.length).toBeGreaterThan(1)
    for (const [n, { parentPath, name }] of names.entries()) {
      const path = join(parentPath, name)
      const bytes = readFileSync(path)
      if (bytes.length < 32) continue
      // What is larger goes to nobody without a server.
      if (bytes.length > 100_000) {
        await refused(ada, ['sendfile', path])
        continue
      }
      linkSync(path, at(`hard-${n}`))
      copyFileSync(path, at(`copy-${n}`))
      for (const other of [path, at(`hard-${n}`), at(`copy-${n}`)]) await refused(ada, ['sendfile', other])
      await refused(ada, ['sendfile', 'notes.txt', bytes.toString('base64')])
      await refused(ada, ['sendfile', 'notes.txt', '-'], bytes.toString('latin1'))
      if (bytes.length < 20_000) await refused(ada, ['send', '-'], bytes.toString('utf8'))
    }
    // The key in whatever a file may hold.
    for (const [name, form] of Object.entries(SECRET_FORMS)) {
      writeFileSync(at('secret'), Buffer.concat([Buffer.alloc(100_000, 'x\u0000'), form(secret), Buffer.alloc(9)]))
      await refused(ada, ['sendfile', at('secret')])
      await refused(ada, ['sendfile', name, form(secret).toString('base64')])
    }
    await ada.json(['whoami', '--export', at('exported')])
    await refused(ada, ['sendfile', at('exported')])
  })
})

test('nor through a server, and not a byte of it gets there', { timeout: 180_000 }, async () => {
  const server: BlossomServer = await startBlossom()
  await inCall(async ({ ada, folder, secret }) => {
    await ada.json(['config', 'set', 'file.server', server.url])
    await ada.json(['config', 'set', 'file.inlineMax', '1000'])
    const large = join(folder, 'large.bin')
    for (const form of Object.values(SECRET_FORMS)) {
      // Across the border of two pieces of what is read at a time.
      writeFileSync(large, Buffer.concat([Buffer.alloc(65_536 - 20, '.'), form(secret), Buffer.alloc(70_000, '.')]))
      await refused(ada, ['sendfile', large])
    }
    const state = join(homeOf(ada), 'p2p', 'state.json')
    copyFileSync(state, join(folder, 'copy.json'))
    // It has changed since the copy was made.
    await ada.json(['status'])
    for (const path of [state, join(folder, 'copy.json')]) await refused(ada, ['sendfile', path])
    expect([server.seen, server.blobs.size]).toEqual([[], 0])
  })
  await server.close()
})

test('what is no secret goes out: files that came, transcripts, the public key', { timeout: 60_000 }, async () => {
  await withPair({}, async (pair) => {
    const { ada, ben, folder } = pair
    const call = await startCall(pair)
    const { agent } = await ada.json(['whoami'])
    await ada.json(['send', `I am ${JSON.stringify(agent)}`])
    await ada.json([
      'sendfile',
      'notes.json',
      Buffer.from(JSON.stringify({ version: 2, calls: {} })).toString('base64'),
    ])
    const { new: items } = await ben.json(['inbox'])
    const path = String(Object(Object(items)[1]).path)
    expect(path).toContain('/p2p/files/')
    await ben.json(['sendfile', path])
    // A home behind a link is no other home.
    renameSync(homeOf(ada), join(folder, 'moved'))
    symlinkSync(join(folder, 'moved'), homeOf(ada))
    const transcripts = join(homeOf(ada), 'p2p', 'transcripts')
    mkdirSync(transcripts, { recursive: true, mode: 0o700 })
    writeFileSync(join(transcripts, `${call}.md`), '# Call', { mode: 0o600 })
    await ada.json(['sendfile', join(transcripts, `${call}.md`)])
    await refused(ada, ['sendfile', join(homeOf(ada), 'p2p', 'state.json')])
    await refused(ada, ['sendfile', join(folder, 'moved', 'p2p', 'state.json')])
    // A name that was written into the settings by hand.
    const config = join(homeOf(ada), 'p2p', 'config.json')
    await ada.json(['config', 'set', 'about', 'an agent in a test'])
    const settings = JSON.parse(readFileSync(config, 'utf8'))
    writeFileSync(config, JSON.stringify({ ...settings, about: `ada ${secretOf(ada).toString('hex')}` }))
    for (const args of [['announce'], ['call', 'npub1x', 'hello'], ['status']]) await refused(ada, args)
    await ada.json(['config', 'set', 'about', 'Ada'])
    await ada.json(['status'])
    cpSync(config, join(folder, 'config-copy.json'))
    await refused(ada, ['sendfile', join(folder, 'config-copy.json')])
  })
})
