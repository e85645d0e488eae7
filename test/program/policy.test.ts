// Who may call, and what becomes of those who may not: the whole program, with strangers who do as they like.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { difficulty } from '../../src/nostr/nip13.ts'
import {
  giftWrapOf,
  letterRumor,
  presenceEvent,
  publishAll,
  requestRumor,
  signalRumor,
  strangerKeys,
} from '../support/strangers.ts'
import { type AgentProgram, messagesOf, startCall, stringField, withPair } from '../support/two-programs.ts'

async function npubOf(who: AgentProgram): Promise<string> {
  return stringField((await who.json(['whoami'])).agent, 'npub')
}

async function pubkeyOf(who: AgentProgram): Promise<string> {
  return stringField((await who.json(['whoami'])).agent, 'pubkey')
}

test('contacts have petnames and trust, which are ours', async () => {
  await withPair({}, async ({ ada, ben }) => {
    const npub = await npubOf(ben)
    const list = async () => Object((await ada.json(['contacts'])).contacts)
    const edit = async (...args: string[]) => Object((await ada.json(['contacts', ...args])).contacts)
    expect(await list()).toEqual([])
    expect(await edit('add', npub, 'Ben')).toMatchObject([{ npub, name: 'Ben', trust: 'known' }])
    expect(await edit('trust', 'ben')).toMatchObject([{ npub, name: 'Ben', trust: 'trusted' }])
    expect(await edit('add', npub, 'Benjamin')).toMatchObject([{ name: 'Benjamin', trust: 'trusted' }])
    expect(await edit('block', 'Benjamin')).toMatchObject([{ name: 'Benjamin', trust: 'blocked' }])
    expect(await edit('unblock', 'Benjamin')).toMatchObject([{ name: 'Benjamin', trust: 'known' }])
    const config = readFileSync(`${ada.home}/.openclaw/p2p/config.json`, 'utf8')
    for (const petname of ['x'.repeat(65), 'two\nlines', 'bell\u0007', '\u202egnp', ' ']) {
      const refused = await ada.run(['contacts', 'add', npub, petname, '--json'])
      if (petname.trim() === '') expect(refused.code).toBe(0)
      else expect([petname, refused.code, JSON.parse(refused.stdout).error.code]).toEqual([petname, 2, 'USAGE'])
    }
    expect(readFileSync(`${ada.home}/.openclaw/p2p/config.json`, 'utf8')).toBe(config)
    expect((await ada.run(['contacts'])).stdout).toMatch(/^Benjamin \(known, npub1\S+\) npub1\w+\n$/)
    expect(await edit('remove', 'benjamin')).toEqual([])
    expect((await ada.json(['contacts', 'remove', 'nobody'], 0, 6)).error).toMatchObject({ code: 'NO_SUCH_AGENT' })
  })
})

