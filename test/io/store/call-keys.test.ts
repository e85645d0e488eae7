// The secret of a call: there before its call is, read only where nobody else can read it, never written over, and named when it goes.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
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
import { placeFile } from '../../../src/io/files/received.ts'
import { saveTranscript } from '../../../src/io/files/transcripts.ts'
import { type Home, homeOf } from '../../../src/io/home/paths.ts'
import type { OnStep } from '../../../src/io/store/atomic.ts'
import { callKeyPath, listCallKeys, readCallKey } from '../../../src/io/store/call-keys.ts'
import { thisHolder } from '../../../src/io/store/lock-holder.ts'
import { openStore } from '../../../src/io/store/store.ts'
import { randomKeys, toHex } from '../../../src/nostr/crypto.ts'
import { removalsOf } from '../../../src/state/retention.ts'
import { CALL_ID, CALL_SECRET, countingCodec, countUp } from '../../support/counting-codec.ts'
import { killedAtEveryStep } from '../../support/killed-homes.ts'
import { namesBelow, newDisk, newFolder, newHome } from '../../support/temporary-home.ts'

const OTHER = `${CALL_ID.slice(0, -2)}c1`
const HEX = toHex(CALL_SECRET.keys.secret)

const store = (home: Home, step: OnStep = () => {}) =>
  openStore(home, countingCodec, { say: () => {}, command: 'test', step })

/** A change of nothing: the lock is taken and left. */
const change = (home: Home, step: OnStep = () => {}) =>
  store(home, step).update([], (snapshot) => ({ snapshot, value: 0 }))

/** A home with a call and its key. */
async function keyed(home = newHome(), step: OnStep = () => {}): Promise<Home> {
  await store(home, step).update([], (fresh) => ({ ...countUp(fresh), secrets: [CALL_SECRET] }))
  return home
}

