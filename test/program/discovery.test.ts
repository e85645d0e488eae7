// Who is on line, asked of relays that cap their answers, are flooded, do not know a tag, or are away: the whole program.
import { expect, test } from 'vitest'
import { agentEnv, withTemporaryFolder } from '../../scripts/processes.ts'
import { type EmbeddedRelay, type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { isPubkey, type Keys, sha256, toHex } from '../../src/nostr/crypto.ts'
import { type Event, finalize, rumorOf } from '../../src/nostr/event.ts'
import { npubEncode } from '../../src/nostr/nip19.ts'
import { finalizeQuickly } from '../support/quick-signatures.ts'
import { startRun } from '../support/runs.ts'
import { publishAll, strangerKeys, unixNow } from '../support/strangers.ts'

type Said = { name?: string; can?: string; at?: number; more?: string[][] }

/** What somebody announces, as its program would. */
function announcement({ name = '', can, at = unixNow() - 100, more = [] }: Said) {
  const tags = [
    ['d', 'p2p-comm'],
    ['t', 'p2p-agent'],
    ['name', name],
    ...(name === '' ? [] : [['n', name.normalize('NFC').toLowerCase()]]),
    ...(can === undefined ? [] : [['c', can]]),
    ...more,
    ['expiration', String(at + 4_500)],
  ]
  return { kind: 30315, created_at: at, tags, content: '' }
}

function presence(keys: Keys, said: Said = {}): Event {
  return finalizeQuickly(announcement(said), keys)
}

/** Signatures take long to make, and so do key pairs; whose it is is not looked at until it is shown. */
function* unsigned(count: number, said: (n: number) => Said): Generator<Event> {
  for (let [n, made] = [0, 0]; made < count; n++) {
    // Of all numbers every second one is a key.
    const pubkey = toHex(sha256(Buffer.from(`nobody ${n}`)))
    if (isPubkey(pubkey)) yield { ...rumorOf(announcement(said(made++)), pubkey), sig: '00'.repeat(64) }
  }
}

type Listed = { npub: string; pubkey: string; name: string; lastSeen: number }
type List = { agents: Listed[]; total: number; complete: boolean; notices: string[] }
type Refused = { error: { code: string; message: string; hint: string } }

type Ada = {
  home: string
  run: (...args: string[]) => ReturnType<typeof startRun>['ended']
  json: <T>(code: number, ...args: string[]) => Promise<T>
}

async function withRelays(options: RelayOptions[], body: (ada: Ada, relays: EmbeddedRelay[]) => Promise<void>) {
  const relays = await Promise.all(options.map((one) => startRelay(one)))
  try {
    await withTemporaryFolder(async (folder) => {
      const env = agentEnv(
        folder,
        relays.map(({ url }) => url),
      )
      const run = (...args: string[]) => startRun(args, { env }).ended
      const json = async <T>(code: number, ...args: string[]): Promise<T> => {
        const ran = await run(...args, '--json')
        if (ran.code !== code) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
        return JSON.parse(ran.stdout)
      }
      await body({ home: folder, run, json }, relays)
    })
  } finally {
    await Promise.all(relays.map((relay) => relay.close()))
  }
}

/** Puts on a relay what a relay that checks signatures would not take. */
async function load(relay: EmbeddedRelay | undefined, events: readonly Event[]): Promise<void> {
  if (relay === undefined) throw new Error('no such relay')
  relay.policy.trust = true
  await publishAll(relay.url, events)
  relay.policy.trust = false
}

const people = (count: number, said: (n: number) => Said = () => ({})) =>
  Array.from({ length: count }, (_, n) => presence(strangerKeys(`person ${n}`), said(n)))

test('of more than a relay sends at a time it says how many it has read, and finds a rare skill and a known agent', async () => {
  await withRelays([{ limit: 100 }], async ({ json, run }, [relay]) => {
    const rare = strangerKeys('rare')
    const friend = strangerKeys('friend')
    const now = unixNow()
    await load(
      relay,
      people(240, (n) => ({ can: 'common', at: now - 10 - n })),
    )
    await load(relay, [presence(rare, { can: 'rare', at: now - 900 }), presence(friend, { at: now - 1_000 })])

    const some = await json<List>(0, 'list', '--limit', '30')
    expect(some).toMatchObject({ agents: { length: 30 }, complete: false })
    expect(some.total).toBeGreaterThanOrEqual(30)
    const seen = some.agents.map(({ lastSeen }) => lastSeen)
    expect(seen).toEqual(seen.toSorted((a, b) => b - a))
    expect(seen[0]).toBe(now - 10)
    expect((await run('list')).stdout).toMatch(/^30 of at least \d+ on line:\n[\s\S]*--limit 60/)

    const all = await json<List>(0, 'list', '--limit', '1000')
    expect(all).toMatchObject({ agents: { length: 242 }, total: 242, complete: true })
    expect(await json<List>(0, 'list', '--all')).toMatchObject({ total: 242, complete: true })

    const skilled = await json<List>(0, 'list', '--capability', 'RARE')
    expect(skilled).toMatchObject({ agents: [{ npub: npubEncode(rare.pubkey) }], total: 1, complete: true })
    expect(await json<List>(0, 'list', '--search', 'rar')).toMatchObject({ agents: [{ pubkey: rare.pubkey }] })

    await json(0, 'contacts', 'add', npubEncode(friend.pubkey), 'friend')
    const [first] = (await json<List>(0, 'list', '--limit', '5')).agents
    expect(first).toMatchObject({ name: 'friend', pubkey: friend.pubkey })
    expect(await json<List>(0, 'list', '--name', 'Friend')).toMatchObject({
      agents: [{ pubkey: friend.pubkey }],
      total: 1,
    })
  })
})

test('a name that two have is refused with both, also where the second lies behind the cap', async () => {
  await withRelays([{ limit: 60 }], async ({ json }, [relay]) => {
    const [one, other] = [strangerKeys('one Ada'), strangerKeys('other Ada')]
    const now = unixNow()
    await load(relay, [presence(other, { name: 'Ada', can: 'lie', at: now - 800 })])
    await load(
      relay,
      people(150, (n) => ({ name: `agent ${n}`, at: now - 10 - n })),
    )
    await load(relay, [presence(one, { name: 'Ada', can: 'review', at: now - 5 })])
    const { error } = await json<Refused>(6, 'call', 'Ada', 'hello')
    expect(error).toMatchObject({ code: 'AGENT_AMBIGUOUS' })
    for (const said of [npubEncode(one.pubkey), npubEncode(other.pubkey), 'review', 'lie', 'seen'])
      expect(error.message).toContain(said)
    // Whoever types what is suggested must not call whom it did not mean.
    expect(error.hint).toBe('use the npub of the one you mean')
    // Nobody was called.
    expect(relay?.events().filter(({ kind }) => kind === 1059)).toEqual([])
  })
})

test('a name leads to the one who has it; from then on to nobody else, also not in look-alike letters', async () => {
  await withRelays([{}], async ({ json }, [relay]) => {
    const [jose, impostor] = [strangerKeys('José'), strangerKeys('impostor')]
    await load(relay, [presence(jose, { name: 'Jos\u00e9' })])
    // Typed in the other normal form.
    const { call } = await json<{ call: { peer: Listed } }>(0, 'call', 'Jose\u0301', 'hello')
    expect(call.peer.pubkey).toBe(jose.pubkey)

    await load(relay, [presence(impostor, { name: 'jos\u00e9', at: unixNow() })])
    const again = await json<{ call: { peer: Listed } }>(0, 'call', 'JOS\u00c9', 'and again', '--again')
    expect(again.call.peer.pubkey).toBe(jose.pubkey)
    await load(relay, [presence(impostor, { name: 'J\u043es\u00e9', at: unixNow() + 1 })])
    const { error } = await json<Refused>(6, 'call', 'J\u043es\u00e9', 'hello')
    expect(error).toMatchObject({ code: 'AGENT_AMBIGUOUS', message: expect.stringContaining(npubEncode(jose.pubkey)) })
    // Until our owner says who is meant.
    await json(0, 'contacts', 'add', impostor.pubkey, 'Jos\u00e9')
    const meant = await json<{ call: { peer: Listed } }>(0, 'call', 'Jos\u00e9', 'hello')
    expect(meant.call.peer.pubkey).toBe(impostor.pubkey)
  })
})

test('a name leads nowhere while a relay has not said whether another has it', async () => {
  await withRelays([{}, {}], async ({ json, run }, [relay, away]) => {
    const ada = strangerKeys('Ada')
    await load(relay, [presence(ada, { name: 'Ada' })])
    if (away !== undefined) away.faults.silent = true
    const { error } = await json<Refused>(6, 'call', 'Ada', 'hello')
    expect(error).toMatchObject({ code: 'AGENT_AMBIGUOUS', message: expect.stringContaining(npubEncode(ada.pubkey)) })
    expect(error.message).toContain(away?.url)
    const list = await json<List>(0, 'list')
    expect(list).toMatchObject({ agents: [{ pubkey: ada.pubkey }], total: 1, complete: false })
    expect(list.notices.join()).toContain(`some agents on line may be missing here: ${away?.url}`)
    expect((await run('list')).stdout).toMatch(/^at least 1 on line:/)
    if (away !== undefined) away.faults.silent = false
    await json(0, 'call', 'Ada', 'hello')
  })
})

test('a presence whose n is not its name is not the answer for either', async () => {
  await withRelays([{}], async ({ json }, [relay]) => {
    const liar = finalize(
      {
        ...{ kind: 30315, created_at: unixNow(), content: '' },
        tags: [
          ['d', 'p2p-comm'],
          ['t', 'p2p-agent'],
          ['name', 'Eve'],
          ['n', 'bob'],
          ['expiration', String(unixNow() + 300)],
        ],
      },
      strangerKeys('liar'),
    )
    await load(relay, [liar])
    for (const name of ['bob', 'Eve'])
      expect(await json<Refused>(6, 'call', name, 'hello')).toMatchObject({ error: { code: 'NO_SUCH_AGENT' } })
  })
})

test('a relay that does not know the tag is asked for all, and what is wanted is picked', async () => {
  await withRelays([{ limit: 100, faults: { ignoreTags: 'cn' } }], async ({ json }, [relay]) => {
    const rare = strangerKeys('rare')
    const now = unixNow()
    await load(
      relay,
      people(250, (n) => ({ name: `agent ${n}`, can: 'common', at: now - 10 - n })),
    )
    await load(relay, [presence(rare, { name: 'Rare One', can: 'rare', at: now - 900 })])
    expect(await json<List>(0, 'list', '--capability', 'rare')).toMatchObject({
      ...{ agents: [{ pubkey: rare.pubkey }], total: 1, complete: true },
    })
    expect(await json<{ call: { peer: Listed } }>(0, 'call', 'rare one', 'hello')).toMatchObject({
      call: { peer: { pubkey: rare.pubkey } },
    })
  })
})

test('a flood at one relay pushes nobody out that another has, and forgeries are not shown', async () => {
  await withRelays([{}, {}], async ({ json }, [flooded, other]) => {
    const real = strangerKeys('real')
    const now = unixNow()
    const flood = [...unsigned(3_000, (n) => ({ at: now - (n % 60) }))]
    await load(flooded, flood)
    await load(other, [presence(real, { at: now - 280 })])
    const found = await json<List>(0, 'list')
    expect(found.agents.map(({ pubkey }) => pubkey)).toEqual([real.pubkey])
    expect(found.notices.join()).toContain('not signed')

    const signed = people(200, () => ({ at: now }))
    await load(flooded, signed)
    const mixed = await json<List>(0, 'list', '--limit', '10')
    expect(mixed.agents.map(({ pubkey }) => pubkey)).toContain(real.pubkey)
  })
})

test('strangers whose presence has cost no work are hidden where that is asked, and ours is mined where we say so', async () => {
  await withRelays([{}], async ({ json, run, home }, [relay]) => {
    await load(relay, people(20))
    await json(0, 'config', 'set', 'policy.presencePow', '12')
    const none = await json<List>(0, 'list')
    expect(none).toMatchObject({ agents: [], total: 0 })
    expect(none.notices.join()).toMatch(/20 on line are left out.*policy\.presencePow/)

    const worker = { env: agentEnv(`${home}/worker`, [relay?.url ?? '']) }
    const work = async (...args: string[]) => await startRun(args, worker).ended
    await work('config', 'set', 'presence.pow', '12')
    expect((await work('announce')).code).toBe(0)
    expect(await json<List>(0, 'list')).toMatchObject({ agents: { length: 1 } })
    expect((await run('list')).stdout).toMatch(/^1 on line:/)
  })
})

test('when our agent looked is told with the next announcement, and not at all with receipts.read false', async () => {
  await withRelays([{}], async ({ json, home }, [relay]) => {
    const other = { env: agentEnv(`${home}/other`, [relay?.url ?? '']) }
    const act = async (...args: string[]) => {
      const ran = await startRun(args, other).ended
      if (ran.code !== 0) throw new Error(ran.stderr)
    }
    const looked = async () => (await json<{ agents: { looked?: number }[] }>(0, 'list')).agents[0]?.looked
    await act('announce')
    expect(await looked()).toBeUndefined()
    await act('status')
    const at = unixNow()
    await act('config', 'set', 'name', 'other')
    await act('announce')
    expect(Math.abs(at - ((await looked()) ?? 0))).toBeLessThan(5)
    await act('config', 'set', 'receipts.read', 'false')
    await act('config', 'set', 'name', 'another')
    await act('announce')
    expect(await looked()).toBeUndefined()
  })
})

test('an unchanged presence goes out no earlier than due, and is good for two and a half times as long', async () => {
  await withRelays([{}], async ({ json }, [relay]) => {
    await json(0, 'config', 'set', 'presence.every', '30')
    await json(0, 'announce')
    await json(0, 'status')
    expect(await json(0, 'announce')).toMatchObject({ presence: { age: expect.any(Number) } })
    const [event, ...others] = relay?.events().filter(({ kind }) => kind === 30315) ?? []
    expect(others).toEqual([])
    const expires = Number(event?.tags.find((t) => t[0] === 'expiration')?.[1])
    expect(expires - (event?.created_at ?? 0)).toBe(4_500)
    const sent = relay?.seen.filter(({ frame }) => frame[0] === 'EVENT' && Object(frame[1]).kind === 30315)
    expect(sent).toHaveLength(1)
    for (const value of ['1', '31', 'often'])
      expect(await json<Refused>(2, 'config', 'set', 'presence.every', value)).toMatchObject({
        error: { code: 'CONFIG_VALUE' },
      })
  })
})

test('no stranger’s name, key or id stands in for those of somebody else', async () => {
  await withRelays([{}], async ({ json }, [relay]) => {
    const [bob, mallory] = [strangerKeys('Bob'), strangerKeys('Mallory')]
    await json(0, 'contacts', 'add', npubEncode(bob.pubkey), 'bob')
    const names = [
      'bob',
      npubEncode(bob.pubkey),
      bob.pubkey,
      'npub1bob',
      `${npubEncode(bob.pubkey).slice(0, 12)}…`,
      'b\u043eb',
    ]
    for (const [n, name] of names.entries()) {
      await load(relay, [presence(mallory, { name, at: unixNow() - 50 + n })])
      const ran = await json<{ call?: { peer: Listed } }>(
        ...([
          /^npub1bob|…|\u043e/.test(name) ? (name.includes('\u043e') ? 6 : 2) : 0,
          'call',
          name,
          `call ${n}`,
          '--again',
        ] as const),
      )
      if (ran.call !== undefined) expect(ran.call.peer.pubkey).toBe(bob.pubkey)
    }
    const to = relay?.events().filter(({ kind }) => kind === 1059) ?? []
    expect(to.length).toBeGreaterThan(0)
    expect(to.every(({ tags }) => tags.every((t) => t[1] !== mallory.pubkey))).toBe(true)
  })
})