test('whom the policy does not let in hears so once a day, or nothing', async () => {
  await withPair({}, async ({ ada, ben }) => {
    const npub = await npubOf(ben)
    await ben.json(['config', 'set', 'policy.calls', 'contacts'])
    const { call } = await ada.json(['call', npub, 'first'])
    expect(await ben.json(['inbox'])).toMatchObject({ new: [] })
    expect((await ada.run(['inbox', '--peek'])).stdout).toMatch(/rejected call \w+ \(policy: nobody was asked, /)
    const { new: news } = await ada.json(['inbox'])
    expect(news).toMatchObject([{ type: 'reject', reason: 'policy', call: stringField(call, 'id') }])
    // The second call of the day is dropped without a word, and counted.
    await ada.json(['call', npub, 'second'])
    const status = await ben.json(['status'])
    expect(status).toMatchObject({ new: [], dropped: { policy: 1 }, outbox: 0 })
    expect((await ben.run(['status'])).stdout).toContain('dropped so far: 1 policy')
    expect(await ada.json(['inbox'])).toMatchObject({ new: [] })
    // A contact gets through.
    await ben.json(['contacts', 'add', await npubOf(ada), 'ada'])
    await ada.json(['call', npub, 'third', '--again'])
    expect(await ben.json(['inbox'])).toMatchObject({ new: [{ type: 'request', text: 'third' }] })
    // Nobody does where nobody may, and silently where it is to be silent.
    await ben.json(['answer', 'reject'])
    await ben.json(['config', 'set', 'policy.calls', 'nobody'])
    await ben.json(['config', 'set', 'policy.silent', 'true'])
    await ada.json(['inbox'])
    await ada.json(['call', npub, 'fourth'])
    expect(await ben.json(['status'])).toMatchObject({ new: [], dropped: { policy: 2 } })
    expect(await ada.json(['inbox'])).toMatchObject({ new: [] })
  })
})

test('a trusted peer is answered without asking, where the owner has said so', async () => {
  await withPair({}, async ({ ada, ben }) => {
    const npub = await npubOf(ben)
    await ben.json(['config', 'set', 'policy.autoAnswer', 'trusted'])
    await ben.json(['contacts', 'add', await npubOf(ada), 'ada'])
    await ada.json(['call', npub, 'known'])
    await ben.json(['announce'])
    expect(await ada.json(['inbox'])).toMatchObject({ new: [] })
    await ben.json(['contacts', 'trust', 'ada'])
    await ben.json(['announce'])
    expect(await ada.json(['inbox'])).toMatchObject({ new: [{ type: 'accept' }] })
    // And its agent learns of the call that was accepted in its name.
    const { stdout } = await ben.run(['inbox'])
    expect(stdout).toMatch(/^incoming call [0-9a-f]{8} from ada \(trusted, .*\), accepted, about:\n {2}peer> known\n/)
    expect(stdout).toMatch(/next: `.*send "…" --call [0-9a-f]{8}`/)
    expect(await ben.json(['inbox'])).toMatchObject({ new: [] })
  })
})

test('a blocked key is heard in nothing until it is unblocked', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben, relay } = pair
    const call = await startCall(pair)
    await ben.json(['contacts', 'block', call.slice(0, 8), 'nuisance'])
    await ada.json(['send', 'you cannot hear this'])
    await ada.json(['end', 'nor this'])
    // The two, and the receipt for the accept.
    const before = relay.events().filter((e) => e.kind === 1059).length
    expect(await ben.json(['status'])).toMatchObject({ new: [], dropped: { blocked: 3 } })
    expect(relay.events().filter((e) => e.kind === 1059)).toHaveLength(before)
    // Its call is over, and nobody has heard so.
    expect(await ben.json(['status'])).toMatchObject({ calls: [{ state: 'ended' }], outbox: 0 })
    for (const words of [
      ['send', 'one more thing', '--call', call.slice(0, 8)],
      ['call', 'nuisance', 'again'],
    ])
      expect((await ben.json(words, 0, 6)).ok).toBe(false)
    expect(relay.events().filter((e) => e.kind === 1059)).toHaveLength(before)
    await ben.json(['contacts', 'unblock', 'nuisance'])
    await ada.json(['call', await npubOf(ben), 'sorry'])
    expect(await ben.json(['inbox'])).toMatchObject({ new: [{ type: 'request', text: 'sorry' }] })
  })
})

test('policy.pow: a first word of a stranger needs work, and `call` does it', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben, relay } = pair
    const me = await pubkeyOf(ben)
    await ben.json(['config', 'set', 'policy.pow', '9'])
    await ben.json(['announce'])
    const calling = await ada.run(['call', await npubOf(ben), 'worked for'])
    expect([calling.code, calling.stderr]).toEqual([0, expect.stringContaining('9 bits of work')])
    const wraps = relay.events().filter((e) => e.kind === 1059)
    expect(wraps.filter((wrap) => difficulty(wrap) === 9)).toHaveLength(1)

    // Mallory does not work; a contact need not.
    const [mallory, carol] = [strangerKeys('mallory'), strangerKeys('carol')]
    await ben.json(['contacts', 'add', carol.pubkey, 'carol'])
    await publishAll(relay.url, [
      giftWrapOf(requestRumor(mallory, me, 'cheap'), mallory, me),
      giftWrapOf(letterRumor(mallory, me, 'cheap, too'), mallory, me),
      giftWrapOf(letterRumor(carol, me, 'hello from carol'), carol, me),
    ])
    const { new: news, dropped } = await ben.json(['status'])
    // Of one second, so in no order.
    expect(textsOf(news)).toEqual(['hello from carol', 'worked for'])
    expect(dropped).toEqual({ pow: 2 })
    expect((await ben.run(['status'])).stdout).toContain('dropped so far: 2 pow')

    // In a call nobody is a stranger any more.
    const id = stringField((await ben.json(['answer', 'accept'])).call, 'id')
    expect((await ada.run(['send', 'without work'])).stderr).toBe('')
    expect(await ben.json(['inbox'])).toMatchObject({ new: [{ text: 'without work' }] })
    expect(await messagesOf(ben, id)).toEqual(['without work'])
  })
})

