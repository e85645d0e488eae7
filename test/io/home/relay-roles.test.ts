// Which relays a run uses, and that none of them is one that was shut down.
import { describe, expect, test } from 'vitest'
import { readConfig, setSetting } from '../../../src/io/home/config.ts'
import { rolesOf } from '../../../src/io/home/relay-roles.ts'
import { newHome } from '../../support/temporary-home.ts'

async function roles(inbox: readonly string[] = [], typed: readonly string[] = [], env = {}) {
  const home = newHome()
  if (inbox.length > 0) await setSetting(home, 'relays.inbox', inbox, { command: 'test' })
  const said: string[] = []
  return { roles: rolesOf(readConfig(home), typed, env, (line) => said.push(line)), said }
}

describe('the relays', () => {
  test('are those that are set, else --relay before P2P_RELAYS in every role', async () => {
    expect((await roles(['wss://a.example'])).roles.inbox).toEqual(['wss://a.example'])
    const env = { P2P_RELAYS: 'wss://e.example, wss://E.example/,' }
    const one = (url: string) => ({ presence: [url], inbox: [url], lookup: [url] })
    expect((await roles(['wss://a.example'], [], env)).roles).toEqual(one('wss://e.example'))
    expect((await roles(['wss://a.example'], ['wss://t.example'], env)).roles).toEqual(one('wss://t.example'))
  })

  // Who runs them is known of these three (settings.ts); of the two below also that they are one operator's.
  test('of a new configuration are those of three operators, in each role that carries calls', async () => {
    const { roles: fresh, said } = await roles()
    expect(said).toEqual([])
    for (const urls of [fresh.presence, fresh.inbox]) {
      const domains = urls.map((url) => new URL(url).hostname.split('.').slice(-2).join('.'))
      expect(new Set(domains).size).toBe(urls.length)
      expect(domains.length).toBeGreaterThanOrEqual(3)
      expect(domains.filter((domain) => ['nos.lol', 'nostr.mom'].includes(domain))).toHaveLength(1)
    }
  })

  test('that are none are refused', async () => {
    await expect(roles([], ['https://a.example'])).rejects.toMatchObject({ code: 'BAD_RELAY', exit: 2 })
  })

  test('that were shut down are left out aloud, and refused where they are typed', async () => {
    const { roles: left, said } = await roles(['wss://relay.damus.io', 'wss://a.example'])
    expect(left.inbox).toEqual(['wss://a.example'])
    expect(said).toEqual([expect.stringMatching(/relay\.damus\.io in relays\.inbox was shut down/)])
    await expect(roles([], ['wss://relay.damus.io'])).rejects.toMatchObject({ code: 'BAD_RELAY' })
    await expect(roles([], [], { P2P_RELAYS: 'wss://relay.nostr.band' })).rejects.toMatchObject({ code: 'BAD_RELAY' })
  })

  test('are the presets where nothing else is left, so that the setting can be mended', async () => {
    const { roles: left } = await roles(['wss://relay.damus.io'])
    expect(left.inbox).toEqual(readConfig(newHome()).relays.inbox)
  })
})
