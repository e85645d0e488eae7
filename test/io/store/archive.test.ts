// A long call on disk: its segments are there whenever its head names them, whoever dies or reads in between.
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseLog } from '../../../src/call/log-codec.ts'
import type { Home } from '../../../src/io/home/paths.ts'
import { openStore } from '../../../src/io/store/store.ts'
import { killedAtEveryStep } from '../../support/killed-homes.ts'
import {
  addMessages,
  endCall,
  expectedTexts,
  LONG_CALL,
  OUR_KEY,
  repeatFirstMessage,
  segmentsIn,
  smallArchiveCodec,
  textsOf,
  touchCall,
  writeLongCall,
} from '../../support/long-call.ts'
import { must } from '../../support/must.ts'
import { namesBelow, newHome } from '../../support/temporary-home.ts'

function openTestStore(home = newHome(), codec = smallArchiveCodec, step: (name: string) => void = () => {}) {
  const notices: string[] = []
  const say = (notice: string) => notices.push(notice)
  const store = openStore(home, codec, { say, step, command: 'test', me: OUR_KEY, now: () => 1_700_000_000_999 })
  return { home, store, notices, head: join(home.calls, `${LONG_CALL}.json`), folder: join(home.calls, LONG_CALL) }
}

/** A home with a call of so many words of each side. */
async function storeWithCall(words: number) {
  const opened = openTestStore()
  await writeLongCall(opened.store, words)
  return opened
}

function copyOf(home: Home): Home {
  const copy = newHome()
  cpSync(home.root, copy.root, { recursive: true })
  return copy
}

describe('a call that goes on', () => {
  it('keeps a short head and leaves its segments as they were written', async () => {
    const { home, store, head, folder, notices } = await storeWithCall(8)
    const names = segmentsIn(home)
    expect(names.length).toBeGreaterThan(3)
    const [inode, size] = [statSync(join(folder, '1.json')).ino, statSync(head).size]
    for (let n = 0; n < 12; n++) await store.update([], addMessages)
    expect(statSync(join(folder, '1.json')).ino).toBe(inode)
    expect(statSync(head).size).toBeLessThan(1.5 * size)
    expect(segmentsIn(home).length).toBeGreaterThan(names.length)
    for (const one of [store, openTestStore(home).store])
      expect(textsOf(must(one.readLog(LONG_CALL)))).toEqual(expectedTexts(20))
    expect(textsOf(store.read().logs[LONG_CALL]).length).toBeLessThan(12)
    expect(textsOf(store.read([], [LONG_CALL]).logs[LONG_CALL])).toEqual(expectedTexts(20))
    expect(store.allLogIds()).toEqual([LONG_CALL])
    expect(notices).toEqual([])
  })

  it('lies in folders of 0700 and files of 0600', async () => {
    const { folder } = await storeWithCall(8)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  })

  it('is parsed once in a run, however often it is looked at', async () => {
    const { home } = await storeWithCall(8)
    let parsed = 0
    const counting = {
      ...smallArchiveCodec,
      parseLog: (value: unknown) => {
        parsed++
        return smallArchiveCodec.parseLog(value)
      },
    }
    const { store } = openTestStore(home, counting)
    store.read()
    for (let n = 0; n < 6; n++) await store.update([], addMessages)
    store.read()
    expect(parsed).toBe(1)
  })

  it('is joined for what may lie in a segment, and parted as it was', async () => {
    const { home, store, head } = await storeWithCall(8)
    const before = [...segmentsIn(home), readFileSync(head, 'utf8')]
    expect(await store.update([], repeatFirstMessage)).toBe(1)
    expect([...segmentsIn(home), readFileSync(head, 'utf8')]).toEqual(before)
    expect(textsOf(must(store.readLog(LONG_CALL)))).toEqual(expectedTexts(8))
  })

  it('is one file again once it has an end', async () => {
    const { home, store, head, folder } = await storeWithCall(8)
    const said = await store.update([], endCall)
    expect(said?.tags).toContainEqual(['ack', '9', expect.stringMatching(/^[0-9a-f]{64}$/)])
    expect(existsSync(folder)).toBe(false)
    expect(textsOf(must(store.read().logs[LONG_CALL]))).toEqual(expectedTexts(8))
    expect(JSON.parse(readFileSync(head, 'utf8'))).not.toHaveProperty('archive')
    expect(namesBelow(home.dir)).toEqual(['calls', `calls/${LONG_CALL}.json`, 'state.json'])
  })

  it('is in an index that is made anew', async () => {
    const { home, store } = await storeWithCall(8)
    const before = must(store.read().index.calls[LONG_CALL])
    writeFileSync(home.state, '{')
    expect(openTestStore(home).store.read().index.calls[LONG_CALL]).toEqual({ ...before, open: true })
  })
})

