// How a mailbox is read from relays that are full, slow, capped or odd: what is real in it is found, what has arrived is shown in
// the run in which it arrived, and nothing is fetched twice for want of time.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { EmbeddedRelay, RelayOptions } from '../../scripts/relay.ts'
import { type Event, rumorOf } from '../../src/nostr/event.ts'
import { type MailboxReader, type MailboxRun, withMailboxReader } from '../support/mailbox-reader.ts'
import { giftWrapOf, letterRumor, publishAll, requestRumor, strangerKeys, unixNow } from '../support/strangers.ts'

const [ben, carol, once] = [strangerKeys('ben'), strangerKeys('carol'), strangerKeys('a key for all envelopes')]

/** What a command may take beyond its network budget, in ms: the machine may be busy. */
const REST = 4_000

/** An envelope that nobody can open, of about so many bytes. */
function junk(n: number, bytes: number, stamp = unixNow()): Event {
  const content = `${'A'.repeat(bytes)}${n}`
  const bare = { kind: 1059, created_at: stamp, tags: [['p', ben.pubkey]], content }
  return { ...rumorOf(bare, once.pubkey), sig: '00'.repeat(64) }
}

/** The same wrap as if it had been dated otherwise: relays that trust do not look at the signature. */
function dated(wrap: Event, stamp: number): Event {
  const { kind, tags, content, pubkey } = wrap
  return { ...rumorOf({ kind, created_at: stamp, tags, content }, pubkey), sig: '00'.repeat(64) }
}

const call = (topic: string) => giftWrapOf(requestRumor(carol, ben.pubkey, topic), carol, ben.pubkey)
const mail = (text: string) => giftWrapOf(letterRumor(carol, ben.pubkey, text), carol, ben.pubkey)

type Run = MailboxRun
type Reader = MailboxReader & { memoryOf(relay: EmbeddedRelay): Record<string, unknown> }

async function withReader(
  relays: RelayOptions[],
  body: (reader: Reader) => Promise<void>,
  processes = false,
): Promise<void> {
  await withMailboxReader({ relays, processes }, { ben, carol }, async (reader) => {
    const state = `${reader.folder}/.openclaw/p2p/state.json`
    await body({ ...reader, memoryOf: ({ url }) => JSON.parse(readFileSync(state, 'utf8')).relays[url] })
  })
}

/** Runs `status` until it shows something; all that it showed, and each run. */
async function untilShown({ run }: Reader, most: number, ...args: string[]): Promise<Run[]> {
  const runs: Run[] = []
  while (runs.length < most && runs.every((one) => one.new.length === 0)) runs.push(await run('status', ...args))
  return runs
}

