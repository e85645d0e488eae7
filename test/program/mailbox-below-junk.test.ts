// What is real in a mailbox and lies below more junk than a command has time or memory for: it is found, run by run, and nothing is
// fetched twice for want of time.
import { expect, test } from 'vitest'
import { call, dated, type JunkReader, junk, mail, withReader } from '../support/junk.ts'
import type { MailboxRun } from '../support/mailbox-reader.ts'
import { publishAll, unixNow } from '../support/strangers.ts'

/** What a command may take beyond its network budget, in ms: the machine may be busy. */
const REST = 4_000

/** Runs `status` until it shows something; all that it showed, and each run. */
async function untilShown({ run }: JunkReader, most: number, ...args: string[]): Promise<MailboxRun[]> {
  const runs: MailboxRun[] = []
  while (runs.length < most && runs.every((one) => one.new.length === 0)) runs.push(await run('status', ...args))
  return runs
}

/** The reader's one relay, with so many wraps of junk in it and a call below. `age` of the junk and of the call, in seconds. */
async function relayWithJunk({ relays }: JunkReader, count: number, age = { junk: 0, call: 86_400 }) {
  const [relay] = relays
  if (relay === undefined) throw new Error('no relay')
  const wraps = Array.from({ length: count }, (_, n) => junk(n, 50_000, unixNow() - age.junk - Math.floor(n / 6)))
  await publishAll(relay.url, [...wraps, dated(call('the call below'), unixNow() - age.call)])
  return relay
}

test('more than one run can read, a call is found: each run goes on where the last one stopped', async () => {
  // No smaller: a page of less than 50, without a hint, is taken for the last.
  await withReader([{ limit: 60 }], async (reader) => {
    const relay = await relayWithJunk(reader, 150)
    // Half a second for each MB: a run of 3 s does not read all of it.
    relay.faults.bytesPerSecond = 2_000_000
    const runs = await untilShown(reader, 6, '--timeout', '3')
    expect(runs.at(-1)?.new).toEqual(['the call below'])
    expect(runs.length).toBeGreaterThan(1)
    for (const { code, ms } of runs) {
      expect(code).toBe(0)
      expect(ms).toBeLessThan(3_000 + REST)
    }
    // What had been read is not sent once more, but for what was on its way when the time of a run was up.
    expect(runs.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThan(150 + 80 * runs.length)
  })
})

test('what comes in above meanwhile is heard in the next run, and the cursor waits for the first', async () => {
  await withReader([{ limit: 100 }], async (reader) => {
    const relay = await relayWithJunk(reader, 160, { junk: 60, call: 86_400 })
    relay.faults.bytesPerSecond = 1_500_000
    const began = unixNow()
    expect((await reader.run('status', '--timeout', '3')).new).toEqual([])
    const ended = unixNow()
    expect(reader.memoryOf(relay)).not.toHaveProperty('cursor')
    relay.faults.bytesPerSecond = Number.POSITIVE_INFINITY
    await publishAll(relay.url, [dated(mail('above'), unixNow())])
    const { new: news } = await reader.run('status', '--timeout', '3')
    expect(news.sort()).toEqual(['above', 'the call below'])
    const { cursor, sweep } = reader.memoryOf(relay)
    expect(sweep).toBeUndefined()
    // Where the first of the two runs began, which lasted for 3 s; a second that had begun is not over.
    expect(Number(cursor)).toBeGreaterThan(began - 2)
    expect(Number(cursor)).toBeLessThan(ended)
  })
})

test('the bound on memory is one over all relays, and what one has brought is not taken again from another', async () => {
  await withReader(
    [{}, {}, {}],
    async (reader) => {
      const wraps = Array.from({ length: 400 }, (_, n) => junk(n, 64_000, unixNow() - (n % 50)))
      const real = dated(call('the call below'), unixNow() - 86_400)
      for (const relay of reader.relays) await publishAll(relay.url, [...wraps, real])
      const runs = await untilShown(reader, 6)
      expect(runs.at(-1)?.new).toEqual(['the call below'])
      for (const { memory } of runs) expect(memory).toBeLessThan(200)
    },
    true,
  )
})

test('a deep look goes on where the last one stopped too', async () => {
  await withReader([{ limit: 40 }], async (reader) => {
    const relay = await relayWithJunk(reader, 60, { junk: 0, call: 5 * 86_400 })
    relay.faults.bytesPerSecond = 1_000_000
    const news: string[] = []
    for (let n = 0; n < 5 && news.length === 0; n++)
      news.push(...(await reader.run('inbox', '--deep', '--timeout', '2')).new)
    expect(news).toEqual(['the call below'])
  })
})

test('whoever waits reads on below junk', async () => {
  await withReader([{ limit: 40 }], async (reader) => {
    const relay = await relayWithJunk(reader, 60)
    relay.faults.bytesPerSecond = 1_000_000
    const waited = await reader.run('wait', '40', '--timeout', '2')
    expect(waited).toMatchObject({ code: 0, new: ['the call below'] })
  })
})
