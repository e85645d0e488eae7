// `doctor` at relays that fail in every way they can: which step is named, what is said to do, and what is left behind.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { RelayOptions } from '../../scripts/relay.ts'
import { openProbe } from '../../src/io/doctor/probe.ts'
import { setSetting } from '../../src/io/home/config.ts'
import { loadIdentity } from '../../src/io/home/identity.ts'
import type { Home } from '../../src/io/home/paths.ts'
import { diagnose, faultsIn } from '../../src/run/doctor.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import { certificateFor, startTlsInFront } from '../support/certificate.ts'
import { startConnectProxy } from '../support/proxy-servers.ts'
import { nowSeconds, startScriptedRelay, startTestRelay, unusedAddress } from '../support/scripted-relay.ts'
import { newFolder, newHome } from '../support/temporary-home.ts'

const PATH = process.env.PATH ?? ''

type How = { relays?: readonly string[]; env?: Record<string, string>; home?: Home; budget?: number }

async function examine({ relays = [], env = { PATH }, home = newHome(), budget = 4_000 }: How) {
  const opening = { home: home.root, relays, budget, trace: undefined }
  const checks = await diagnose(openProbe(opening, env, stateCodec))
  const steps = checks.flatMap((check) => ('step' in check ? [`${check.step} ${check.ok}`] : []))
  const named = (name: string) => checks.find((check) => check.name === name)
  return { checks, steps, named, failed: checks.filter((check) => !check.ok) }
}

const ALL_WELL = ['nip11 true', 'connect true', 'auth true', 'write true', 'read true', 'latency true']

test('relays of one operator are told where there are no others in that role', async () => {
  const [one, other] = ['a', 'b'].map((letter) => letter.repeat(64))
  const [first, second] = [await startTestRelay({ operator: one }), await startTestRelay({ operator: one })]
  const found = (await examine({ relays: [first.url, second.url] })).checks.filter(({ name }) => name === 'operators')
  expect(found).toMatchObject([
    {
      ok: true,
      warning: true,
      detail: expect.stringContaining('all 2 relays of relays.inbox name one operator (npub1'),
    },
    { detail: expect.stringContaining('relays.presence') },
    { detail: expect.stringContaining('relays.lookup') },
  ])
  for (const operator of [other, undefined]) {
    const third = await startTestRelay({ operator })
    const { named } = await examine({ relays: [first.url, second.url, third.url] })
    expect(named('operators')).toBeUndefined()
  }
  // One that is alone has nobody to share with, and is the user's own choice.
  expect((await examine({ relays: [first.url] })).named('operators')).toBeUndefined()
})