describe('the key of a call', () => {
  it('is written with its call and read back, 0600, and lies nowhere else', async () => {
    const home = await keyed()
    expect(readCallKey(home, CALL_ID)).toEqual(CALL_SECRET.keys)
    expect(statSync(callKeyPath(home, CALL_ID)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(callKeyPath(home, CALL_ID), 'utf8'))).toEqual({
      ...{ version: 1, call: CALL_ID, secretKey: HEX, pubkey: CALL_SECRET.keys.pubkey },
    })
    expect(filesWith(home, HEX)).toEqual([`p2p/calls/${CALL_ID}.key`])
    expect(readCallKey(home, OTHER)).toBeUndefined()
    expect(listCallKeys(home)).toEqual([{ call: CALL_ID, changed: expect.closeTo(Date.now() / 1000, -2) }])
    expect(listCallKeys(newHome())).toEqual([])
  })

  it('is on the disk before anything of its call is', async () => {
    const home = newHome()
    const steps: string[] = []
    const one = openStore(home, countingCodec, { say: () => {}, command: 'test', step: (name) => steps.push(name) })
    await one.update([], (fresh) => ({ ...countUp(fresh), secrets: [CALL_SECRET] }))
    const key = callKeyPath(home, CALL_ID)
    const at = (name: string) => steps.indexOf(name)
    const order = [`write ${key}`, `fsync ${key}`, `rename ${key}`, `fsync ${home.calls}`].map(at)
    expect(order.every((n) => n >= 0)).toBe(true)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(at(`rename ${join(home.calls, `${CALL_ID}.json`)}`)).toBeGreaterThan(order.at(-1) ?? 0)
  })

  it('that is there stays: the same is no news, another one is refused, and nothing of the change is written', async () => {
    const home = await keyed()
    const inode = statSync(callKeyPath(home, CALL_ID)).ino
    await keyed(home)
    expect(statSync(callKeyPath(home, CALL_ID)).ino).toBe(inode)
    const another = { call: CALL_ID, keys: randomKeys() }
    const writing = store(home).update([], (fresh) => ({ ...countUp(fresh), secrets: [another] }))
    await expect(writing).rejects.toMatchObject({ code: 'CALL_KEY_UNSAFE', exit: 4 })
    expect([readCallKey(home, CALL_ID), store(home).read().index.count]).toEqual([CALL_SECRET.keys, 2])
    expect(readdirSync(home.dir).sort()).toEqual(['calls', 'state.json'])
  })

  it.each(['../../escape', '', 'C0'.repeat(32), `${CALL_ID}/`, `${CALL_ID}\n`])(
    'has no place for the id %j',
    async (call) => {
      const home = newHome()
      expect(() => readCallKey(home, call)).toThrow('call id')
      const secrets = [{ call, keys: CALL_SECRET.keys }]
      await expect(store(home).update([], (fresh) => ({ ...countUp(fresh), secrets }))).rejects.toThrow('call id')
      expect(namesBelow(home.root).filter((name) => name.includes('escape') || name.endsWith('.key'))).toEqual([])
    },
  )

  it('does not come to be on a full disk, nor its call', async (test) => {
    const disk = newDisk(64)
    if ('no' in disk) return test.skip(disk.no)
    const home = homeOf(disk.folder, {})
    await store(home).update([], (snapshot) => ({ snapshot, value: 0 }))
    mkdirSync(home.calls, { recursive: true })
    try {
      writeFileSync(join(disk.folder, 'filler'), 'x'.repeat(65_536))
    } catch {}
    await expect(keyed(home)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(readdirSync(home.calls)).toEqual([])
  })
})

describe('a key file that is not safe is refused and left as it is', () => {
  const cases: [string, (path: string) => void, RegExp][] = [
    ['that the group can read', (path) => chmodSync(path, 0o640), /chmod 600/],
    ['that others can write', (path) => chmodSync(path, 0o602), /chmod 600/],
    ['that is a link', (path) => moveAway(path, (there) => symlinkSync(there, path)), /in its place/],
    ['that is a link to nothing', (path) => moveAway(path, () => symlinkSync('/nonexistent', path)), /in its place/],
    ['that is a folder', (path) => moveAway(path, () => mkdirSync(path, 0o700)), /put a copy of it/],
    ['that is a pipe', (path) => moveAway(path, () => execFileSync('mkfifo', ['-m', '600', path])), /put a copy of it/],
    ['that is too large', (path) => writeFileSync(path, ' '.repeat(4097)), /put a copy of it/],
  ]
  it.each(cases)('%s', async (_, spoil, hint) => {
    const home = await keyed()
    spoil(callKeyPath(home, CALL_ID))
    const before = namesBelow(home.root)
    const failure = refusal(() => readCallKey(home, CALL_ID))
    expect(failure).toMatchObject({ code: 'CALL_KEY_UNSAFE', exit: 4, hint: expect.stringMatching(hint) })
    expect(failure.message).toContain(callKeyPath(home, CALL_ID))
    await expect(keyed(home)).rejects.toMatchObject({ code: 'CALL_KEY_UNSAFE' })
    expect(namesBelow(home.root)).toEqual(before)
  })

  it('that belongs to another user', async (test) => {
    if (process.getuid?.() !== 0) return test.skip('only root can give a file away')
    const home = await keyed()
    chownSync(callKeyPath(home, CALL_ID), 12345, 12345)
    expect(refusal(() => readCallKey(home, CALL_ID))).toMatchObject({ code: 'CALL_KEY_UNSAFE' })
  })
})

describe('a damaged key file is no key, and is not quoted', () => {
  it.each([
    ['empty', ''],
    ['cut off', `{"version":1,"call":"${CALL_ID}","secretKey":"${HEX.slice(0, 40)}`],
    ['no JSON', HEX],
    ['a list', '[]'],
    ['of another call', JSON.stringify({ version: 1, call: OTHER, secretKey: HEX, pubkey: CALL_SECRET.keys.pubkey })],
    ['with the public key of another', JSON.stringify({ call: CALL_ID, secretKey: HEX, pubkey: 'ab'.repeat(32) })],
    ['without its public key', JSON.stringify({ call: CALL_ID, secretKey: HEX })],
    ['a key of zeros', JSON.stringify({ call: CALL_ID, secretKey: '0'.repeat(64), pubkey: CALL_SECRET.keys.pubkey })],
    [
      'a key of the wrong length',
      JSON.stringify({ call: CALL_ID, secretKey: HEX.slice(2), pubkey: CALL_SECRET.keys.pubkey }),
    ],
  ])('%s', async (_, text) => {
    const home = newHome()
    mkdirSync(home.calls, { recursive: true })
    writeFileSync(callKeyPath(home, CALL_ID), text, { mode: 0o600 })
    expect(readCallKey(home, CALL_ID)).toBe('damaged')
    expect(readFileSync(callKeyPath(home, CALL_ID), 'utf8')).toBe(text)
    await keyed(home)
    expect(readCallKey(home, CALL_ID)).toEqual(CALL_SECRET.keys)
  })

  it('one that was copied to another call is none there', async () => {
    const home = await keyed()
    copyFileSync(callKeyPath(home, CALL_ID), callKeyPath(home, OTHER))
    expect([readCallKey(home, OTHER), readCallKey(home, CALL_ID)]).toEqual(['damaged', CALL_SECRET.keys])
  })
})

describe('SIGKILL', () => {
  it('before any step leaves no call without its key, and no second copy of the secret', async () => {
    const seen = new Set<string>()
    const killed = newHome()
    for (const home of await killedAtEveryStep(killed, (step) => keyed(killed, step))) {
      const there = [existsSync(callKeyPath(home, CALL_ID)), existsSync(join(home.calls, `${CALL_ID}.json`))]
      seen.add(there.join())
      if (there[1]) expect(readCallKey(home, CALL_ID)).toEqual(CALL_SECRET.keys)
      // The next run: the key that was there is the one that goes out, and what was half done is gone, wherever it lay.
      const held = readCallKey(home, CALL_ID)
      expect([undefined, CALL_SECRET.keys]).toContainEqual(held)
      await keyed(home)
      expect(readCallKey(home, CALL_ID)).toEqual(CALL_SECRET.keys)
      expect(filesWith(home, HEX)).toEqual([`p2p/calls/${CALL_ID}.key`])
    }
    expect(seen).toEqual(new Set(['false,false', 'true,false', 'true,true']))
  }, 60_000)

  // A run dies with a key that it has just written, and the one that takes its lock away dies too.
  it('twice leaves no key for an hour in what was a lock', async () => {
    const home = newHome()
    const released = join(home.dir, 'lock-beef')
    mkdirSync(released, { recursive: true })
    writeFileSync(join(released, 'holder.json'), '{}')
    writeFileSync(join(released, `key-${CALL_ID}`), JSON.stringify({ secretKey: HEX }))
    const lobby = join(home.dir, 'lock-cafe', 'cafe')
    mkdirSync(lobby, { recursive: true })
    writeFileSync(join(lobby, 'holder.json'), '{}')
    await store(home).update([], (snapshot) => ({ snapshot, value: 0 }))
    expect(filesWith(home, HEX)).toEqual([])
    // Whoever waits for the lock has a folder of its own.
    expect(existsSync(lobby)).toBe(true)
  })

  it.each([
    ['a lock that its run has left', 'lock-beef'],
    ['the lock of a run that is no more', join('lock', 'beef')],
  ])('before any step of clearing %s leaves no key for an hour', async (_, held) => {
    const killed = newHome()
    const folder = join(killed.dir, held)
    mkdirSync(folder, { recursive: true })
    const dead = { ...thisHolder('test'), processStart: 'of a process that was killed' }
    // In whatever order the folder is listed, some of it stands before its holder and some behind it.
    for (const name of ['aaa', 'zzz', `key-${CALL_ID}`, 'removed-0']) writeFileSync(join(folder, name), HEX)
    writeFileSync(join(folder, 'holder.json'), JSON.stringify(dead))
    const left = new Set<number>()
    for (const home of await killedAtEveryStep(killed, (step) => change(killed, step))) {
      left.add(filesWith(home, HEX).length)
      await change(home)
      expect(filesWith(home, HEX)).toEqual([])
    }
    expect([...left].sort()).toEqual([0, 1, 2, 3, 4])
  })

  it('before any step of a removal leaves what the next one removes, the key first', async () => {
    const killed = await keyed()
    fill(killed)
    for (const home of await killedAtEveryStep(killed, (step) =>
      store(killed, step).remove((snapshot) => ({ snapshot, removals: removalsOf(CALL_ID, [], true) })),
    )) {
      const key = existsSync(callKeyPath(home, CALL_ID))
      // What the key protects may be there without it, never the other way round.
      if (key) expect(existsSync(join(home.calls, `${CALL_ID}.json`))).toBe(true)
      await store(home).remove((snapshot) => ({ snapshot, removals: removalsOf(CALL_ID, [], true) }))
      expect(filesWith(home, HEX)).toEqual([])
      expect(namesBelow(home.root).filter((name) => name.includes(CALL_ID.slice(0, 8)))).toEqual([])
    }
  }, 60_000)
})

describe('what is removed', () => {
  it('is named, and nothing else is touched', async () => {
    const home = await keyed()
    const made = fill(home)
    await store(home).update([OTHER], (fresh) => {
      const log = { version: 1 as const, count: 1, text: 'stays' }
      return { snapshot: { index: fresh.index, logs: { ...fresh.logs, [OTHER]: log } }, value: 0 }
    })
    const removed = await store(home).remove((snapshot) => ({
      ...{ snapshot: { ...snapshot, index: { ...snapshot.index, calls: [] } } },
      removals: removalsOf(CALL_ID, [], true),
    }))
    expect(removed.sort()).toEqual([callKeyPath(home, CALL_ID), join(home.calls, `${CALL_ID}.json`), ...made].sort())
    expect(namesBelow(home.dir)).toEqual(['calls', `calls/${OTHER}.json`, 'files', 'state.json', 'transcripts'])
    expect(store(home).read().index.calls).toEqual([])
    const again = store(home).remove((snapshot) => ({ snapshot, removals: removalsOf(CALL_ID, [], true) }))
    expect(await again).toEqual([])
  })

  it('is also the copy of a key that a killed run has left on a disk of its own', async () => {
    const home = newHome()
    mkdirSync(home.calls, { recursive: true })
    for (const name of [`${CALL_ID}.key.next`, 'x.key', `${CALL_ID}.key.old`, `${CALL_ID.toUpperCase()}.key`])
      writeFileSync(join(home.calls, name), HEX)
    expect(listCallKeys(home).map(({ call }) => call)).toEqual([CALL_ID])
    const removals = [{ type: 'key' as const, call: CALL_ID }]
    const removed = await store(home).remove((snapshot) => ({ snapshot, removals }))
    expect(removed).toEqual([join(home.calls, `${CALL_ID}.key.next`)])
  })

  it('is the link and not what it leads to, and what lies on another disk too', async (test) => {
    const home = await keyed()
    const elsewhere = newFolder()
    writeFileSync(join(elsewhere, 'mine'), 'mine')
    mkdirSync(home.files, { recursive: true })
    symlinkSync(elsewhere, join(home.files, CALL_ID.slice(0, 8)))
    const folder = [{ type: 'files' as const, folder: CALL_ID.slice(0, 8) }]
    const remove = () => store(home).remove((snapshot) => ({ snapshot, removals: folder }))
    expect(await remove()).toEqual([join(home.files, CALL_ID.slice(0, 8))])
    expect(readdirSync(elsewhere)).toEqual(['mine'])
    const disk = newDisk(64)
    if ('no' in disk) return test.skip(disk.no)
    rmSync(home.files, { recursive: true })
    symlinkSync(disk.folder, home.files)
    placeFile(home, CALL_ID, 'report.json', new Uint8Array([1]))
    expect(await remove()).toEqual([join(home.files, CALL_ID.slice(0, 8))])
    expect(readdirSync(disk.folder)).toEqual([])
  })

  it.each(['..', '', 'C0C0C0C0', 'c0c0c0c0/..', 'c0c0c0c'])('is never the folder %j', async (folder) => {
    const home = await keyed()
    const removals = [{ type: 'files' as const, folder }]
    await expect(store(home).remove((snapshot) => ({ snapshot, removals }))).rejects.toThrow('eight hex digits')
  })
})

/** What else there may be of a call: an archive, a damaged copy, a transcript, a received file. @returns the paths */
function fill(home: Home): string[] {
  const archive = join(home.calls, CALL_ID)
  mkdirSync(archive, { mode: 0o700 })
  writeFileSync(join(archive, '1.json'), '{}')
  const damaged = join(home.calls, `${CALL_ID}.json.damaged-1700000000`)
  writeFileSync(damaged, '{')
  placeFile(home, CALL_ID, 'report.json', new Uint8Array([1]))
  return [archive, damaged, saveTranscript(home, CALL_ID, '# call'), join(home.files, CALL_ID.slice(0, 8))]
}

function filesWith(home: Home, text: string): string[] {
  return namesBelow(home.root).filter((name) => {
    const path = join(home.root, name)
    return statSync(path).isFile() && readFileSync(path, 'latin1').includes(text)
  })
}

function moveAway(path: string, make: (there: string) => void): void {
  const there = join(newFolder(), 'elsewhere')
  renameSync(path, there)
  make(there)
}

/** The Failure of a refusal, which tells nothing of the secret. */
function refusal(work: () => unknown): Failure {
  try {
    work()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    expect(`${error.message} ${error.hint} ${error.stack}`).not.toContain(HEX.slice(0, 12))
    return error
  }
  throw new Error('not refused')
}
