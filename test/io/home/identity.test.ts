// The secret key: made once, read only when nobody else can, and never in a message.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { loadIdentity } from '../../../src/io/home/identity.ts'
import { type Env, type Home, homeOf } from '../../../src/io/home/paths.ts'
import { fromHex, keysFrom, toHex } from '../../../src/nostr/crypto.ts'
import { decodeNip19, nsecEncode } from '../../../src/nostr/nip19.ts'
import { killedAtEveryStep } from '../../support/killed-homes.ts'
import { namesBelow, newDisk, newHome, remountReadOnly } from '../../support/temporary-home.ts'
import { startWorkersTogether } from '../../support/worker-process.ts'

const SECRET = '67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa'
const PUBKEY = '7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e'

describe('the identity file', () => {
  it('is made on the first run and read ever after', () => {
    const home = newHome()
    const keys = loadIdentity(home, {}, { now: 1_700_000_000_999 })
    const file = JSON.parse(readFileSync(home.identity, 'utf8'))
    expect(file).toEqual({
      version: 1,
      secretKey: toHex(keys.secret),
      pubkey: keys.pubkey,
      npub: expect.stringMatching(/^npub1/),
      createdAt: 1_700_000_000,
    })
    expect(decodeNip19(file.npub)).toEqual({ type: 'npub', pubkey: keys.pubkey })
    expect(statSync(home.identity).mode & 0o777).toBe(0o600)
    expect(loadIdentity(home, {})).toEqual(keys)
    expect(namesBelow(home.root)).toEqual(['p2p-identity.json'])
  })

  it('is made in a folder that is not there yet, 0700', () => {
    const home = homeOf(join(newHome().root, 'a', 'b'), {})
    loadIdentity(home, {})
    expect(statSync(home.root).mode & 0o777).toBe(0o700)
  })

  it('is one for all that run for the first time at once', async () => {
    for (let round = 0; round < 3; round++) {
      const home = newHome()
      const workers = await startWorkersTogether('identity', home, Array(8).fill(0))
      await Promise.all(workers.map((worker) => worker.ended))
      const pubkeys = new Set(workers.flatMap((worker) => worker.lines))
      expect(pubkeys).toEqual(new Set([loadIdentity(home, {}).pubkey]))
      expect(namesBelow(home.root)).toEqual(['p2p-identity.json'])
    }
  })

  it('is whole or not there when the first run is killed at any step', async () => {
    const killed = newHome()
    const homes = await killedAtEveryStep(killed, (step) => loadIdentity(killed, {}, { step }))
    expect(homes.length).toBeGreaterThan(3)
    for (const home of homes) {
      const keys = loadIdentity(home, {})
      expect(loadIdentity(home, {})).toEqual(keys)
      // Not even a second name of the secret stays behind.
      expect(namesBelow(home.root)).toEqual(['p2p-identity.json'])
    }
  })

  it('is read when it was written by hand: nsec, no pubkey', () => {
    expect(loadIdentity(homeWith({ version: 1, secretKey: nsecEncode(bytes(SECRET)) }), {}).pubkey).toBe(PUBKEY)
  })
})

describe('an identity file that is not safe is refused and left as it is', () => {
  const cases: [string, (home: Home) => void, RegExp][] = [
    ['that the group can read', (home) => chmodSync(home.identity, 0o640), /chmod 600/],
    ['that others can write', (home) => chmodSync(home.identity, 0o602), /chmod 600/],
    ['that is a link', (home) => replaceByLink(home, symlinkSync), /that it leads to/],
    ['that is a link to nothing', (home) => replace(home, () => symlinkSync('/nonexistent', home.identity)), /./],
    ['that is a folder', (home) => replace(home, () => mkdirSync(home.identity, 0o700)), /put a copy/],
    [
      'that is a pipe',
      (home) => replace(home, () => execFileSync('mkfifo', ['-m', '600', home.identity])),
      /put a copy/,
    ],
    ['that is too large', (home) => writeFileSync(home.identity, ' '.repeat(4097), { mode: 0o600 }), /put a copy/],
  ]
  it.each(cases)('%s', (_, spoil, hint) => {
    const home = homeWith({ version: 1, secretKey: SECRET })
    spoil(home)
    const before = readdirSync(home.root)
    const failure = refusal(home)
    expect(failure).toMatchObject({ code: 'IDENTITY_UNSAFE', exit: 4, hint: expect.stringMatching(hint) })
    expect(failure.message).toContain(home.identity)
    expect(readdirSync(home.root)).toEqual(before)
  })

  it('that belongs to another user', (test) => {
    if (process.getuid?.() !== 0) return test.skip('only root can give a file away')
    const home = homeWith({ version: 1, secretKey: SECRET })
    chownSync(home.identity, 12345, 12345)
    const failure = refusal(home)
    expect(failure).toMatchObject({ code: 'IDENTITY_UNSAFE', hint: expect.stringContaining('run p2p as that user') })
    expect(failure.message).toContain('uid 12345')
  })

  // A hard link is no reason to refuse: backups make them.
  it('but one with a second name is read', () => {
    const home = homeWith({ version: 1, secretKey: SECRET })
    linkSync(home.identity, join(home.root, 'backup.json'))
    expect(loadIdentity(home, {}).pubkey).toBe(PUBKEY)
    expect(readdirSync(home.root).sort()).toEqual(['backup.json', 'p2p-identity.json'])
  })
})