describe('a kill before any step', () => {
  it('of a word that is archived leaves the old or the new', async () => {
    // Some of them are put into a segment, whichever word it is.
    const packs = new Set<boolean>()
    // Every other step of each, and so each step of one of them.
    for (const [words, odd] of [
      [7, 0],
      [8, 1],
    ] as const) {
      const { home, store } = await storeWithCall(words)
      const names = segmentsIn(home).length
      expect(textsOf(must(store.readLog(LONG_CALL)))).toEqual(expectedTexts(words))
      const homes = await killedAtEveryStep(home, (step) =>
        openTestStore(home, smallArchiveCodec, step).store.update([], addMessages),
      )
      for (const copy of homes.filter((_, n) => n % 2 === odd)) {
        const { store: later, notices } = openTestStore(copy)
        const held = textsOf(must(later.readLog(LONG_CALL)))
        expect([expectedTexts(words), expectedTexts(words + 1)]).toContainEqual(held)
        await later.update([], addMessages)
        expect(textsOf(must(later.readLog(LONG_CALL)))).toEqual(expectedTexts(held.length / 2 + 1))
        expect(notices).toEqual([])
        packs.add(segmentsIn(copy).length > names)
      }
    }
    expect(packs.has(true)).toBe(true)
  }, 60_000)

  it('of an end leaves the call in segments or in one piece, and no segment for good', async () => {
    const { home } = await storeWithCall(8)
    const pieces = new Set<boolean>()
    for (const copy of await killedAtEveryStep(home, (step) =>
      openTestStore(home, smallArchiveCodec, step).store.update([], endCall),
    )) {
      const { store, notices, head } = openTestStore(copy)
      expect(textsOf(must(store.readLog(LONG_CALL)))).toEqual(expectedTexts(8))
      const isWhole = !readFileSync(head, 'utf8').includes('"archive"')
      pieces.add(isWhole)
      await (isWhole ? store.update([LONG_CALL], touchCall) : store.update([LONG_CALL], endCall))
      expect(textsOf(must(store.readLog(LONG_CALL)))).toEqual(expectedTexts(8))
      expect(segmentsIn(copy)).toEqual([])
      expect(notices).toEqual([])
    }
    expect([...pieces].sort()).toEqual([false, true])
  }, 60_000)
})

describe('a reader without a lock', () => {
  it('finds all of it at every step of what others do', async () => {
    const { home } = await storeWithCall(7)
    const reader = openTestStore(home)
    const held: string[][] = []
    const { store } = openTestStore(home, smallArchiveCodec, () =>
      held.push(textsOf(must(reader.store.readLog(LONG_CALL)))),
    )
    for (let n = 0; n < 3; n++) await store.update([], addMessages)
    await store.update([], endCall)
    expect(held.length).toBeGreaterThan(20)
    const all = [7, 8, 9, 10].map(expectedTexts)
    for (const words of held) expect(all).toContainEqual(words)
    expect(reader.notices).toEqual([])
  })

  it('who has read a head whose segments have just gone reads it once more', async () => {
    const { home, store } = await storeWithCall(8)
    const whole = copyOf(home)
    await openTestStore(whole).store.update([], endCall)
    let raced = false
    const slow = {
      ...smallArchiveCodec,
      parseLog: (value: unknown) => {
        if (!raced) {
          copyFileSync(join(whole.calls, `${LONG_CALL}.json`), join(home.calls, 'new'))
          rmSync(join(home.calls, `${LONG_CALL}.json`))
          copyFileSync(join(home.calls, 'new'), join(home.calls, `${LONG_CALL}.json`))
          rmSync(join(home.calls, LONG_CALL), { recursive: true })
        }
        raced = true
        return parseLog(value)
      },
    }
    const reader = openTestStore(home, slow)
    expect(textsOf(reader.store.readLog(LONG_CALL))).toEqual(expectedTexts(8))
    expect(reader.notices).toEqual([])
    expect(textsOf(store.readLog(LONG_CALL))).toEqual(expectedTexts(8))
  })
})

