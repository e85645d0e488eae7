// How a mailbox is read from relays that are slow, capped or odd, and with little time: what has arrived is shown in the run in which it
// arrived.
import { describe, expect, test } from 'vitest'
import { ben, call, dated, junk, mail, once, withReader } from '../support/junk.ts'
import type { MailboxRun } from '../support/mailbox-reader.ts'
import { giftWrapOf, letterRumor, publishAll, strangerKeys, unixNow } from '../support/strangers.ts'

test('hundreds of letters and little time: what was opened is shown, and what was not is said and shown by the next', async () => {
  await withReader([{}], async (reader) => {
    const texts = Array.from({ length: 300 }, (_, n) => `letter ${n}`)
    await publishAll(String(reader.relays[0]?.url), texts.map(mail))
    // So little that it is not enough for all; where this machine is too busy even to connect in it, more.
    let first = await reader.run('inbox', '--all', '--timeout', '0.4')
    for (let seconds = 0.8; first.code === 3 && seconds < 8; seconds *= 2)
      first = await reader.run('inbox', '--all', '--timeout', `${seconds}`)
    expect(first.code).toBe(0)
    const runs = [first]
    while (runs.length < 12 && runs.flatMap((run) => run.new).length < 300)
      runs.push(await reader.run('inbox', '--all', '--timeout', '8'))
    expect(new Set(runs.flatMap((run) => run.new))).toEqual(new Set(texts))
  })
})

describe('an odd relay', () => {
  test('that never sends EOSE: what waits is shown in the first run, and once', async () => {
    await withReader([{ faults: { noEose: true } }], async (reader) => {
      const [relay] = reader.relays
      const texts = Array.from({ length: 8 }, (_, n) => `letter ${n}`)
      await publishAll(String(relay?.url), texts.map(mail))
      const runs: MailboxRun[] = []
      for (let n = 0; n < 3; n++) {
        runs.push(await reader.run('inbox', '--timeout', '1.5'))
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
      if (slow !== undefined) slow.faults.bytesPerSecond = 100_000
      const runs: MailboxRun[] = []
      for (let n = 0; n < 4; n++) runs.push(await reader.run('inbox', '--timeout', '1.5'))
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
    const runs: MailboxRun[] = []
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
        expect(runs.flatMap((run) => run.notices).join()).toMatch(/more messages of one second/)
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