describe('a damaged identity file is refused, kept, and not quoted', () => {
  it.each([
    ['empty', ''],
    ['cut off', `{"version":1,"secretKey":"${SECRET.slice(0, 40)}`],
    ['no JSON, the key in its first bytes', `${SECRET}`],
    ['a key of the wrong length', `{"version":1,"secretKey":"${SECRET.slice(2)}"}`],
    ['a key of zeros', `{"version":1,"secretKey":"${'0'.repeat(64)}"}`],
    ['the pubkey of another', `{"version":1,"secretKey":"${SECRET}","pubkey":"${'ab'.repeat(32)}"}`],
    ['a list', '[]'],
    ['null', 'null'],
  ])('%s', (_, text) => {
    const home = homeWith(text)
    expect(refusal(home)).toMatchObject({
      code: 'IDENTITY_DAMAGED',
      exit: 4,
      hint: expect.stringMatching(/^put a copy of the identity file/),
    })
    expect(readFileSync(home.identity, 'utf8')).toBe(text)
  })

  it('and one of a newer version', () => {
    const home = homeWith({ version: 2, secretKey: SECRET })
    expect(refusal(home)).toMatchObject({ code: 'STATE_NEWER', exit: 4 })
  })
})

describe('P2P_SECRET_KEY', () => {
  it.each([SECRET, SECRET.toUpperCase(), nsecEncode(bytes(SECRET)), ` ${SECRET}\n`])(
    'wins, and no file is touched: %#',
    (text) => {
      const home = homeWith('damaged')
      expect(loadIdentity(home, { P2P_SECRET_KEY: text })).toEqual(keysFrom(bytes(SECRET)))
      const none = newHome()
      loadIdentity(none, { P2P_SECRET_KEY: text })
      expect(namesBelow(none.root)).toEqual([])
    },
  )

  it.each(['', ' ', 'x', SECRET.slice(1), `${SECRET}00`, `${nsecEncode(bytes(SECRET)).slice(0, -1)}q`, 'f'.repeat(64)])(
    'that is no key is refused and not echoed: %#',
    (text) => {
      const failure = refusal(newHome(), { P2P_SECRET_KEY: text })
      expect(failure).toMatchObject({ code: 'BAD_SECRET', exit: 2 })
      if (text.length > 4) expect(everythingSaidBy(failure)).not.toContain(text.slice(0, 6))
    },
  )
})

describe('disks', () => {
  it('that are full leave no half of an identity', (test) => {
    const disk = newDisk(16)
    if ('no' in disk) return test.skip(disk.no)
    writeFileSync(join(disk.folder, 'filler'), 'x'.repeat(16_384))
    const home = homeOf(disk.folder, {})
    expect(refusal(home)).toMatchObject({ code: 'DISK_FULL', exit: 1 })
    expect(readdirSync(disk.folder)).toEqual(['filler'])
  })

  it('that are read-only give the identity that is there, and a clear word when there is none', (test) => {
    const disk = newDisk(64)
    if ('no' in disk) return test.skip(disk.no)
    const home = homeOf(join(disk.folder, 'here'), {})
    const keys = loadIdentity(home, {})
    remountReadOnly(disk.folder)
    expect(loadIdentity(home, {})).toEqual(keys)
    for (const other of [disk.folder, join(disk.folder, 'new', 'home')]) {
      const failure = refusal(homeOf(other, {}))
      expect(failure).toMatchObject({ code: 'HOME_UNWRITABLE', exit: 1, hint: expect.stringContaining('--home') })
      expect(failure.message).toContain(disk.folder)
    }
  })
})

/** The Failure of a refusal, after a look at everything it says: no six digits of the secret in a row. */
function refusal(home: Home, env: Env = {}): Failure {
  try {
    loadIdentity(home, env)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const nsec = nsecEncode(bytes(SECRET))
    for (const secret of [SECRET, nsec.slice(5)])
      for (let at = 0; at + 6 <= secret.length; at++)
        expect(everythingSaidBy(error)).not.toContain(secret.slice(at, at + 6))
    return error
  }
  throw new Error('not refused')
}

function everythingSaidBy(error: Failure): string {
  return `${error.message} ${error.hint} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`
}

function homeWith(content: string | object): Home {
  const home = newHome()
  writeFileSync(home.identity, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  return home
}

function replace(home: Home, make: () => void): void {
  rmSync(home.identity)
  make()
}

function replaceByLink(home: Home, link: (target: string, path: string) => void): void {
  renameSync(home.identity, join(home.root, 'elsewhere.json'))
  link(join(home.root, 'elsewhere.json'), home.identity)
}

function bytes(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array()
}
