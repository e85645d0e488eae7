// A clock that is wrong on either side: order and delivery hold, the user is told, and no relay can make it worse.
import { describe, expect, test } from 'vitest'
import { agentEnv, withTemporaryFolder } from '../../scripts/processes.ts'
import { type EmbeddedRelay, type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { startRun } from '../support/runs.ts'
import { messagesOf, startCall, stringField, withPair } from '../support/two-programs.ts'

const DAY = 86_400_000
const NINE_YEARS = 9 * 365 * 86_400

/** The relay's clock is right, whatever ours says. */
const RIGHT = { now: () => Math.floor(Date.now() / 1000) }

describe.each([
  ['one relay', 1],
  ['two relays', 2],
])('with %s', { timeout: 120_000 }, (_, count) => {
  test.each([
    ['ahead of', DAY, 0],
    ['behind', -DAY, 0],
    ['ahead of', DAY, -DAY],
  ])('one clock is a day %s the relays (%i ms), the other %i ms', async (word, wrong, other) => {
    await withPair({ ...RIGHT, count }, async (pair) => {
      const { ada, ben } = pair
      const call = await startCall(pair)
      for (let i = 0; i < 2; i++) {
        await ada.json(['send', `ada ${i}`], wrong)
        await ben.json(['inbox'], other)
        await ben.json(['send', `ben ${i}`], other)
        await ada.json(['inbox'], wrong)
      }
      const ours = await messagesOf(ada, call, wrong)
      expect(ours).toEqual(['ada 0', 'ben 0', 'ada 1', 'ben 1'])
      expect(await messagesOf(ben, call, other)).toEqual(ours)
      const status = await ada.run(['status'], wrong)
      expect(status.stdout).toMatch(new RegExp(`your clock looks wrong: it is 24 hours ${word} the relays`))
    })
  })

  test('an announcement and a call reach each other though the clocks are two days apart', async () => {
    await withPair({ ...RIGHT, count }, async ({ ada, ben }) => {
      await ben.json(['config', 'set', 'name', 'ben'])
      await ben.json(['announce'], DAY)
      await ada.json(['call', 'ben', 'hello'], -DAY)
      expect((await ben.run(['status'], DAY)).stdout).toContain('incoming call')
      await ben.json(['answer', 'accept'], DAY)
      expect((await ada.run(['status'], -DAY)).stdout).toContain('active, outgoing')
    })
  })

  test('a call is answered though its caller is a day behind, or its callee a day ahead', async () => {
    await withPair({ ...RIGHT, count }, async ({ ada, ben }) => {
      const { agent } = await ben.json(['whoami'])
      await ada.json(['call', stringField(agent, 'npub'), 'hello'], -DAY)
      await ben.json(['answer', 'accept'])
      await ada.json(['end'], -DAY)
      await ada.json(['call', stringField(agent, 'npub'), 'hello again'])
      await ben.json(['answer', 'accept'], DAY)
    })
  })
})

describe.each([-7_200_000, 7_200_000])(
  'where no relay tells its time and the clock of the caller is off by %i ms',
  (wrong) => {
    test('its call rings, on both sides, and is answered', async () => {
      await withPair({ ...RIGHT, tellsTime: false, auth: 'none', future: 86_400, count: 2 }, async ({ ada, ben }) => {
        const { agent } = await ben.json(['whoami'])
        await ben.json(['status'])
        await ada.json(['call', stringField(agent, 'npub'), 'hello'], wrong)
        expect((await ben.run(['status'])).stdout).toContain('incoming call')
        expect((await ada.run(['status'], wrong)).stdout).not.toContain('missed')
        await ben.json(['answer', 'accept'])
        // A wrap is dated at random within two days: one in 27 lies before what a caller asks for whose clock is two hours ahead, and a
        // second one goes out after 20 seconds.
        let seen = (await ada.run(['status'], wrong)).stdout
        for (let later = 30_000; later < 120_000 && !seen.includes('active, outgoing'); later += 30_000) {
          await ben.json(['status'], later)
          seen = (await ada.run(['status'], wrong + later)).stdout
        }
        expect(seen).toContain('active, outgoing')
        expect((await ada.run(['status'], wrong)).stdout).not.toContain('your clock looks wrong')
      })
    })
  },
)

describe('a relay that answers with a date nine years ahead', () => {
  test.each<[string, number]>([
    ['that only a peer has named', 1],
    ['of two that are ours', 2],
  ])('%s: nothing published is dated ahead, no ringing call is missed', async (_, ours) => {
    const liar: RelayOptions = { clockOffset: NINE_YEARS }
    const relays = [await startRelay(), await startRelay(liar)]
    try {
      await withTemporaryFolder(async (folder) => {
        const urls = relays.map(({ url }) => url)
        const ada = agentAt(`${folder}/ada`, urls.slice(0, ours))
        const ben = agentAt(`${folder}/ben`, urls)
        await ada('config', 'set', 'relays.allowPrivate', 'true')
        await ben('announce')
        const { agent } = await ben('whoami')
        await ada('call', stringField(agent, 'npub'), 'hello')
        await ada('announce')
        await ada('status')
        expect(JSON.stringify((await ada('status')).calls)).toMatch(/"state":"(dialing|ringing)"/)
        const { calls } = await ben('status')
        expect(JSON.stringify(calls)).toContain('"state":"ringing"')
        await ben('answer', 'accept')
        await ada('send', 'still here')
        for (const { created_at } of events(relays)) expect(created_at).toBeLessThan(Date.now() / 1000 + 60)
      })
    } finally {
      await Promise.all(relays.map((relay) => relay.close()))
    }
  })
})

function events(relays: readonly EmbeddedRelay[]) {
  return relays.flatMap((relay) => relay.events())
}

function agentAt(home: string, relays: readonly string[]) {
  return async (...args: string[]): Promise<Record<string, unknown>> => {
    const env = agentEnv(home, relays)
    const ran = await startRun([...args, '--json'], { env }).ended
    if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
    return JSON.parse(ran.stdout)
  }
}
