// Files in chunks through a relay, sent and received by the real program.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { EmbeddedRelay } from '../../scripts/relay.ts'
import { NO_PRELOAD } from '../support/preloads.ts'
import { type AgentProgram, startCall, withPair } from '../support/two-programs.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Wraps that clients have given to a relay, from a place in what it has seen. */
const wrapsIn = (relay: EmbeddedRelay, from = 0) => relay.seen.slice(from).filter(({ frame }) => frame[0] === 'EVENT')

function newFile(folder: string, size: number, name = 'data.bin'): { path: string; bytes: Buffer } {
  const bytes = randomBytes(size)
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return { path, bytes }
}

async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** How many of our signals a relay has taken, and how many none has, as the disk says. */
function outboxOf(agent: AgentProgram, call: string): { taken: number; left: number } {
  const { outbox } = JSON.parse(readFileSync(join(agent.home, '.openclaw', 'p2p', 'calls', `${call}.json`), 'utf8'))
  const all = Object.values<{ accepted: string[] }>(outbox)
  const left = all.filter(({ accepted }) => accepted.length === 0).length
  return { taken: all.length - left, left }
}

const files = (agent: AgentProgram) => {
  const folder = join(agent.home, '.openclaw', 'p2p', 'files')
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
}

it('brings 200 kB byte for byte, in any order and repeated', async () => {
  await withPair({}, async (pair) => {
    const { relay, ada, ben, folder } = pair
    const call = await startCall(pair)
    const { path, bytes } = newFile(folder, 200_000)
    const sent = await ada.json(['sendfile', path])
    expect(sent.file).toMatchObject({
      ...{ name: 'data.bin', size: 200_000, sha256: sha256(bytes), chunks: 10, state: 'relayed' },
      relays: { accepted: [relay.url], failed: [] },
    })
    Object.assign(relay.faults, { shuffle: true, repeat: true })
    const { new: items } = await ben.json(['inbox'])
    const saved = join(ben.home, '.openclaw', 'p2p', 'files', call.slice(0, 8), 'data.bin')
    expect(items).toEqual([
      expect.objectContaining({ type: 'file', text: 'data.bin', size: 200_000, sha256: sha256(bytes), path: saved }),
    ])
    expect(readFileSync(saved).equals(bytes)).toBe(true)
    expect(await ben.json(['inbox'])).toMatchObject({ new: [] })
    expect(files(ben).filter((name) => name.includes('/'))).toEqual([join(call.slice(0, 8), 'data.bin')])
    // The sender hears that all of it has arrived, and keeps no bytes of it.
    expect(await ada.json(['status'])).toMatchObject({ transfers: [], calls: [{ own: { delivered: 11 } }] })
    const log = readFileSync(join(ada.home, '.openclaw', 'p2p', 'calls', `${call}.json`), 'utf8')
    expect(log.length).toBeLessThan(40_000)
  })
})

it('takes many small files that come together', async () => {
  await withPair({}, async (pair) => {
    await startCall(pair)
    for (let n = 0; n < 10; n++)
      await pair.ada.json(['sendfile', 'note.txt', Buffer.from(`note ${n}`).toString('base64')])
    const { new: items } = await pair.ben.json(['inbox'])
    if (!Array.isArray(items)) throw new Error('no items')
    expect(items.map(({ path }) => readFileSync(path, 'utf8'))).toEqual(
      Array.from({ length: 10 }, (_, n) => `note ${n}`),
    )
  })
})

it('says on both sides how far a file is, and goes on with the rest after a kill', async () => {
  await withPair({}, async (pair) => {
    const { relay, ada, ben, folder } = pair
    const call = await startCall(pair)
    const { path, bytes } = newFile(folder, 256_000)
    const from = relay.seen.length
    const sending = ada.start(['sendfile', path], 0, '', NO_PRELOAD)
    // A burst of ten goes out at once, the others one by one.
    await waitUntil(() => wrapsIn(relay, from).length >= 11)
    sending.stop()
    await sending.ended
    const first = wrapsIn(relay, from).length
    expect(first).toBeLessThan(13)

    const { transfers, new: items } = await ben.json(['status'])
    expect(items).toEqual([])
    expect(transfers).toEqual([
      expect.objectContaining({
        ...{ call, name: 'data.bin', size: 256_000, have: first, of: 13, direction: 'incoming', state: 'arriving' },
      }),
    ])
    expect(files(ben)).toEqual([])

    const before = relay.seen.length
    const own = await ada.json(['status', '--timeout', '5'])
    expect(wrapsIn(relay, before).length).toBe(13 - first)
    expect(own.transfers).toEqual([
      expect.objectContaining({ call, have: first, of: 13, direction: 'outgoing', state: 'relayed' }),
    ])
    const { new: whole } = await ben.json(['inbox'])
    expect(whole).toMatchObject([{ type: 'file', sha256: sha256(bytes) }])
    expect(await ben.json(['status'])).toMatchObject({ transfers: [] })
    expect(await ada.json(['status'])).toMatchObject({ transfers: [] })
  })
})

it('does not give a relay again what it has taken, though the receiver has not come', async () => {
  await withPair({}, async (pair) => {
    const { relay, ada, ben, folder } = pair
    const call = await startCall(pair)
    const { path, bytes } = newFile(folder, 256_000)
    const sending = ada.start(['sendfile', path], 0, '', NO_PRELOAD)
    await waitUntil(() => outboxOf(ada, call).taken >= 4)
    sending.stop()
    await sending.ended
    // The last ones before the kill may have been taken without that being on disk.
    const { left } = outboxOf(ada, call)
    const before = relay.seen.length
    await ada.json(['status'])
    expect(wrapsIn(relay, before).length).toBeLessThanOrEqual(left + 1)
    expect(await ben.json(['inbox'])).toMatchObject({ new: [{ type: 'file', sha256: sha256(bytes) }] })
  })
})

it('says what cannot be sent', async () => {
  await withPair({}, async (pair) => {
    const { ada, folder, relay } = pair
    await startCall(pair)
    mkdirSync(join(folder, 'sub'))
    const { path: empty } = newFile(folder, 0, 'empty')
    const { path: large } = newFile(folder, 262_145, 'large')
    const from = relay.seen.length
    const refused = async (args: string[], code: string, hint: RegExp, stdin = '') => {
      const ran = await ada.run(['sendfile', ...args, '--json'], 0, stdin)
      expect([ran.code, JSON.parse(ran.stdout).error]).toEqual([
        2,
        expect.objectContaining({ code, hint: expect.stringMatching(hint) }),
      ])
    }
    await refused([join(folder, 'sub')], 'FILE_IS_FOLDER', /tar/)
    await refused([empty], 'FILE_EMPTY', /./)
    await refused(['x', ''], 'FILE_EMPTY', /./)
    await refused(['x', '-'], 'FILE_EMPTY', /./)
    await refused([join(folder, 'none')], 'FILE_UNREADABLE', /./)
    await refused(['x', 'b@d'], 'BAD_BASE64', /./)
    await refused(['x', '-'], 'FILE_TOO_LARGE', /p2p.*sendfile <path>/, 'x'.repeat(300_000))
    await refused([large], 'FILE_TOO_LARGE', /split -b 262144 <path>.*config set file.server/)
    expect(wrapsIn(relay, from)).toEqual([])
  })
})
