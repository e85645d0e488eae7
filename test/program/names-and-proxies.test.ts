// The program itself with a name of the web (NIP-05) and behind proxies: who is called, through what, and when it ends.
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { npubEncode } from '../../src/nostr/nip19.ts'
import { type Certificate, certificateFor, startTlsInFront } from '../support/certificate.ts'
import { startConnectProxy, startSocksProxy } from '../support/proxy-servers.ts'
import { startRun } from '../support/runs.ts'
import { listenTcp, startTestRelay } from '../support/scripted-relay.ts'
import { presenceEvent, publishAll } from '../support/strangers.ts'

const bob = randomKeys()
const npub = npubEncode(bob.pubkey)
const NAMES = JSON.stringify({ names: { bob: bob.pubkey } })

async function run(
  home: string,
  relay: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<ProcessResult> {
  const setting = { cwd: home, env: { ...agentEnv(home, [relay]), ...env } }
  return await startProcess(process.execPath, [PROGRAM, ...args], setting).ended
}

async function allowPrivate(home: string): Promise<void> {
  const { code } = await startRun(['config', 'set', 'relays.allowPrivate', 'true'], { env: agentEnv(home, []) }).ended
  expect(code).toBe(0)
}

describe('a name of the web', () => {
  test('is called as the key that its domain gives, and never becomes a name of ours', async ({ skip }) => {
    const certificate = certificateFor('localhost')
    if (certificate === undefined) return skip('there is no openssl')
    const [relay, domain] = await Promise.all([startTestRelay(), port(certificate)])
    const env = { NODE_EXTRA_CA_CERTS: certificate.path }
    await withTemporaryFolder(async (home) => {
      const p2p = (...args: string[]) => run(home, relay.url, ['--json', ...args], env)
      const refused = await p2p('call', `bob@localhost:${domain}`, 'Hello')
      expect(JSON.parse(refused.stdout)).toMatchObject({
        error: {
          code: 'NIP05_FAILED',
          message: expect.stringMatching(/private network/),
          hint: expect.stringMatching(/npub/),
        },
      })
      expect(refused.code).toBe(6)
      await allowPrivate(home)
      // Somebody on line has taken the very name.
      const impostor = join(home, 'impostor')
      mkdirSync(impostor)
      const announcer = { env: agentEnv(impostor, [relay.url]) }
      await startRun(['config', 'set', 'name', `bob@localhost:${domain}`], announcer).ended
      expect((await startRun(['announce'], announcer).ended).code).toBe(0)
      const called = await p2p('call', `bob@localhost:${domain}`, 'Hello')
      expect(JSON.parse(called.stdout)).toMatchObject({ ok: true, call: { peer: { npub, trust: 'unknown' } } })
      expect(JSON.parse(called.stdout).call.peer.name).not.toContain('localhost')
      const added = JSON.parse((await p2p('contacts', 'add', `bob@localhost:${domain}`)).stdout)
      expect(added.contacts).toMatchObject([{ npub, trust: 'known' }])
      expect(JSON.stringify(added)).not.toContain('localhost')
      const nobody = JSON.parse((await p2p('call', `eve@localhost:${domain}`, 'Hello')).stdout)
      expect(nobody.error).toMatchObject({
        code: 'NIP05_FAILED',
        message: expect.stringMatching(/nobody called .eve./),
      })
    })
  })
})

describe('a name of the web in a presence', () => {
  test('is checked where that is asked, and before somebody is called whom only a name has led to', async ({
    skip,
  }) => {
    const certificate = certificateFor('localhost')
    if (certificate === undefined) return skip('there is no openssl')
    const [relay, domain] = await Promise.all([startTestRelay(), port(certificate)])
    const address = `bob@localhost:${domain}`
    await publishAll(relay.url, [
      presenceEvent(bob, [
        ['name', 'Bob'],
        ['nip05', address],
      ]),
      presenceEvent(randomKeys(), [
        ['name', 'Not Bob'],
        ['nip05', address],
      ]),
    ])
    const env = { NODE_EXTRA_CA_CERTS: certificate.path }
    await withTemporaryFolder(async (home) => {
      const p2p = (...args: string[]) => run(home, relay.url, ['--json', ...args], env)
      await allowPrivate(home)
      const verdicts = async (...args: string[]) => {
        const { agents } = JSON.parse((await p2p('list', ...args)).stdout)
        return Object.fromEntries(
          agents.map(Object).map((one: { name: string; verified?: boolean }) => [one.name, one]),
        )
      }
      const listed = (await verdicts()).Bob
      expect(listed).toMatchObject({ nip05: address })
      expect(listed).not.toHaveProperty('verified')
      const asked = await verdicts('--verify')
      expect([asked.Bob?.verified, asked['Not Bob']?.verified]).toEqual([true, false])
      const text = (await run(home, relay.url, ['list', '--verify'], env)).stdout
      expect(text).toMatch(/^npub\S+ available, .*, bob@localhost:\d+ \(its domain says so\)$/m)
      expect(text).toMatch(/^npub\S+ available, .*, whose name its domain denies$/m)
      const denied = JSON.parse((await p2p('call', 'Not Bob', 'Hello')).stdout)
      expect(denied.error).toMatchObject({ code: 'NIP05_FAILED', message: expect.stringContaining('denies') })
      const called = JSON.parse((await p2p('call', 'Bob', 'Hello')).stdout)
      expect(called).toMatchObject({ ok: true, call: { peer: { npub } } })
    })
  })
})

describe('behind a proxy', () => {
  test.each(['http', 'socks5h'])('of %s everything goes through it, and its password nowhere else', async (scheme) => {
    const [relay, proxy] = await Promise.all([
      startTestRelay({ auth: 'none' }),
      scheme === 'http' ? startConnectProxy() : startSocksProxy({ login: true }),
    ])
    const env = { ALL_PROXY: `${scheme}://me:open-sesame@${proxy.address}` }
    await withTemporaryFolder(async (home) => {
      // A name that nobody can resolve: it is the proxy that leads to the relay.
      const url = `ws://relay.invalid:${relay.port}`
      const setting = { env: { ...agentEnv(home, [url]), ...env } }
      const { code, stdout, stderr } = await startRun(['--json', '--verbose', 'doctor'], setting).ended
      expect(code).toBe(0)
      expect(proxy.asked.length).toBeGreaterThan(1)
      expect(proxy.asked.every((asked) => asked.startsWith(`relay.invalid:${relay.port}`))).toBe(true)
      expect(proxy.logins).toContain('me:open-sesame')
      expect(stdout + stderr).not.toContain('open-sesame')
    })
  })

  test('that says nothing a command ends when its time is up', async () => {
    const proxy = await startSocksProxy({ silent: true })
    await withTemporaryFolder(async (home) => {
      const env = { ALL_PROXY: `socks5h://${proxy.address}` }
      const { code, ms } = await run(home, 'ws://relay.invalid', ['--json', '--timeout', '1', 'status'], env)
      expect(code).toBe(3)
      expect(ms).toBeLessThan(4_000)
    })
  })
})

async function port(certificate: Certificate): Promise<number> {
  const server = createServer((_, response) => response.end(NAMES))
  return await startTlsInFront(Number(new URL(await listenTcp(server)).port), certificate)
}
