// Relays that do not do what they should, met by the whole program: a call goes through them, in time, and what cannot is said.
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { messagesOf, startCall, stringField, withPair } from '../support/two-programs.ts'

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
      await ada('call', their, 'hello')
      expect(theirs.events().filter(({ kind }) => kind === 1059)).toHaveLength(1)
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

function agentAt(folder: string, name: string, relays: readonly string[]) {
  const env = agentEnv(`${folder}/${name}`, relays)
  return async (...args: string[]): Promise<Record<string, unknown>> => {
    const ran = await startProcess(process.execPath, [PROGRAM, ...args, '--json'], { cwd: folder, env }).ended
    if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
    return JSON.parse(ran.stdout)
  }
}
