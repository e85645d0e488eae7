// Relays that do not do what they should, met by the whole program: a call goes through them, in time, and what cannot is said.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { agentEnv, withTemporaryFolder } from '../../scripts/processes.ts'
import type { RelayFaults } from '../../scripts/relay/faults.ts'
import { type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { startRun } from '../support/runs.ts'
import { messagesOf, startCall, stringField, withPair } from '../support/two-programs.ts'

const CONCURRENT = 'ERROR: too many concurrent REQs'

/** A call at a relay of that kind, and the longest that a command of it took, in ms. */
async function callAt(options: RelayOptions): Promise<number> {
  return await withPair(options, async (pair) => {
    const { ada, ben } = pair
    const call = await startCall(pair)
    let longest = 0
    for (const args of [['send', 'hello'], ['status']]) longest = Math.max(longest, (await ada.run(args)).ms)
    longest = Math.max(longest, (await ben.run(['inbox'])).ms)
    expect(await messagesOf(ben, call)).toEqual(['hello'])
    return longest
  })
}

describe('a call goes through', () => {
  test.each<[string, RelayOptions]>([
    ['that takes AUTH and never says so', { auth: 'dm', faults: { noAuthOk: true } }],
    ['that is open and says so', { auth: 'none', faults: { greeting: 'This relay does not require AUTH' } }],
    ['whose address ends in a slash', { auth: 'dm', path: '/nostr/' }],
    ['that closes a question for more than it gives', { auth: 'dm', limit: 100, faults: { closesLimit: '' } }],
    ['that ends before it begins', { auth: 'dm', faults: { eoseFirst: true } }],
    ['that answers one question at a time', { auth: 'dm', faults: { fewer: { most: 1 } } }],
    ['that does so and grumbles', { auth: 'dm', faults: { fewer: { most: 1, words: CONCURRENT, notice: true } } }],
  ])('a relay %s', async (_, options) => {
    expect(await callAt(options)).toBeLessThan(3_000)
  })

  test.each(['', '/'])('a relay that compares its address letter for letter, with "%s" at its end', async (end) => {
    await withPair({ auth: 'dm' }, async (pair) => {
      pair.relay.policy.exactUrl = `${pair.relay.url}${end}`
      await startCall(pair)
      expect((await pair.ada.run(['send', 'hello'])).code).toBe(0)
      expect(JSON.stringify((await pair.ben.json(['inbox'])).new)).toContain('hello')
    })
  })
})

test('a relay that the peer alone has named learns no identity of ours, also where it wants AUTH for a write', async () => {
  const [shared, theirs] = [await startRelay({ auth: 'none' }), await startRelay({ auth: 'all' })]
  try {
    await withTemporaryFolder(async (folder) => {
      const [ada, ben] = [agentAt(folder, 'ada', [shared.url]), agentAt(folder, 'ben', [shared.url, theirs.url])]
      const pubkeyOf = async (who: typeof ada) => stringField((await who('whoami')).agent, 'pubkey')
      const [ours, their] = [await pubkeyOf(ada), await pubkeyOf(ben)]
      await ada('config', 'set', 'relays.allowPrivate', 'true')
      await ben('announce')
      const wraps = () => theirs.events().filter(({ kind }) => kind === 1059).length
      const before = wraps()
      await ada('call', their, 'hello')
      expect(wraps()).toBe(before + 1)
      const signers = theirs.seen.flatMap(({ frame }) => (frame[0] === 'AUTH' ? [Object(frame[1]).pubkey] : []))
      expect(signers).toContain(their)
      expect(signers).not.toContain(ours)
      // Somebody has authenticated for the call.
      expect(new Set(signers).size).toBe(2)
    })
  } finally {
    await Promise.all([shared.close(), theirs.close()])
  }
})

describe('a relay that closes with 1009 on frames above 16 kB', () => {
  test('does not take a file, which is said, and takes every text after it', async () => {
    await withPair({ auth: 'dm', faults: { maxFrame: 16_384 } }, async (pair) => {
      const { ada, ben, folder } = pair
      const call = await startCall(pair)
      writeFileSync(`${folder}/picture.bin`, randomBytes(50_000))
      const sent = await ada.run(['sendfile', `${folder}/picture.bin`])
      expect(sent.code).toBe(3)
      expect(sent.stderr + sent.stdout).toMatch(/too large for this relay/)
      for (const text of ['one', 'two']) {
        const ran = await ada.run(['send', text])
        expect(ran).toMatchObject({ code: 0 })
        expect(ran.ms).toBeLessThan(3_000)
      }
      await ben.json(['inbox'])
      expect(await messagesOf(ben, call)).toEqual(['one', 'two'])
    })
  })

  test('keeps no message from another peer, or from another relay', async () => {
    const [strict, other] = [await startRelay({ faults: { maxFrame: 16_384 } }), await startRelay()]
    try {
      await withTemporaryFolder(async (folder) => {
        const urls = [strict.url, other.url]
        const [ada, ben] = [agentAt(folder, 'ada', urls), agentAt(folder, 'ben', urls)]
        const their = stringField((await ben('whoami')).agent, 'pubkey')
        await ada('call', their, 'hello')
        await ben('answer', 'accept')
        await ada('inbox')
        writeFileSync(`${folder}/picture.bin`, randomBytes(50_000))
        await ada('sendfile', `${folder}/picture.bin`)
        const { new: news } = await ben('inbox')
        expect(JSON.stringify(news)).toContain('picture.bin')
      })
    } finally {
      await Promise.all([strict.close(), other.close()])
    }
  })
})

describe('a relay that answers one question at a time', () => {
  test.each([false, true])('is not asked for more by the next command (in a NOTICE: %s)', async (notice) => {
    await withPair({ auth: 'dm', faults: { fewer: { most: 1, words: CONCURRENT, notice } } }, async (pair) => {
      const { ada, relay } = pair
      await startCall(pair)
      await ada.json(['list'])
      const before = relay.seen.length
      for (const args of [['list'], ['status'], ['list', '--search', 'ben']]) {
        const ran = await ada.run(args)
        expect(ran).toMatchObject({ code: 0 })
        expect(ran.ms).toBeLessThan(3_000)
      }
      const open = new Set<string>()
      for (const { connection, frame } of relay.seen.slice(before)) {
        if (frame[0] === 'REQ') open.add(`${connection} ${frame[1]}`)
        if (frame[0] === 'CLOSE') open.delete(`${connection} ${frame[1]}`)
        expect([...open].filter((one) => one.startsWith(`${connection} `)).length).toBeLessThanOrEqual(1)
      }
    })
  })

  test('brings a command that waits what comes later', async () => {
    await withPair({ auth: 'dm', faults: { fewer: { most: 1 } } }, async (pair) => {
      const { ada, ben } = pair
      const call = await startCall(pair)
      const waiting = ben.start(['wait', '--timeout', '30', '--json'])
      await new Promise((resolve) => setTimeout(resolve, 500))
      await ada.json(['send', 'are you there?'])
      const { code, stdout } = await waiting.ended
      expect(code).toBe(0)
      expect(stdout).toContain('are you there?')
      expect(await messagesOf(ben, call)).toEqual(['are you there?'])
    })
  })
})

test('`doctor` asks what commands ask, as many at once, and keeps to what they have found out', async () => {
  await withPair({ auth: 'dm', subscriptions: 3, limit: 100, faults: { closesLimit: '' } }, async ({ ada, relay }) => {
    const questions = async (...commands: string[][]) => {
      const before = relay.seen.length
      for (const args of commands) expect((await ada.run(args)).code).toBe(0)
      return relay.seen.slice(before).flatMap(({ frame }) => (frame[0] === 'REQ' ? [Object(frame[2])] : []))
    }
    const kinds = (asked: { kinds: number[] }[]) => [...new Set(asked.map((one) => one.kinds.join()))]
    const shape = (one: object) => Object.keys(one).sort().join()
    const asked = await questions(['announce'], ['status'], ['list'])
    const examined = await questions(['doctor'])
    expect(kinds(examined)).toEqual(expect.arrayContaining(kinds(asked)))
    for (const kind of ['1059', '30315']) {
      const of = (all: { kinds: number[] }[]) => all.filter((one) => one.kinds.join() === kind).map(shape)
      expect(of(examined)).toEqual(expect.arrayContaining([of(asked)[0]]))
    }
    // The commands have found that it gives a hundred at a time; whoever asks for more is refused.
    expect(Math.max(...examined.map(({ limit = 0 }) => limit))).toBe(100)
  })
})

describe('a relay whose limits refuse us', () => {
  test.each<[string, Partial<RelayFaults>]>([
    ['429 and half a minute', { tooMany: { 'Retry-After': '30' } }],
    ['429', { tooMany: {} }],
    ['closing at once', { hangsUp: true }],
  ])('is left alone by the next commands, and costs them nothing (%s)', async (_, faults) => {
    const [busy, good] = [await startRelay({ auth: 'none', faults }), await startRelay({ auth: 'none' })]
    try {
      await withTemporaryFolder(async (folder) => {
        const ada = agentAt(folder, 'ada', [busy.url, good.url])
        await ada('status')
        const before = busy.connectionsSoFar()
        Object.assign(busy.faults, { tooMany: undefined, hangsUp: false })
        for (const command of ['status', 'inbox', 'announce']) {
          const { relays = [] } = await ada(command)
          if (command === 'status') expect(JSON.stringify(relays)).toMatch(/left alone for \d+ s more: /)
        }
        expect(busy.connectionsSoFar()).toBe(before)
        const { checks } = await ada('doctor')
        expect(JSON.stringify(checks)).toMatch(/it limits how often we connect, last at .*goes there once in 6 minutes/)
      })
    } finally {
      await Promise.all([busy.close(), good.close()])
    }
  })

  test('in what we publish (khatru) loses nothing, is told, and costs nothing beside another', async () => {
    const eventLimit = { seconds: 90, burst: 6 }
    const time = { ms: 0 }
    const now = () => Math.floor((Date.now() + time.ms) / 1000)
    const [limited, good] = [await startRelay({ now, faults: { eventLimit } }), await startRelay({ now })]
    try {
      await withTemporaryFolder(async (folder) => {
        const start = (name: string, relays: readonly string[], ...args: string[]) =>
          startRun([...args, '--timeout', '2', '--json'], {
            env: agentEnv(`${folder}/${name}`, relays),
            clock: time.ms,
          })
        const both = [limited.url, good.url]
        const npub = stringField(JSON.parse((await start('ben', both, 'whoami').ended).stdout).agent, 'npub')
        await start('ada', both, 'call', npub, 'hello').ended
        await start('ben', both, 'answer', 'accept').ended
        await start('ada', both, 'inbox').ended
        const texts = Array.from({ length: 12 }, (_, n) => `message ${n}`)
        const said = []
        const began = Date.now()
        for (const text of texts) said.push(await start('ada', both, 'send', text).ended)
        expect(said.map(({ code }) => code)).toEqual(texts.map(() => 0))
        expect(said.filter(({ stdout }) => /left alone for \d+ s more: rate-limited: slow/.test(stdout))).not.toEqual(
          [],
        )
        // What the other relay has is no reason to ask this one again before its rest is over.
        const refused = said.filter(({ stdout }) => stdout.includes('"reason":"rate-limited: slow'))
        expect(refused.length).toBeLessThanOrEqual(1 + Math.floor((Date.now() - began) / 5_000))

        const heard = async () => JSON.parse((await start('ben', both, 'inbox').ended).stdout).new
        const textsIn = (news: { text: string }[]) => news.map(({ text }) => text)
        expect(textsIn(await heard())).toEqual(texts)
        await start('ada', both, 'inbox').ended

        // Where it is the only one, what it refuses is kept, and goes out when it has room.
        const alone = await start('ada', [limited.url], 'send', 'the last word').ended
        expect([alone.code, alone.stdout]).toEqual([3, expect.stringMatching(/it is kept and goes out/)])
        time.ms += 30 * 60_000
        await start('ada', [limited.url], 'status').ended
        expect(textsIn(await heard())).toEqual(['the last word'])
      })
    } finally {
      await Promise.all([limited.close(), good.close()])
    }
  })

  test('and is our only one is tried again by the next command, unless it has named the time', async () => {
    await withPair({ auth: 'none', faults: { hangsUp: true } }, async ({ ada, relay }) => {
      expect((await ada.run(['status'])).code).toBe(3)
      relay.faults.hangsUp = false
      expect((await ada.run(['status'])).code).toBe(0)
      relay.faults.tooMany = { 'Retry-After': '30' }
      expect((await ada.run(['status'])).code).toBe(3)
      relay.faults.tooMany = undefined
      const again = await ada.run(['status'])
      expect(again.code).toBe(3)
      expect(again.stderr + again.stdout).toMatch(/left alone for \d+ s more/)
      expect(again.ms).toBeLessThan(2_000)
    })
  })
})

function agentAt(folder: string, name: string, relays: readonly string[]) {
  const env = agentEnv(`${folder}/${name}`, relays)
  return async (...args: string[]): Promise<Record<string, unknown>> => {
    const ran = await startRun([...args, '--json'], { env }).ended
    if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
    return JSON.parse(ran.stdout)
  }
}
