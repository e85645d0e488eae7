// Letters against the built program: as many as there are, each once, also when a relay dates their wraps anew or the state is gone.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentEnv, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'
import { toHex } from '../../src/nostr/crypto.ts'
import { type Event, rumorOf } from '../../src/nostr/event.ts'
import { npubEncode } from '../../src/nostr/nip19.ts'
import { startRun } from '../support/runs.ts'
import { giftWrapOf, letterRumor, publishAll, strangerKeys } from '../support/strangers.ts'

const [ben, owner, carol] = [strangerKeys('ben'), strangerKeys('the owner'), strangerKeys('carol')]

type Item = { type: string; text: string; repeat?: true }

async function withLetters(
  letters: readonly Event[],
  body: (run: (...args: string[]) => Promise<{ new: Item[] }>, home: string, url: string) => Promise<void>,
): Promise<void> {
  const relay = await startRelay({ trust: true })
  try {
    await withTemporaryFolder(async (folder) => {
      const env = { ...agentEnv(folder, [relay.url]), P2P_SECRET_KEY: toHex(ben.secret) }
      const run = async (...args: string[]) => {
        const { code, stdout, stderr } = await startRun(args, { env }).ended
        if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
        return JSON.parse(stdout)
      }
      await run('config', 'set', 'owner.npub', npubEncode(owner.pubkey), '--json')
      await run('contacts', 'add', carol.pubkey, 'carol', '--json')
      await publishAll(relay.url, letters)
      await body(run, join(folder, '.openclaw'), relay.url)
    })
  } finally {
    await relay.close()
  }
}

/** What all runs of `inbox` show, until one shows nothing. */
async function readAll(run: (...args: string[]) => Promise<{ new: Item[] }>): Promise<Item[]> {
  const items: Item[] = []
  for (;;) {
    const { new: news } = await run('inbox', '--json')
    if (news.length === 0) return items
    items.push(...news)
  }
}

test('130 of a contact and 600 of the owner are all told, each once', { timeout: 240_000 }, async () => {
  const letters = [
    ...Array.from({ length: 600 }, (_, n) =>
      giftWrapOf(letterRumor(owner, ben.pubkey, `order ${n}`), owner, ben.pubkey),
    ),
    ...Array.from({ length: 130 }, (_, n) =>
      giftWrapOf(letterRumor(carol, ben.pubkey, `hello ${n}`), carol, ben.pubkey),
    ),
  ]
  await withLetters(letters, async (run) => {
    const items = await readAll(run)
    const of = (type: string) => items.filter((item) => item.type === type)
    expect([of('owner').length, of('dm').length]).toEqual([600, 130])
    expect(new Set(items.map((item) => item.text)).size).toBe(730)
  })
})

test('a wrap that is dated anew brings no new order, and after a loss an old order is none', {
  timeout: 120_000,
}, async () => {
  const order = giftWrapOf(letterRumor(owner, ben.pubkey, 'Pay invoice 4711'), owner, ben.pubkey)
  // What a relay can do without a key: nobody looks at the signature of an envelope whose key is used once.
  const { pubkey, created_at, kind, tags, content } = order
  const dated = { ...rumorOf({ kind, created_at: created_at + 60, tags, content }, pubkey), sig: order.sig }
  await withLetters([order], async (run, home, url) => {
    expect(await readAll(run)).toMatchObject([{ type: 'owner', text: 'Pay invoice 4711' }])
    await publishAll(url, [dated])
    expect(await readAll(run)).toEqual([])
    rmSync(join(home, 'p2p', 'state.json'))
    rmSync(join(home, 'p2p', 'letters'), { recursive: true })
    expect(await readAll(run)).toMatchObject([{ type: 'owner', text: 'Pay invoice 4711', repeat: true }])
  })
})
