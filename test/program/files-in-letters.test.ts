// Files in messages of other NIP-17 clients (kind 15), made by nostr-tools: from our owner, from the peer of a call, from others.
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateSecretKey, getEventHash, getPublicKey, nip19 } from 'nostr-tools'
import { createSeal, createWrap } from 'nostr-tools/nip59'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadIdentity } from '../../src/io/home/identity.ts'
import { homeOf } from '../../src/io/home/paths.ts'
import { type BlossomServer, startBlossom } from '../support/blossom-server.ts'
import { openNostrClient } from '../support/nostr-client.ts'
import { type AgentPair, type AgentProgram, startCall, withPair } from '../support/two-programs.ts'

let server: BlossomServer
beforeEach(async () => {
  server = await startBlossom()
})
afterEach(() => server.close())

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const keysOf = ({ home }: AgentProgram) => loadIdentity(homeOf(undefined, { HOME: home }), {})

/** A file message as NIP-17 has it; `left` are the tags that this client does not know. */
function fileMessage(content: Buffer, left: readonly string[] = []): string[][] {
  const [key, nonce] = [randomBytes(32), randomBytes(16)]
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const blob = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()])
  const x = sha256(blob)
  server.blobs.set(x, blob)
  const tags = [
    ['file-type', 'image/jpeg'],
    ['encryption-algorithm', 'aes-gcm'],
    ['decryption-key', key.toString('hex')],
    ['decryption-nonce', nonce.toString('hex')],
    ['x', x],
    ['ox', sha256(content)],
    ['size', String(blob.length)],
    ['blurhash', 'LKO2?U%2Tw=w'],
  ]
  return [...tags.filter(([name = '']) => !left.includes(name)), ['url', `${server.url}/${x}.jpg`]]
}

async function deliver(
  { relay }: AgentPair,
  from: Uint8Array,
  to: string,
  tags: string[][],
  kind = 15,
): Promise<string> {
  const content = tags.find((t) => t[0] === 'url')?.[1] ?? ''
  const rumor = {
    ...{ kind, content, pubkey: getPublicKey(from), created_at: Math.floor(Date.now() / 1000) },
    tags: [['p', to], ...tags.filter((t) => t[0] !== 'url')],
  }
  const id = getEventHash(rumor)
  const client = await openNostrClient(relay.url)
  const { accepted } = await client.publish(createWrap(createSeal({ ...rumor, id }, from, to), to))
  client.socket.close()
  expect(accepted).toBe(true)
  return id
}

const photo = randomBytes(50_000)

/** Milliseconds by which everybody's clock is ahead. */
let ahead = 0

async function withReader(body: (pair: AgentPair, ben: string) => Promise<void>): Promise<void> {
  ahead = 0
  await withPair({ now: () => Math.floor((Date.now() + ahead) / 1000) }, async (pair) => {
    await pair.ben.json(['config', 'set', 'file.allowPrivate', 'true'])
    await body(pair, keysOf(pair.ben).pubkey)
  })
}

it('comes from our owner, with or without what newer clients say of it', async () => {
  await withReader(async (pair, ben) => {
    const owner = generateSecretKey()
    await pair.ben.json(['config', 'set', 'owner.npub', nip19.npubEncode(getPublicKey(owner))])
    const id = await deliver(pair, owner, ben, fileMessage(photo))
    await deliver(pair, owner, ben, fileMessage(randomBytes(3000), ['ox', 'size', 'blurhash']))
    // A command that has something else to do hears of it, and leaves it for one that has the time.
    expect(await pair.ben.json(['list'])).toMatchObject({ ok: true })
    expect(server.seen).toEqual([])
    // It is news when it is here.
    server.faults.refuse = [503, 'later']
    const waiting = { call: '', state: 'retrying', error: 'the server answered 503' }
    expect(await pair.ben.json(['status'])).toMatchObject({ new: [], transfers: [waiting, waiting] })
    server.faults.refuse = undefined
    ahead = 60_000
    const { new: items } = await pair.ben.json(['inbox'], ahead)
    if (!Array.isArray(items)) throw new Error('no items')
    expect(items.map(({ type, call }) => [type, call])).toEqual([
      ['owner', ''],
      ['owner', ''],
    ])
    const item = items.find((i) => i.id === id)
    expect(item).toMatchObject({
      size: 50_000,
      sha256: sha256(photo),
      text: expect.stringMatching(/^[0-9a-f]{64}.jpg$/),
    })
    expect(readFileSync(item.path).equals(photo)).toBe(true)
    expect(item.path).toContain(join('p2p', 'files', getPublicKey(owner).slice(0, 8)))
    const bare = items.find((i) => i.id !== id)
    expect(bare).toMatchObject({ size: 3000, sha256: sha256(readFileSync(bare.path)) })
    expect(await pair.ben.json(['inbox'], ahead)).toMatchObject({ new: [] })
    expect((await pair.ben.run(['inbox', '--all'], ahead)).stdout).toMatch(
      /file from your owner .*50000 bytes, SHA-256 [0-9a-f]{64}, named:\n {2}owner> /,
    )
  })
})

it('is not fetched further than it was announced', async () => {
  await withReader(async (pair, ben) => {
    const owner = generateSecretKey()
    await pair.ben.json(['config', 'set', 'owner.npub', nip19.npubEncode(getPublicKey(owner))])
    await deliver(pair, owner, ben, [...fileMessage(photo, ['size']), ['size', '40000']])
    const { new: items } = await pair.ben.json(['inbox'])
    expect(items).toMatchObject([{ type: 'owner', reason: expect.stringMatching(/larger than 40016 bytes/) }])
  })
})

it('comes from the peer of a call as long as the call lasts', async () => {
  await withReader(async (pair, ben) => {
    await startCall(pair)
    const { secret } = keysOf(pair.ada)
    await deliver(pair, secret, ben, fileMessage(photo))
    const { new: items } = await pair.ben.json(['inbox'])
    expect(items).toMatchObject([{ type: 'dm', size: 50_000, sha256: sha256(photo), path: expect.stringMatching(/./) }])
    await pair.ben.json(['end'])
    await deliver(pair, secret, ben, fileMessage(randomBytes(100)))
    const { new: late } = await pair.ben.json(['inbox'])
    expect(late).toMatchObject([{ type: 'dm', reason: expect.stringMatching(/^outside of a call/) }])
  })
})

it('is not fetched for anybody else', async () => {
  await withReader(async (pair, ben) => {
    const stranger = generateSecretKey()
    await deliver(pair, stranger, ben, fileMessage(photo))
    await deliver(pair, stranger, ben, fileMessage(photo, ['ox', 'size']))
    // A letter is for us since its wrap is, so one for a room is told as well, and so is half a file message.
    await deliver(pair, stranger, ben, [...fileMessage(photo), ['p', getPublicKey(generateSecretKey())]])
    await deliver(pair, stranger, ben, fileMessage(photo, ['decryption-key']))
    const { new: items } = await pair.ben.json(['status'])
    if (!Array.isArray(items)) throw new Error('no items')
    const outside = 'outside of a call only files of your owner are fetched'
    expect(items.map((i) => `${i.type} ${i.size} ${i.sha256} ${i.reason}`).sort()).toEqual([
      `dm 50000 ${sha256(photo)} ${outside}`,
      `dm 50000 ${sha256(photo)} ${outside}`,
      'dm undefined undefined announced without what is needed to open and check it, so it was not fetched',
      `dm undefined undefined ${outside}`,
    ])
    expect(new Set(items.map(({ id }) => id)).size).toBe(4)
    expect(server.seen).toEqual([])
  })
})