describe('damage', () => {
  const damages: [string, (path: string, other: string) => void][] = [
    ['missing', (path) => rmSync(path)],
    ['empty', (path) => writeFileSync(path, '')],
    ['half-written', (path) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 200))],
    ['another one', (path, other) => copyFileSync(other, path)],
    ['of another call', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace(LONG_CALL, 'd1'.repeat(32)))],
    ['without a rumor', (path) => writeFileSync(path, JSON.stringify({ version: 1, id: LONG_CALL, entries: {} }))],
  ]

  it.each(damages)('a segment that is %s is told of, and nothing is shown as if it were all', async (_, damage) => {
    const { home, folder, head } = await storeWithCall(8)
    damage(join(folder, '2.json'), join(folder, '1.json'))
    const before = namesBelow(home.root)
    const reader = openTestStore(home)
    expect(reader.store.readLog(LONG_CALL)).toBeUndefined()
    expect(reader.store.read([], [LONG_CALL]).logs[LONG_CALL]).toBeUndefined()
    expect(reader.notices).toEqual([
      expect.stringMatching(`${LONG_CALL}\\.json is damaged \\((segment 2 of its archive|its archive)`),
    ])
    expect(namesBelow(home.root)).toEqual(before)

    // Whoever needs nothing of it goes on.
    const { store, notices } = openTestStore(home)
    await store.update([], addMessages)
    expect(notices).toEqual([])
    // Whoever does has lost the call, as with any damaged file, and what is left of it is kept.
    const kept = readdirSync(folder).length
    expect(await store.update([], repeatFirstMessage)).toBe(0)
    expect(notices).toEqual([expect.stringContaining(`is set aside as ${head}.damaged-1700000000`)])
    expect(existsSync(head)).toBe(false)
    expect(readdirSync(folder)).toHaveLength(kept)
    expect(readdirSync(folder).every((name) => name.endsWith('.json.damaged-1700000000'))).toBe(true)
    expect(store.read().logs).toEqual({})
    expect(store.read().index.orphanCalls).toHaveLength(1)
  })

  it('a head that is damaged takes its segments along', async () => {
    const { folder, head, store, home } = await storeWithCall(8)
    writeFileSync(head, '{')
    const names = readdirSync(folder)
    await store.update([], (snapshot) => ({ snapshot, value: 0 }))
    expect(readdirSync(folder).sort()).toEqual(names.map((name) => `${name}.damaged-1700000000`).sort())
    expect(readFileSync(`${head}.damaged-1700000000`, 'utf8')).toBe('{')
    // The call begins anew and does not take away what was kept.
    await writeLongCall(store, 8)
    await store.update([], endCall)
    expect(segmentsIn(home)).toHaveLength(names.length)
  })

  it('a segment of a newer version is left as it is', async () => {
    const { home, folder } = await storeWithCall(8)
    writeFileSync(join(folder, '1.json'), '{"version":2}')
    const before = namesBelow(home.root)
    const { store } = openTestStore(home)
    expect(() => store.readLog(LONG_CALL)).toThrow(expect.objectContaining({ code: 'STATE_NEWER', exit: 4 }))
    await expect(store.update([], endCall)).rejects.toMatchObject({ code: 'STATE_NEWER' })
    expect(namesBelow(home.root)).toEqual(before)
  })
})