describe('a relay that does what it should', () => {
  test.each([
    ['none', 'not asked for; a question answered'],
    ['late', 'accepted, and a question answered'],
    ['dm', 'accepted, and a question answered'],
    ['all', 'accepted, and a question answered'],
  ] as const)('passes every step, with AUTH for %s', async (auth, said) => {
    const relay = await startTestRelay({ auth })
    const { steps, named, failed } = await examine({ relays: [relay.url] })
    expect(steps).toEqual(ALL_WELL)
    expect(failed).toEqual([])
    expect(named(`${relay.url} auth`)?.detail).toContain(said)
  })

  test('is left as it was: what is written says nothing, is gone in a minute, and no connection stays', async () => {
    const relay = await startTestRelay({ auth: 'dm' })
    const home = newHome()
    const { pubkey } = loadIdentity(home, {})
    const { checks } = await examine({ relays: [relay.url], home })
    expect(faultsIn(checks)).toBeUndefined()
    const kept = relay.events()
    expect(kept.map((event) => event.kind).sort()).toEqual([1059, 30315])
    for (const { tags, content, kind } of kept) {
      const until = Number(tags.find((tag) => tag[0] === 'expiration')?.[1])
      expect(until - nowSeconds()).toBeLessThanOrEqual(60)
      if (kind === 1059) expect(tags[0]).toEqual(['p', pubkey])
      else expect([tags[0], content]).toEqual([['d', expect.stringMatching(/^p2p-comm-doctor-\d+$/)], ''])
    }
    await vi.waitUntil(() => relay.connections() === 0)
  })

  // A case from the field: `doctor` was content with a relay whose limit made every command fail.
  test('is asked what commands ask, and is well where it lets itself be asked for less', async () => {
    const relay = await startTestRelay({ limit: 100, faults: { closesLimit: 'invalid: limit too large, at most 100' } })
    expect((await examine({ relays: [relay.url] })).steps).toEqual(ALL_WELL)
    const limits = relay.seen.flatMap(({ frame }) => (frame[0] === 'REQ' ? (Object(frame[2]).limit ?? []) : []))
    expect(limits).toContain(500)
    expect(Math.min(...limits)).toBeLessThanOrEqual(100)
  })

  test.each<[string, RelayOptions, RegExp]>([
    ['says so', { subscriptions: 1 }, /it answers only 1 of our questions at once/],
    ['shows so', { faults: { fewer: { most: 1 } } }, /it answers only 1 of our questions at once/],
    ['grumbles', { faults: { fewer: { most: 1, words: 'too many REQs', notice: true } } }, /only 1 of our questions/],
  ])('and answers one question at a time is well, and what that means is told, where it %s', async (_, how, detail) => {
    const relay = await startTestRelay({ auth: 'dm', ...how })
    const { steps, named } = await examine({ relays: [relay.url] })
    expect(steps).toEqual(ALL_WELL)
    expect(named(`${relay.url} nip11`)).toMatchObject({ warning: true, detail: expect.stringMatching(detail) })
  })

  test('is asked for no more than its part', async () => {
    const [inbox, presence, lookup] = await Promise.all([startTestRelay(), startTestRelay(), startTestRelay()])
    const home = newHome()
    for (const [key, { url }] of Object.entries({ inbox, presence, lookup })) {
      await setSetting(home, `relays.${key}`, [url], { command: 'test' })
    }
    const { failed, named } = await examine({ home })
    expect(failed).toEqual([])
    const kinds = [inbox, presence, lookup].map((relay) => relay.events().map((event) => event.kind))
    expect(kinds).toEqual([[1059], [30315], []])
    expect(named(`${lookup.url} write`)).toBeUndefined()
  })

  test('learns the time of a message when it refuses old stamps, which is said', async () => {
    const relay = await startTestRelay({ oldest: 60 })
    const { steps, named } = await examine({ relays: [relay.url] })
    expect(steps).toEqual(ALL_WELL)
    expect(named(`${relay.url} write`)).toMatchObject({ warning: true, detail: expect.stringMatching(/stamp of now/) })
    expect(named(`${relay.url} nip11`)).toMatchObject({
      warning: true,
      detail: expect.stringMatching(/older than 60 s/),
    })
  })
})