// What waits for slow lines goes side by side; what has to open hundreds, and has little time for it, by itself.
describe.concurrent('below junk', () => {
  test('more than one run can read, a call is found: each run goes on where the last one stopped', async () => {
    // No smaller: a page of less than 50, without a hint, is taken for the last.
    await withReader([{ limit: 60 }], async (reader) => {
      const [relay] = reader.relays
      if (relay === undefined) throw new Error('no relay')
      // Half a second for each MB: a run of 3 s does not read all of it.
      const wraps = Array.from({ length: 150 }, (_, n) => junk(n, 50_000, unixNow() - Math.floor(n / 6)))
      await publishAll(relay.url, [...wraps, dated(call('the call below'), unixNow() - 86_400)])
      relay.faults.bytesPerSecond = 2_000_000
      const runs = await untilShown(reader, 6, '--timeout', '3')
      expect(runs.at(-1)?.new).toEqual(['the call below'])
      expect(runs.length).toBeGreaterThan(1)
      for (const { code, ms } of runs) {
        expect(code).toBe(0)
        expect(ms).toBeLessThan(3_000 + REST)
      }
      // What had been read is not sent once more, but for what was on its way when the time of a run was up.
      expect(runs.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThan(wraps.length + 80 * runs.length)
    })
  })

  test('what comes in above meanwhile is heard in the next run, and the cursor waits for the first', async () => {
    await withReader([{ limit: 100 }], async (reader) => {
      const [relay] = reader.relays
      if (relay === undefined) throw new Error('no relay')
      const wraps = Array.from({ length: 160 }, (_, n) => junk(n, 50_000, unixNow() - 60 - Math.floor(n / 6)))
      await publishAll(relay.url, [...wraps, dated(call('the call below'), unixNow() - 86_400)])
      relay.faults.bytesPerSecond = 1_500_000
      const began = unixNow()
      expect((await reader.run('status', '--timeout', '3')).new).toEqual([])
      expect(reader.memoryOf(relay)).not.toHaveProperty('cursor')
      relay.faults.bytesPerSecond = Number.POSITIVE_INFINITY
      await publishAll(relay.url, [dated(mail('above'), unixNow())])
      const { new: news } = await reader.run('status', '--timeout', '3')
      expect(news.sort()).toEqual(['above', 'the call below'])
      const { cursor, sweep } = reader.memoryOf(relay)
      expect(sweep).toBeUndefined()
      expect(Math.abs(Number(cursor) - began)).toBeLessThan(2)
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
      const [relay] = reader.relays
      if (relay === undefined) throw new Error('no relay')
      const wraps = Array.from({ length: 60 }, (_, n) => junk(n, 50_000, unixNow() - Math.floor(n / 6)))
      await publishAll(relay.url, [...wraps, dated(call('the call below'), unixNow() - 5 * 86_400)])
      relay.faults.bytesPerSecond = 1_000_000
      const news: string[] = []
      for (let n = 0; n < 5 && news.length === 0; n++)
        news.push(...(await reader.run('inbox', '--deep', '--timeout', '2')).new)
      expect(news).toEqual(['the call below'])
    })
  })
})

test.concurrent('whoever waits reads on below junk', async () => {
  await withReader([{ limit: 40 }], async (reader) => {
    const [relay] = reader.relays
    if (relay === undefined) throw new Error('no relay')
    const wraps = Array.from({ length: 60 }, (_, n) => junk(n, 50_000, unixNow() - Math.floor(n / 6)))
    await publishAll(relay.url, [...wraps, dated(call('the call below'), unixNow() - 86_400)])
    relay.faults.bytesPerSecond = 1_000_000
    const waited = await reader.run('wait', '40', '--timeout', '2')
    expect(waited).toMatchObject({ code: 0, new: ['the call below'] })
  })
})

test('hundreds of letters and little time: what was opened is shown, and what was not is said and shown by the next', async () => {
  await withReader([{}], async (reader) => {
    const texts = Array.from({ length: 300 }, (_, n) => `letter ${n}`)
    await publishAll(String(reader.relays[0]?.url), texts.map(mail))
    const shown: string[] = []
    const runs: Run[] = []
    for (let n = 0; n < 12 && shown.length < 300; n++) {
      const run = await reader.run('inbox', '--all', '--timeout', n === 0 ? '0.4' : '8')
      runs.push(run)
      shown.push(...run.new)
    }
    expect(runs[0]?.code).toBe(0)
    expect(new Set(runs.flatMap((run) => run.new))).toEqual(new Set(texts))
  })
})

describe.concurrent('an odd relay', () => {
  test('that never sends EOSE: what waits is shown in the first run, and once', async () => {
    await withReader([{ faults: { noEose: true } }], async (reader) => {
      const [relay] = reader.relays
      const texts = Array.from({ length: 8 }, (_, n) => `letter ${n}`)
      await publishAll(String(relay?.url), texts.map(mail))
      const runs: Run[] = []
      for (let n = 0; n < 3; n++) {
        runs.push(await reader.run('inbox', '--timeout', '2'))
        // Wherever its stamp lies among those that are known.
        await publishAll(String(relay?.url), [mail(`later ${n}`)])
      }
      expect(runs.map((run) => run.code)).toEqual([0, 0, 0])
      expect(runs.map((run) => run.new.sort())).toEqual([texts, ['later 0'], ['later 1']])
      expect(relay && reader.memoryOf(relay)).not.toHaveProperty('cursor')
    })
  })

  test('that says EOSE before it sends what it has is not read as empty', async () => {
    await withReader([{ faults: { eoseFirst: true } }], async (reader) => {
      const [relay] = reader.relays
      await publishAll(String(relay?.url), [mail('one'), mail('two')])
      const run = await reader.run('inbox')
      expect(run.new.sort()).toEqual(['one', 'two'])
      expect(run.ms).toBeLessThan(3_000)
      expect(relay && reader.memoryOf(relay)).not.toHaveProperty('cursor')
    })
  })

  test.each(['invalid: limit too large, at most 100', 'error: no', ''])(
    'that closes a REQ with more than its limit is asked for less (%j)',
    async (closesLimit) => {
      await withReader([{ limit: 100, faults: { closesLimit } }], async (reader) => {
        const [relay] = reader.relays
        await publishAll(String(relay?.url), [
          ...Array.from({ length: 150 }, (_, n) => junk(n, 100, unixNow() - n)),
          mail('hello'),
        ])
        expect(await reader.run('inbox')).toMatchObject({ code: 0, new: ['hello'] })
        const asked = () =>
          relay?.seen.flatMap(({ frame }) => (frame[0] === 'REQ' ? (Object(frame[2]).limit ?? []) : []))
        expect(asked()).toContain(500)
        const before = asked()?.length
        await reader.run('inbox')
        // It is kept with the relay, and kept to.
        expect(asked()?.slice(before)).not.toContain(500)
      })
    },
  )

  test('over a slow line shows what has arrived in each run, and fetches none of it again', async () => {
    await withReader([{}], async (reader) => {
      const texts = Array.from({ length: 30 }, (_, n) => `letter ${n} ${'x'.repeat(1_500)}`)
      const slow = reader.relays[0]
      await publishAll(String(slow?.url), texts.map(mail))
      if (slow !== undefined) slow.faults.bytesPerSecond = 75_000
      const runs: Run[] = []
      for (let n = 0; n < 4; n++) runs.push(await reader.run('inbox', '--timeout', '2'))
      const shown = runs.flatMap((run) => run.new.map((text) => text.slice(0, 10)))
      expect(new Set(shown).size).toBe(30)
      expect(shown).toHaveLength(30)
      expect(runs[0]?.new.length).toBeGreaterThan(5)
    })
  })
})

// "A command that has 1,000 to open prints what matters first when its budget is near."
test('a thousand to open and little time: what matters of it stands first, whatever it came with', async () => {
  await withReader([{}], async (reader) => {
    const strangers = Array.from({ length: 20 }, (_, n) => strangerKeys(`stranger ${n}`))
    const flood = Array.from({ length: 980 }, (_, n) => {
      const keys = strangers[n % 20] ?? once
      return giftWrapOf(letterRumor(keys, ben.pubkey, `spam ${n}`), keys, ben.pubkey)
    })
    const wanted = [...Array.from({ length: 19 }, (_, n) => mail(`letter ${n}`)), call('the call among them')]
    await publishAll(String(reader.relays[0]?.url), [...flood, ...wanted])
    const runs: Run[] = []
    for (let n = 0; n < 8 && runs.flatMap((run) => run.new).filter(isWanted).length < 20; n++)
      runs.push(await reader.run('inbox', '--timeout', n === 0 ? '0.6' : '4'))
    for (const { code, new: shown } of runs) {
      expect(code).toBe(0)
      expect(shown.findIndex(isWanted)).toBeLessThan(1)
      expect(shown.slice(shown.filter(isWanted).length).filter(isWanted)).toEqual([])
    }
    expect(runs.flatMap((run) => run.new).filter(isWanted)).toHaveLength(20)
  })
})

function isWanted(text: string): boolean {
  return !text.startsWith('spam')
}

describe('a page that one second fills', () => {
  const second = unixNow() - 100
  const ties = Array.from({ length: 600 }, (_, n) => junk(n, 200, second))

  test.each(['none', 'refused'] as const)(
    'fails no command, is told, and what lies below it is read (NIP-77: %s)',
    async (negentropy) => {
      await withReader([{ negentropy }], async (reader) => {
        await publishAll(String(reader.relays[0]?.url), [...ties, dated(call('the call below'), unixNow() - 86_400)])
        const runs = [await reader.run('status'), await reader.run('status'), await reader.run('inbox')]
        expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
        expect(runs.flatMap((run) => run.new)).toEqual(['the call below'])
        expect(runs.flatMap((run) => run.notices).join()).toMatch(/more letters of one second/)
      })
    },
  )

  test('is read whole by NIP-77', async () => {
    await withReader([{ negentropy: 'nip77' }], async (reader) => {
      const hidden = dated(mail('hidden among them'), second)
      // A relay gives the lowest ids first.
      const lower = ties.filter(({ id }) => id < hidden.id)
      const more = Array.from({ length: 6_000 }, (_, n) => junk(1_000 + n, 10, second)).filter(
        ({ id }) => id < hidden.id,
      )
      await publishAll(String(reader.relays[0]?.url), [...[...lower, ...more].slice(0, 560), hidden])
      const run = await reader.run('status')
      expect(run).toMatchObject({ code: 0, new: ['hidden among them'], notices: [] })
    })
  })

  test('is read whole from a relay that gives more to who asks for more', async () => {
    await withReader([{ limit: 5_000 }], async (reader) => {
      await publishAll(String(reader.relays[0]?.url), [...ties, dated(mail('below'), second - 10)])
      const run = await reader.run('status')
      expect(run).toMatchObject({ code: 0, new: ['below'], notices: [] })
    })
  })
})
