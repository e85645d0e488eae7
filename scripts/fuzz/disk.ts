// What lies on our own disk, damaged: state and call files, settings, the identity, the lock's holder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { replay } from '../../src/call/call.ts'
import { letterOf } from '../../src/call/news.ts'
import { agentOf, type People } from '../../src/call/people.ts'
import { Failure } from '../../src/failure.ts'
import { readConfig, settings } from '../../src/io/config.ts'
import { parseHolder } from '../../src/io/holder.ts'
import { homeOf } from '../../src/io/home.ts'
import { loadIdentity } from '../../src/io/identity.ts'
import { isKey, SETTINGS } from '../../src/io/settings.ts'
import { keysFrom } from '../../src/nostr/crypto.ts'
import { npubEncode, nsecEncode } from '../../src/nostr/nip19.ts'
import { callsOf } from '../../src/state/book.ts'
import { codec } from '../../src/state/codec.ts'
import { hear } from '../../src/state/hear.ts'
import { endings, receipts } from '../../src/state/replies.ts'
import type { Chance } from './chance.ts'
import { json, NASTY, text } from './mutate.ts'
import { agents, call, must, NOW, stranger } from './samples.ts'
import { told } from './speech.ts'
import { type Fault, faultOf, target } from './target.ts'

const me = agents.callee.pubkey
const book = call.books[1]
const log = must(book.logs[call.id])
const NOBODY: People = { contacts: [], owner: undefined, names: {} }
const gate = { trust: () => 'unknown' as const, calls: 'anyone' as const, silent: false, pow: 0 }

/** An index that has something of everything. */
const { rumor } = must(call.said[2])
const posting = { wrapped: NOW, wraps: 1, accepted: ['wss://relay.example'], failed: [] }
const FULL = {
  ...book.index,
  ...{
    relays: { 'wss://relay.example': { cursor: NOW } },
    strays: [{ rumor, heard: NOW }],
    wakes: { a: { at: 1, times: 1 } },
  },
  dms: { [rumor.id]: { rumor, heard: NOW, unread: true, file: { path: '/x' } } },
  letters: { [rumor.id]: { to: agents.caller.pubkey, rumor, posting } },
  peers: { [agents.caller.pubkey]: { inbox: ['wss://relay.example'], looked: 1, hints: [], name: 'ada', pow: 0 } },
}

const state = target(
  'state.json',
  14,
  (chance) => json(chance, FULL),
  (value): Fault => {
    const index = codec.parse(value)
    if (index === undefined || index === 'newer') return undefined
    const held = { index, logs: book.logs }
    const heard = hear(held, [], { me, now: NOW + 300, replayed: [], gate }).book
    const calls = callsOf(heard, me, NOW + 300)
    codec.open(heard.index)
    endings(calls)
    receipts(heard, calls, [], [], NOW + 300, gate)
    for (const { peer, name } of Object.values(heard.index.calls)) agentOf(NOBODY, peer, name)
    for (const { rumor, heard: at, file } of Object.values(heard.index.dms)) letterOf(rumor, at, NOBODY, file)
    for (const { to } of Object.values(heard.index.letters)) agentOf(NOBODY, to)
    return faultOf({ 'it is still an index': heard.index.version === 1 && Array.isArray(heard.index.strays) })
  },
)

const calls = target(
  'call files',
  14,
  (chance) => json(chance, log),
  (value): Fault => {
    const read = codec.parseLog(value)
    if (read === undefined || read === 'newer') return undefined
    const held = { index: book.index, logs: { [read.id]: read } }
    replay(read, me, NOW)
    for (const one of callsOf(held, me, NOW)) told(held, one)
    codec.rebuild(new Map([[read.id, read]]))
    return faultOf({ 'what is owed is there': Object.keys(read.outbox).every((id) => read.entries[id] !== undefined) })
  },
)

const CONFIG = {
  ...{ version: 1, name: 'Ada', about: 'x', capabilities: ['review'], policy: { calls: 'contacts', pow: 8 } },
  relays: { inbox: ['wss://relay.example'], allowPrivate: true },
  owner: { npub: npubEncode(stranger.pubkey), webhook: 'https://x.example/y', command: ['notify', '-t'] },
  contacts: [{ pubkey: stranger.pubkey, petname: 'bob', trust: 'trusted' }],
}

const config = target(
  'config.json',
  8,
  (chance) => fileText(chance, CONFIG),
  (content) => {
    return inHome((home) => {
      mkdirSync(home.dir, { recursive: true })
      writeFileSync(home.config, content)
      const read = readConfig(home)
      const wrong = settings(read).find(
        ({ key, value }) => value !== undefined && SETTINGS[key].check(value) === undefined,
      )
      return wrong === undefined ? undefined : `${wrong.key} is not what it may be`
    })
  },
)

const typed = target(
  'settings',
  30,
  (chance) =>
    [
      chance.pick([...Object.keys(SETTINGS), ...NASTY]),
      [text(chance, ['true', '12', 'wss://relay.example', '["a"]', ...NASTY])],
    ] as const,
  ([key, values]): Fault => {
    if (!isKey(key)) return undefined
    const value = SETTINGS[key].check(SETTINGS[key].typed(values))
    const again = value === undefined ? undefined : SETTINGS[key].check(JSON.parse(JSON.stringify(value)))
    return JSON.stringify(again) === JSON.stringify(value) ? undefined : 'it is not read as it is kept'
  },
)

const secret = '5ec2e7'.padEnd(64, 'a')
const IDENTITY = { version: 1, secretKey: secret, pubkey: keysFrom(Buffer.from(secret, 'hex'))?.pubkey, createdAt: NOW }

const identity = target(
  'identity',
  5,
  (chance) =>
    fileText(chance, chance.often(50) ? IDENTITY : { ...IDENTITY, secretKey: nsecEncode(Buffer.from(secret, 'hex')) }),
  (content) => {
    return inHome(
      (home) => {
        writeFileSync(home.identity, content, { mode: 0o600 })
        const keys = loadIdentity(home, {})
        return keysFrom(keys.secret)?.pubkey === keys.pubkey ? undefined : 'its halves do not fit'
      },
      [secret.slice(0, 32), nsecEncode(Buffer.from(secret, 'hex')).slice(0, 30)],
    )
  },
)

const holders = target(
  'holders',
  20,
  (chance) => fileText(chance, { pid: 7, command: 'send', where: 'here', mark: '1' }),
  (content) => {
    const holder = parseHolder(content)
    return holder === undefined
      ? undefined
      : faultOf({
          'its process is a number': Number.isSafeInteger(holder.pid) && holder.pid > 0,
          'its command is tame': /^[\x20-\x7e]{0,80}$/.test(holder.command),
        })
  },
)

function fileText(chance: Chance, sample: object): string {
  const good = JSON.stringify(sample, null, 2)
  return chance.often(40) ? text(chance, [good]) : JSON.stringify(json(chance, sample))
}

// Only a Failure may be thrown, and it tells no secret.
function inHome(work: (home: ReturnType<typeof homeOf>) => Fault, secrets: readonly string[] = []): Fault {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-fuzz-'))
  try {
    return work(homeOf(folder, {}))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const said = `${error.message} ${error.hint}`
    return secrets.some((one) => said.includes(one)) ? 'its refusal tells the secret' : undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const disk = [state, calls, config, typed, identity, holders]