describe('a relay that does not is found out at the step', () => {
  test.each([
    ['connect', { mute: true }, /no connection in time/, /--timeout 20/],
    ['read', { silent: true }, /no answer in time/, /--timeout 20/],
    ['read', { noEose: true }, /./, /./],
    ['write', { noOk: true }, /message to ourselves: no answer in time/, /--timeout 20/],
    ['write', { refuse: 'restricted: members only' }, /restricted: members only/, /operator/],
    ['write', { refuse: 'blocked: go away' }, /blocked: go away/, /operator/],
    ['write', { refuse: 'pow: 28 bits needed' }, /pow: 28 bits/, /another relay.*config set relays\.inbox/],
    ['write', { refuse: 'invalid: created_at too early' }, /too early/, /clock/],
    ['read', { dropEvents: 1 }, /message to ourselves: it said OK and does not give it back/, /another relay/],
  ] as const)('%s, with %o', async (step, faults, detail, hint) => {
    const relay = await startTestRelay({ auth: 'none', faults })
    const { failed, checks } = await examine({ relays: [relay.url], budget: 1_000 })
    expect(failed).toEqual([
      expect.objectContaining({
        relay: relay.url,
        step,
        detail: expect.stringMatching(detail),
        hint: expect.stringMatching(hint),
      }),
    ])
    expect(faultsIn(checks)).toMatchObject({
      code: 'DOCTOR',
      exit: 6,
      message: expect.stringContaining(`${relay.url} ${step}`),
    })
    await vi.waitUntil(() => relay.connections() === 0)
  })

  test('auth, when the answer to it never comes or is a no', async () => {
    const deaf = await startScriptedRelay({ opened: (say) => say('AUTH', 'a challenge') })
    const other = await startTestRelay({ auth: 'all' })
    // What it names in AUTH is not what the relay calls itself.
    const renamed = other.url.replace('127.0.0.1', 'localhost')
    const { failed } = await examine({ relays: [deaf.url, renamed], budget: 2_000 })
    expect(failed.map((check) => check.name)).toEqual([`${deaf.url} auth`, `${renamed} auth`])
    expect(failed[1]).toMatchObject({ hint: expect.stringMatching(/let this key in/) })
  })

  test('connect, when nobody is there, and only once', async () => {
    const url = await unusedAddress()
    const { failed, steps } = await examine({ relays: [url, 'ws://relay.invalid'] })
    expect(steps).toEqual(['connect false', 'connect false'])
    expect(failed.map((check) => check.hint)).toEqual([
      expect.stringMatching(/is down, or a firewall/),
      expect.stringMatching(/spelling of the address/),
    ])
  })

  test('connect, when its certificate is from nobody we know', async ({ skip }) => {
    const certificate = certificateFor('localhost')
    if (certificate === undefined) return skip('there is no openssl')
    const relay = await startTestRelay({ auth: 'none' })
    const url = `wss://localhost:${await startTlsInFront(relay.port, certificate)}`
    const { failed } = await examine({ relays: [url] })
    expect(failed).toMatchObject([{ step: 'connect', hint: expect.stringMatching(/NODE_EXTRA_CA_CERTS/) }])
  })
})

describe('the clock', () => {
  test('is judged by most relays, not by one that lies', async () => {
    const relays = await Promise.all([0, 1, 100_000].map((clockOffset) => startTestRelay({ clockOffset })))
    expect((await examine({ relays: relays.map(({ url }) => url) })).named('clock')).toMatchObject({ ok: true })
    const wrong = await Promise.all([-600, -601].map((clockOffset) => startTestRelay({ clockOffset })))
    const { named } = await examine({ relays: wrong.map(({ url }) => url) })
    expect(named('clock')).toMatchObject({ ok: false, detail: expect.stringMatching(/^60\d s ahead of the time of 2/) })
  })
})

describe('the proxy', () => {
  test('is there, or goes around, or not there, or none', async () => {
    const [relay, proxy, gone] = await Promise.all([startTestRelay(), startConnectProxy(), unusedAddress()])
    const check = async (env: Record<string, string>) => (await examine({ relays: [relay.url], env })).named('proxy')
    const address = `http://me:secret@${proxy.address}`
    expect(await check({ HTTP_PROXY: address })).toMatchObject({
      ok: true,
      detail: `http://${proxy.address} (HTTP_PROXY) can be reached`,
    })
    expect(await check({ HTTP_PROXY: address, NO_PROXY: '*' })).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/around it/),
    })
    expect(await check({ ALL_PROXY: gone.replace('ws', 'socks5h') })).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/ECONNREFUSED/),
    })
    expect(await check({ ALL_PROXY: 'tor://me:secret@x' })).toMatchObject({
      ok: false,
      hint: expect.stringMatching(/ALL_PROXY/),
    })
    expect(proxy.asked).not.toEqual([])
  })
})