test('a peer that asks for more work than there is gets its call without, and the caller is told', async () => {
  await withPair({}, async ({ ada, ben, relay }) => {
    await ben.json(['announce'])
    const [shown] = relay.events().filter((e) => e.kind === 30315)
    const greedy = strangerKeys('greedy')
    await publishAll(relay.url, [
      presenceEvent(greedy, [
        ['name', 'greedy'],
        ['pow', '99'],
        ['relay', relay.url],
      ]),
    ])
    expect(shown?.tags.some((t) => t[0] === 'pow')).toBe(false)
    const ran = await ada.run(['call', 'greedy', 'hello'])
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('99 bits of work are not to be had')])
    expect(ran.ms).toBeLessThan(20_000)
  })
})

test('work that takes more than a second is not begun unasked: that is said, and nothing is sent', async () => {
  await withPair({}, async ({ ada, relay }) => {
    const dear = strangerKeys('dear')
    const tags = [
      ['name', 'dear'],
      ['pow', '28'],
      ['relay', relay.url],
    ]
    await publishAll(relay.url, [presenceEvent(dear, tags)])
    for (const words of [
      ['call', 'dear', 'hello'],
      ['send', '--to', 'dear', 'hello'],
    ]) {
      const { code, stdout, stderr, ms } = await ada.run([...words, '--json'])
      expect([code, JSON.parse(stdout).error]).toEqual([6, expect.objectContaining({ code: 'WORK_ASKED' })])
      expect(JSON.parse(stdout).error.hint).toContain(`${words[0]} `)
      expect(stderr).not.toContain('working')
      expect(ms).toBeLessThan(5_000)
    }
    expect(relay.events().filter(({ kind }) => kind === 1059)).toEqual([])
    // Nothing of it is owed either: cron does not begin what nobody has asked for.
    const announced = await ada.run(['announce'])
    expect([announced.code, announced.stderr]).toEqual([0, ''])
    expect((await ada.json(['status'])).calls).toEqual([])
  })
})

test('a call that has become long is told to our own agent and to nobody else', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben, relay } = pair
    const id = await startCall(pair)
    const short = id.slice(0, 8)
    await ada.json(['config', 'set', 'call.maxMessages', '2'])
    await ada.json(['send', 'one'])
    expect((await ada.json(['send', 'two'])).notices).toEqual([])
    const told = `the call ${short} with npub1`
    const { notices, message } = await ada.json(['send', 'three'])
    expect(message).toMatchObject({ state: 'relayed' })
    expect(notices).toEqual([
      expect.stringMatching(
        new RegExp(
          `^${told}\\S+ has 3 messages, more than 2 \\(call.maxMessages\\); \`[^\`]+ end --call ${short}\` ends it`,
        ),
      ),
    ])
    for (const command of ['inbox', 'status']) expect((await ada.run([command])).stdout).toContain(`note: ${told}`)
    const waited = await ada.json(['wait', '0'], 0, 5)
    expect(waited.notices).toEqual([expect.stringContaining(told)])
    expect((await ada.json(['list'])).notices).toEqual([])
    // Ben has no such bound, and hears three messages and nothing else.
    expect(await ben.json(['inbox'])).toMatchObject({
      notices: [],
      new: ['one', 'two', 'three'].map((text) => ({ type: 'message', text })),
    })
    expect(relay.events().filter((e) => e.kind === 1059).length).toBeLessThanOrEqual(7)
    await ada.json(['end'])
    expect((await ada.json(['status'])).notices).toEqual([])
  })
})

test('a stranger who talks into a call is no part of it, whatever the policy', async () => {
  await withPair({}, async (pair) => {
    const { ben, relay } = pair
    const call = await startCall(pair)
    const me = await pubkeyOf(ben)
    const mallory = strangerKeys('mallory')
    const rumor = signalRumor(mallory, { type: 'message', text: 'hello' }, { to: me, call, seq: 2, prev: call })
    await publishAll(relay.url, [giftWrapOf(rumor, mallory, me)])
    expect(await ben.json(['status'])).toMatchObject({ new: [], dropped: { 'third-party': 1 } })
  })
})

/** The texts of what is new, sorted. */
function textsOf(news: unknown): string[] {
  return Array.isArray(news) ? news.map((item) => stringField(item, 'text')).sort() : []
}
