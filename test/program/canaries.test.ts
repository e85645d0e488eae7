// Relays that say OK and keep nothing, and states that went back, found out by what our own relays give back of canaries.
import { cpSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { agentEnv, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'
import { npubEncode } from '../../src/nostr/nip19.ts'
import { must } from '../support/must.ts'
import { startRun } from '../support/runs.ts'
import { giftWrapOf, letterRumor, publishAll, strangerKeys, unixNow } from '../support/strangers.ts'
import { stringField, withPair } from '../support/two-programs.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

test('a relay that keeps no letters is found out within two hours, said, and left out of our list', async () => {
  const time = { ms: 0 }
  const now = () => Math.floor((Date.now() + time.ms) / 1000)
  const relays = await Promise.all([0, 0, 0].map(() => startRelay({ now })))
  const [good, , leaky] = [must(relays[0]), relays[1], must(relays[2])]
  leaky.faults.dropEvents = ({ kind }) => kind === 1059
  try {
    await withTemporaryFolder(async (folder) => {
      const urls = relays.map(({ url }) => url)
      const run = async (clock: number, ...args: string[]) => {
        time.ms = clock
        return await startRun(args, { env: agentEnv(folder, urls), clock }).ended
      }
      const json = async (clock: number, ...args: string[]) => JSON.parse((await run(clock, ...args, '--json')).stdout)
      for (const clock of [1, MINUTE, 61 * MINUTE, 62 * MINUTE]) await run(clock, 'announce')
      const wraps = good.seen.flatMap(({ frame }) => (Object(frame[1]).kind === 1059 ? [Object(frame[1])] : []))
      // Beside what a run does anyway, over the connection that it has.
      expect(good.connectionsSoFar()).toBe(4)
      // At most hourly, and gone after a day.
      expect(wraps).toHaveLength(2)
      const expiration = Number(Object.fromEntries(wraps[0].tags).expiration)
      expect(expiration - Date.now() / 1000).toBeLessThan(24 * 3600 + 60)

      // On a busy machine a canary may find no time to be taken or read back, which proves nothing: the next hour's does.
      let hour = HOUR
      const isTold = ({ relays: told }: { relays: object[] }) => told.some((one) => 'leaky' in one)
      let status = await json(hour + 3 * MINUTE, 'status')
      for (; !isTold(status) && hour < 5 * HOUR; status = await json(hour + 3 * MINUTE, 'status')) {
        hour += HOUR
        for (const minutes of [1, 2]) await run(hour + minutes * MINUTE, 'announce')
      }
      expect(status).toMatchObject({ new: [], unread: 0, dropped: {} })
      expect(status.relays.filter((one: object) => 'leaky' in one)).toMatchObject([{ url: leaky.url, ok: true }])
      const { stdout } = await run(hour + 4 * MINUTE, 'status')
      expect(stdout).toMatch(
        new RegExp(`^relay ${leaky.url} has said OK to messages for \\d+ h and given none back: `, 'm'),
      )
      await run(hour + 5 * MINUTE, 'announce')
      const list = good.events().find(({ kind }) => kind === 10050)
      expect(list?.tags.map(([, url]) => url).sort()).toEqual(urls.filter((url) => url !== leaky.url).sort())
      const { checks } = await json(hour + 5 * MINUTE, 'doctor')
      expect(checks).toContainEqual(expect.objectContaining({ name: `${leaky.url} canary`, warning: true }))

      // It is tried again daily, and believed again once it gives something back.
      leaky.faults.dropEvents = 0
      for (const clock of [hour + 25 * HOUR, hour + 25 * HOUR + MINUTE]) await run(clock, 'announce')
      expect((await run(hour + 25 * HOUR + 2 * MINUTE, 'status', '--json')).stdout).not.toContain('leaky')
    })
  } finally {
    await Promise.all(relays.map((one) => one.close()))
  }
})

test('a copy that is older than what was written says so once, and takes no old order of the owner for a new one', async () => {
  await withPair({}, async ({ relay, ada }) => {
    const owner = strangerKeys('owner')
    await ada.json(['config', 'set', 'owner.npub', npubEncode(owner.pubkey)])
    await ada.json(['announce'])
    await ada.json(['announce'], MINUTE)
    const copy = `${ada.home}-copy`
    cpSync(ada.home, copy, { recursive: true })

    await ada.json(['announce'], 61 * MINUTE)
    const me = stringField((await ada.json(['whoami'])).agent, 'pubkey')
    const order = letterRumor(owner, me, 'Pay invoice 4711')
    // Wraps are dated within two days before: of the clock that it is read by, or one in fifty lies before what is asked for.
    await publishAll(relay.url, [giftWrapOf(order, owner, me, { now: unixNow() + (61 * MINUTE) / 1000 })])
    expect((await ada.json(['inbox'], 62 * MINUTE)).new).toMatchObject([{ type: 'owner', text: 'Pay invoice 4711' }])

    rmSync(ada.home, { recursive: true })
    cpSync(copy, ada.home, { recursive: true })
    await ada.json(['announce'], 63 * MINUTE)
    const first = await ada.run(['inbox', '--json'], 64 * MINUTE)
    expect(JSON.parse(first.stdout)).toMatchObject({ new: [{ type: 'owner', repeat: true }] })
    expect(JSON.stringify(JSON.parse(first.stdout).notices ?? first.stderr)).toContain('this state is older')
    const again = await ada.run(['inbox'], 65 * MINUTE)
    expect(again.stdout + again.stderr).not.toContain('this state is older')
    const doctor = await ada.run(['doctor', '--json'], 65 * MINUTE)
    expect(doctor.stdout).toContain('this state is older')
  })
})
