// One process, one store: what is written, what is left alone, and what becomes of damage.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { homeOf } from '../../../src/io/home/paths.ts'
import { withChecksum } from '../../../src/io/store/checksum.ts'
import { openStore } from '../../../src/io/store/store.ts'
import { CALL_ID, countingCodec, countUp } from '../../support/counting-codec.ts'
import { namesBelow, newDisk, newHome, remountReadOnly } from '../../support/temporary-home.ts'
import { startWorker } from '../../support/worker-process.ts'

const OTHER = 'd1'.repeat(32)

function openTestStore(home = newHome(), more: Partial<Parameters<typeof openStore>[2]> = {}) {
  const notices: string[] = []
  const store = openStore(home, countingCodec, {
    say: (notice) => notices.push(notice),
    command: 'test',
    now: () => 1_700_000_000_999,
    ...more,
  })
  return { home, store, notices }
}

describe('reading and writing', () => {
  it('reads an empty state of a home that is not there, and makes nothing', () => {
    const { home, store } = openTestStore()
    expect(store.read([CALL_ID])).toEqual({ index: countingCodec.empty(), logs: {} })
    expect(store.allLogIds()).toEqual([])
    expect(namesBelow(home.root)).toEqual([])
  })

  it('asks by its own clock whose letters are to be loaded', () => {
    const asked: number[] = []
    const open = (_: unknown, now: number): string[] => {
      asked.push(now)
      return []
    }
    const codec = { ...countingCodec, letters: { version: 1, parse: () => undefined, open } }
    openStore(newHome(), codec, { say: () => {}, command: 'test', now: () => 1_700_000_000_999 }).read()
    expect(asked).toEqual([1_700_000_000])
  })

  it('writes what changed, reads it back, and leaves nothing else behind', async () => {
    const { home, store } = openTestStore()
    expect(await store.update([], countUp)).toBe(1)
    expect(store.read()).toEqual({
      index: { version: 1, owner: '', count: 1, calls: [CALL_ID] },
      logs: { [CALL_ID]: { version: 1, count: 1, text: '' } },
    })
    expect(store.allLogIds()).toEqual([CALL_ID])
    expect(namesBelow(home.root)).toEqual(['p2p', 'p2p/calls', `p2p/calls/${CALL_ID}.json`, 'p2p/state.json'])
    expect(readFileSync(home.state, 'utf8')).toBe(
      withChecksum(`{"version":1,"owner":"","count":1,"calls":["${CALL_ID}"]}`),
    )
  })

  it('does not touch files whose object is the same', async () => {
    const { home, store } = openTestStore()
    await store.update([], countUp)
    const before = statSync(home.state).ino
    const log = { version: 1, count: 9, text: 'other' } as const
    await store.update([], ({ index, logs }) => ({ snapshot: { index, logs: { ...logs, [OTHER]: log } }, value: 0 }))
    expect(statSync(home.state).ino).toBe(before)
    const file = statSync(join(home.calls, `${CALL_ID}.json`)).ino
    await store.update([OTHER], ({ index, logs }) => ({ snapshot: { index: { ...index, count: 5 }, logs }, value: 0 }))
    expect(statSync(join(home.calls, `${CALL_ID}.json`)).ino).toBe(file)
    expect(statSync(home.state).ino).not.toBe(before)
    expect(store.read([OTHER]).logs[OTHER]).toEqual(log)
    expect(store.read().logs[OTHER]).toBeUndefined()
  })

  it('shows what is on disk to whoever adds to it without having asked for it', async () => {
    const { store } = openTestStore()
    const log = { version: 1, count: 9, text: 'kept' } as const
    await store.update([], ({ index, logs }) => ({ snapshot: { index, logs: { ...logs, [OTHER]: log } }, value: 0 }))
    await store.update([], ({ index, logs }) => {
      const held = logs[OTHER] ?? { version: 1 as const, count: 0, text: '' }
      return { snapshot: { index, logs: { ...logs, [OTHER]: { ...held, count: held.count + 1 } } }, value: 0 }
    })
    expect(store.read([OTHER]).logs[OTHER]).toEqual({ ...log, count: 10 })
  })

  it('writes nothing and frees the lock when the change throws', async () => {
    const { home, store } = openTestStore()
    await store.update([], countUp)
    const boom = () => {
      throw new Error('boom')
    }
    await expect(store.update([], boom)).rejects.toThrow('boom')
    expect(store.read().index.count).toBe(1)
    expect(readdirSync(home.dir).sort()).toEqual(['calls', 'state.json'])
    expect(await store.update([], countUp)).toBe(2)
  })

  it('lets two updates of one process follow each other', async () => {
    const { store } = openTestStore()
    const counts = await Promise.all(Array.from({ length: 8 }, () => store.update([], countUp)))
    expect(counts.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  // A call id comes from the wire: "../../.ssh/authorized_keys" must be no file name here.
  it.each(['../../escape', '', 'C0'.repeat(32), `${'c0'.repeat(31)}c/`, `${CALL_ID}\n`])(
    'refuses the id %j',
    async (id) => {
      const { home, store } = openTestStore()
      expect(() => store.read([id])).toThrow('call id')
      const log = { version: 1, count: 1, text: '' } as const
      await expect(
        store.update([], ({ index }) => ({ snapshot: { index, logs: { [id]: log } }, value: 0 })),
      ).rejects.toThrow('call id')
      expect(namesBelow(home.root).some((name) => name.includes('escape'))).toBe(false)
    },
  )

  it('makes folders 0700 and files 0600 whatever the umask says, and leaves the root as it is', async () => {
    const home = newHome()
    await expect(startWorker('loose', home, 0).ended).resolves.toMatchObject({ code: 0 })
    const modes = namesBelow(home.root).map((name) => [
      name,
      (statSync(join(home.root, name)).mode & 0o777).toString(8),
    ])
    expect(Object.fromEntries(modes)).toEqual({
      p2p: '700',
      'p2p-identity.json': '600',
      'p2p/calls': '700',
      [`p2p/calls/${CALL_ID}.json`]: '600',
      [`p2p/calls/${CALL_ID}.key`]: '600',
      'p2p/files': '700',
      'p2p/files/c0c0c0c0': '700',
      'p2p/files/c0c0c0c0/report.json': '600',
      'p2p/state.json': '600',
    })
  })

  it('refuses the state of another identity', async () => {
    const { home, store } = openTestStore()
    await store.update([], ({ index, logs }) => ({ snapshot: { index: { ...index, owner: 'aa' }, logs }, value: 0 }))
    expect(openTestStore(home, { me: 'aa' }).store.read().index.owner).toBe('aa')
    expect(() => openTestStore(home, { me: 'bb' }).store.read()).toThrow(
      expect.objectContaining({ code: 'OTHER_IDENTITY', exit: 4 }),
    )
    await expect(openTestStore(home, { me: 'bb' }).store.update([], countUp)).rejects.toMatchObject({
      code: 'OTHER_IDENTITY',
    })
  })
})

describe('damage', () => {
  it.each([
    ['empty', ''],
    ['half-written', '{"version":1,"count":'],
    ['of another kind', '{"hello":1}'],
    ['binary', '\0\0\0\0'],
  ])('rebuilds a state.json that is %s, keeps it, and says so', async (_, text) => {
    const { home, store, notices } = openTestStore()
    await store.update([], countUp)
    await store.update([], countUp)
    writeFileSync(home.state, text)
    const before = namesBelow(home.root)

    expect(store.read().index.count).toBe(2)
    expect(namesBelow(home.root)).toEqual(before)
    expect(notices).toEqual([expect.stringMatching(/state\.json is damaged .*rebuilt from the call files/)])

    expect(await store.update([], countUp)).toBe(3)
    expect(readFileSync(`${home.state}.damaged-1700000000`, 'utf8')).toBe(text)
    expect(notices[1]).toContain(`set aside as ${home.state}.damaged-1700000000`)
    expect(openTestStore(home).store.read().index.count).toBe(3)
  })

  it('writes the rebuilt index even when the change leaves it alone, and never over an earlier damaged file', async () => {
    const { home, store } = openTestStore()
    await store.update([], countUp)
    for (const text of ['first', 'second']) {
      writeFileSync(home.state, text)
      await store.update([], (snapshot) => ({ snapshot, value: 0 }))
      expect(JSON.parse(readFileSync(home.state, 'utf8'))).toMatchObject({ count: 1 })
    }
    expect(readFileSync(`${home.state}.damaged-1700000000`, 'utf8')).toBe('first')
    expect(readFileSync(`${home.state}.damaged-1700000000-2`, 'utf8')).toBe('second')
  })

  it('finds the calls again when the index is missing', () => {
    const { home, store, notices } = openTestStore()
    mkdirSync(home.calls, { recursive: true })
    writeFileSync(join(home.calls, `${CALL_ID}.json`), '{"version":1,"count":7,"text":""}')
    expect(store.read().index).toMatchObject({ count: 7, calls: [CALL_ID] })
    expect(notices).toEqual([])
  })

  it('leaves a damaged call out, sets it aside and goes on', async () => {
    const { home, store, notices } = openTestStore()
    await store.update([], countUp)
    const file = join(home.calls, `${CALL_ID}.json`)
    writeFileSync(file, '{')
    expect(store.read().logs).toEqual({})
    expect(readFileSync(file, 'utf8')).toBe('{')
    expect(await store.update([], countUp)).toBe(2)
    expect(readFileSync(`${file}.damaged-1700000000`, 'utf8')).toBe('{')
    expect(store.read().logs[CALL_ID]?.count).toBe(1)
    expect(notices).toHaveLength(2)
    expect(store.allLogIds()).toEqual([CALL_ID])
  })

  it.each(['state', 'call'] as const)('refuses a %s file of a newer version and leaves it as it is', async (which) => {
    const { home, store } = openTestStore()
    await store.update([], countUp)
    const file = which === 'state' ? home.state : join(home.calls, `${CALL_ID}.json`)
    writeFileSync(file, '{"version":2,"new":true}')
    const before = namesBelow(home.root)
    expect(() => store.read()).toThrow(expect.objectContaining({ code: 'STATE_NEWER', exit: 4 }))
    await expect(store.update([], countUp)).rejects.toMatchObject({ code: 'STATE_NEWER' })
    expect(readFileSync(file, 'utf8')).toBe('{"version":2,"new":true}')
    expect(namesBelow(home.root)).toEqual(before)
  })
})

describe('disks', () => {
  it('says that the disk is full, and has harmed nothing', async (test) => {
    const disk = newDisk(64)
    if ('no' in disk) return test.skip(disk.no)
    const { home, store } = openTestStore(homeOf(disk.folder, {}))
    await store.update([], countUp)
    const before = contents(home.dir)
    // The call's file fits the rest of the disk in part: a writer that does not look would put half of it in place.
    const big = 'x'.repeat(80_000)
    await expect(store.update([], (fresh) => countUp(fresh, big))).rejects.toMatchObject({
      code: 'DISK_FULL',
      exit: 1,
      message: expect.stringContaining(join(home.calls, `${CALL_ID}.json`)),
    })
    expect(contents(home.dir)).toEqual(before)
    expect(await store.update([], (fresh) => countUp(fresh, 'small'))).toBe(2)

    // The call fits and the index does not: neither is put in place.
    const wide = Array.from({ length: 600 }, (_, n) => n.toString(16).padStart(64, '0'))
    const after = contents(home.dir)
    await expect(
      store.update([], (fresh) => {
        const { snapshot, value } = countUp(fresh, 'x'.repeat(30_000))
        return { snapshot: { ...snapshot, index: { ...snapshot.index, calls: [CALL_ID, ...wide] } }, value }
      }),
    ).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(contents(home.dir)).toEqual(after)
  })

  it('reads from a read-only disk, and names the path that it cannot write', async (test) => {
    const disk = newDisk(256)
    if ('no' in disk) return test.skip(disk.no)
    const { home, store } = openTestStore(homeOf(disk.folder, {}))
    await store.update([], countUp)
    remountReadOnly(disk.folder)
    expect(store.read().index.count).toBe(1)
    await expect(store.update([], countUp)).rejects.toMatchObject({
      code: 'HOME_UNWRITABLE',
      exit: 1,
      message: expect.stringContaining(home.dir),
      hint: expect.stringContaining('mount it'),
    })
  })

  it('names the path where a file is in the way of the folder', async () => {
    const home = newHome()
    writeFileSync(home.dir, 'no folder')
    const { store } = openTestStore(home)
    expect(() => store.read()).toThrow(expect.objectContaining({ code: 'HOME_UNWRITABLE' }))
    await expect(store.update([], countUp)).rejects.toMatchObject({ code: 'HOME_UNWRITABLE' })
    expect(existsSync(home.dir)).toBe(true)
  })
})

function contents(folder: string): Record<string, string> {
  const files = namesBelow(folder).filter((name) => statSync(join(folder, name)).isFile())
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}