describe('the owner', () => {
  async function check(settings: Record<string, readonly string[]>, env: Record<string, string> = { PATH }) {
    const home = newHome()
    for (const [key, values] of Object.entries(settings)) await setSetting(home, key, values, { command: 'test' })
    const { checks } = await examine({ relays: [(await startTestRelay()).url], home, env })
    return checks.filter(({ name }) => name === 'owner' || name === 'hook')
  }

  test('without a channel is a warning', async () => {
    expect(await check({})).toMatchObject([{ ok: true, warning: true, hint: expect.stringMatching(/owner\.npub/) }])
  })

  test('with a program that is not there is a fault', async () => {
    expect(await check({ 'owner.command': ['no-such-program', '-x'], 'hook.command': ['/no/such'] })).toMatchObject([
      { ok: true, detail: 'is told through command' },
      { name: 'owner', ok: false, detail: expect.stringContaining('"no-such-program"') },
      { name: 'hook', ok: false, detail: expect.stringContaining('"/no/such"') },
    ])
    expect(await check({ 'owner.command': [process.execPath] })).toMatchObject([{ ok: true }])
  })

  test('in OpenClaw needs its command on the PATH, and a target', async () => {
    const chat = { 'owner.openclaw.channel': ['telegram'], 'owner.openclaw.target': ['@me'] }
    const folder = newFolder()
    writeFileSync(join(folder, 'openclaw'), '#!/bin/sh\n', { mode: 0o644 })
    expect(await check(chat, { PATH: folder })).toMatchObject([
      { ok: true },
      { ok: false, detail: expect.stringMatching(/"openclaw"/) },
    ])
    chmodSync(join(folder, 'openclaw'), 0o755)
    expect(await check(chat, { PATH: `/nowhere:${folder}` })).toMatchObject([
      { ok: true, detail: 'is told through openclaw' },
    ])
    expect(await check({ 'owner.openclaw.channel': ['telegram'] }, { PATH: folder })).toMatchObject([
      { ok: true },
      { ok: false, hint: expect.stringMatching(/owner\.openclaw\.target/) },
    ])
  })
})

describe('files', () => {
  test('that others can read are a fault', async () => {
    const home = newHome()
    mkdirSync(home.dir, { mode: 0o755 })
    const { failed } = await examine({ relays: [(await startTestRelay()).url], home })
    expect(failed).toMatchObject([{ name: 'files', hint: `\`chmod 700 ${home.dir}\`` }])
  })

  test('that cannot be there hide nothing else; without a key a relay is only connected to', async () => {
    const relay = await startTestRelay()
    const home = newHome()
    const root = join(home.root, 'file')
    writeFileSync(root, '')
    const { failed, steps, named } = await examine({ relays: [relay.url], home: { ...home, root } })
    expect(failed.map(({ name }) => name)).toEqual(expect.arrayContaining(['keys', 'files']))
    expect(failed.every(({ hint = '' }) => hint !== '')).toBe(true)
    expect(steps).toEqual(['nip11 true', 'connect true'])
    expect(named('clock')?.ok).toBe(true)
    expect(relay.events()).toEqual([])
  })

  test('of a newer version, or of another agent, are left alone', async () => {
    const relays = [(await startTestRelay()).url]
    const home = newHome()
    mkdirSync(home.dir, { mode: 0o700 })
    writeFileSync(home.state, '{"version":99}')
    expect((await examine({ relays, home })).named('state')).toMatchObject({
      ok: false,
      hint: expect.stringMatching(/update/),
    })
    writeFileSync(home.state, JSON.stringify({ ...stateCodec.empty(), agent: 'a'.repeat(64) }))
    expect((await examine({ relays, home })).named('state')).toMatchObject({
      ok: false,
      hint: expect.stringMatching(/--home/),
    })
  })

  test('with a damaged configuration say that the relays were not looked at, unless they are named', async () => {
    const relay = await startTestRelay()
    const home = newHome()
    mkdirSync(home.dir, { mode: 0o700 })
    writeFileSync(home.config, '{')
    expect((await examine({ home })).named('relays')).toMatchObject({ warning: true })
    expect((await examine({ home, relays: [relay.url] })).steps).toEqual(ALL_WELL)
  })
})
