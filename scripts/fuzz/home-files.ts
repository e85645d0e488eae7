// Fuzzes the files of a home that people may edit: settings, the identity, the holder of the lock.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../../src/errors.ts'
import { listSettings, readConfig } from '../../src/io/home/config.ts'
import { loadIdentity } from '../../src/io/home/identity.ts'
import { homeOf } from '../../src/io/home/paths.ts'
import { isSettingKey, SETTINGS } from '../../src/io/home/settings.ts'
import { parseHolder } from '../../src/io/store/lock-holder.ts'
import { keysFrom } from '../../src/nostr/crypto.ts'
import { npubEncode, nsecEncode } from '../../src/nostr/nip19.ts'
import { NASTY, spoiledJson, spoiledText } from './mutate.ts'
import type { SeededChoices } from './random.ts'
import { NOW, stranger } from './samples.ts'
import { type Fault, faultOf, target } from './target.ts'

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
    return withFuzzHome((home) => {
      mkdirSync(home.dir, { recursive: true })
      writeFileSync(home.config, content)
      const read = readConfig(home)
      const wrong = listSettings(read).find(
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
      [spoiledText(chance, ['true', '12', 'wss://relay.example', '["a"]', ...NASTY])],
    ] as const,
  ([key, values]): Fault => {
    if (!isSettingKey(key)) return undefined
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
    return withFuzzHome(
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

/** The spoiled text of a JSON file with this content. */
export function fileText(chance: SeededChoices, sample: object): string {
  const good = JSON.stringify(sample, null, 2)
  return chance.often(40) ? spoiledText(chance, [good]) : JSON.stringify(spoiledJson(chance, sample))
}

/** Does `work` in a new home. Only a Failure may be thrown there, and it must not hold one of the secrets. */
export function withFuzzHome(work: (home: ReturnType<typeof homeOf>) => Fault, secrets: readonly string[] = []): Fault {
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

export const homeTargets = [config, typed, identity, holders]
