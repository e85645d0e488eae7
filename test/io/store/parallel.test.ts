// Many processes and one home: nothing is counted twice or lost, whoever is killed or stopped, and at whatever step.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Home } from '../../../src/io/home/paths.ts'
import { thisHolder } from '../../../src/io/store/lock-holder.ts'
import { openStore } from '../../../src/io/store/store.ts'
import { CALL_ID, type CountingIndex, countingCodec, countUp } from '../../support/counting-codec.ts'
import { killedAtEveryStep } from '../../support/killed-homes.ts'
import { namesBelow, newHome } from '../../support/temporary-home.ts'
import { startWorker, startWorkersTogether } from '../../support/worker-process.ts'

/** `P2P_STEPS=1` stops a process before every single step. */
const STRIDE = Number(process.env.P2P_STEPS ?? 3)

function openTestStore(home: Home, lockMs = 4_000, step: (name: string) => void = () => {}) {
  const notices: string[] = []
  return {
    notices,
    store: openStore(home, countingCodec, { say: (notice) => notices.push(notice), command: 'test', lockMs, step }),
  }
}

describe('20 processes at once', () => {
  it('count to 200, each number once', async () => {
    const home = newHome()
    const workers = await startWorkersTogether('count', home, Array(20).fill(10))
    const ends = await Promise.all(workers.map((worker) => worker.ended))
    expect(ends.every((end) => end.code === 0)).toBe(true)
    const told = workers.flatMap((worker) => worker.lines.map(Number)).sort((a, b) => a - b)
    expect(told).toEqual(Array.from({ length: 200 }, (_, n) => n + 1))
    const { store, notices } = openTestStore(home)
    expect(store.read()).toMatchObject({ index: { count: 200 }, logs: { [CALL_ID]: { count: 200 } } })
    expect(notices).toEqual([])
    expect(readdirSync(home.dir).sort()).toEqual(['calls', 'state.json'])
  })

  it('are read at any moment without a lock, the calls never behind the index', async () => {
    const home = newHome()
    const { store, notices } = openTestStore(home)
    const workers = await startWorkersTogether('count', home, [60, 60])
    const ended = Promise.all(workers.map((worker) => worker.ended)).then(() => true)
    let reads = 0
    while (!(await Promise.race([ended, new Promise((resolve) => setImmediate(resolve, false))]))) {
      const { index, logs } = store.read()
      expect(logs[CALL_ID]?.count ?? 0).toBeGreaterThanOrEqual(index.count)
      reads++
    }
    expect(reads).toBeGreaterThan(20)
    expect(notices).toEqual([])
    expect(count(home)).toBe(120)
  })

  it('take over from a dead holder one after the other, never two at a time', async () => {
    const home = newHome()
    for (let round = 0; round < 2; round++) {
      const dead = startWorker('die', home, round === 0 ? 10 : 8)
      await dead.ended
      expect(readdirSync(home.dir)).toContain('lock')
      const before = count(home)
      const workers = await startWorkersTogether('count', home, Array(6).fill(1))
      await Promise.all(workers.map((worker) => worker.ended))
      const told = workers.flatMap((worker) => worker.lines.map(Number)).sort((a, b) => a - b)
      expect(told).toEqual(Array.from({ length: 6 }, (_, n) => before + n + 1))
    }
  })
})

describe('a kill', () => {
  // The state is there, or it is not: both are homes in which a run may die.
  it.each(['a first run', 'a later run'])(
    'before any step of %s leaves the old or the new, and stops nobody',
    async (which) => {
      const old = which === 'a first run' ? 0 : 1
      const outcomes = new Set<number>()
      const killed = newHome()
      if (old === 1) await openTestStore(killed).store.update([], countUp)
      const homes = await killedAtEveryStep(killed, (step) =>
        openTestStore(killed, 4_000, step).store.update([], countUp),
      )
      expect(homes.length).toBeGreaterThan(12)
      for (const home of homes) {
        const { store, notices } = openTestStore(home)
        const { index, logs } = store.read([CALL_ID])
        const log = logs[CALL_ID]?.count ?? 0
        outcomes.add(index.count)
        expect([old, old + 1]).toContain(index.count)
        // Calls come first: a log may know more than the index, never less.
        expect([index.count, old + 1]).toContain(log)
        expect(await millisecondsOf(() => store.update([CALL_ID], countUp))).toBeLessThan(2_000)
        expect(store.read().index.count).toBe(index.count + 1)
        expect(notices).toEqual([])
        const left = readdirSync(home.dir).filter((name) => name !== 'calls' && name !== 'state.json')
        // A run that died while it waited or cleaned up leaves a folder that nobody mistakes for the lock.
        expect(left.every((name) => /^lock-[0-9a-f]{16}$/.test(name))).toBe(true)
        expect(readdirSync(home.calls)).toEqual([`${CALL_ID}.json`])
      }
      expect([...outcomes].sort()).toEqual([old, old + 1])
    },
  )

  it('before any step of a run that finds a damaged state keeps what was damaged, and the calls', async () => {
    const killed = newHome()
    await openTestStore(killed).store.update([], countUp)
    writeFileSync(killed.state, '{"version":1,"cou')
    for (const home of await killedAtEveryStep(killed, (step) =>
      openTestStore(killed, 4_000, step).store.update([], countUp),
    )) {
      await openTestStore(home).store.update([], countUp)
      expect(count(home)).toBeGreaterThanOrEqual(2)
      expect(count(home)).toBeLessThanOrEqual(3)
      const kept = readdirSync(home.dir).filter((name) => name.startsWith('state.json.damaged-'))
      expect(kept.length).toBeGreaterThan(0)
      for (const name of kept) expect(readFileSync(join(home.dir, name), 'utf8')).toBe('{"version":1,"cou')
    }
  })

  it('at random moments loses nothing that was acknowledged and repeats nothing', async () => {
    const home = newHome()
    const { store } = openTestStore(home)
    const told: number[] = []
    for (let round = 0; round < 3; round++) {
      const workers = await startWorkersTogether('count', home, [1_000, 1_000, 1_000])
      await Promise.all(workers.map((worker) => worker.printed(1 + Math.floor(Math.random() * 6))))
      for (const worker of workers) worker.child.kill('SIGKILL')
      await Promise.all(workers.map((worker) => worker.ended))
      told.push(...workers.flatMap((worker) => worker.lines.map(Number)))
      const { index, logs } = store.read()
      expect(index.count).toBeGreaterThanOrEqual(Math.max(...told))
      expect(logs[CALL_ID]?.count).toBeGreaterThanOrEqual(index.count)
      expect(await millisecondsOf(async () => told.push(await store.update([], countUp)))).toBeLessThan(4_000)
    }
    expect(new Set(told).size).toBe(told.length)
    expect(namesBelow(home.dir).filter((name) => name.includes('damaged'))).toEqual([])
  })
})

describe('a holder that was stopped', () => {
  it('is named to whoever waits in vain', async (test) => {
    if (!existsSync('/proc/self/stat')) return test.skip('nothing here tells when a process has stopped')
    const { home, worker } = await stopAtStep(8)
    const waited = openTestStore(home, 50).store.update([], countUp)
    await expect(waited).rejects.toMatchObject({
      code: 'LOCKED',
      exit: 5,
      hint: expect.stringContaining(`kill ${worker.child.pid}`),
    })
    await expect(waited).rejects.toThrow(new RegExp(`process ${worker.child.pid} \\(worker stop\\) for \\d+ s$`))
    expect(readdirSync(home.dir).filter((name) => name.startsWith('lock'))).toEqual(['lock'])
    worker.child.kill('SIGCONT')
    expect(await worker.ended).toMatchObject({ code: 0 })
    expect(count(home)).toBe(2)
  })

  it('and has lost the lock meanwhile begins anew, and writes nothing over what others wrote, at whatever step', async (test) => {
    if (!existsSync('/proc/self/stat')) return test.skip('nothing here tells when a process has stopped')
    let evictions = 0
    for (let n = 1; ; n += STRIDE) {
      const { home, worker } = await stopAtStep(n)
      if (worker.lines.length > 0) break
      const place = join(home.dir, 'lock')
      const held = readdirSync(home.dir).includes('lock')
      if (held) {
        evictions++
        // Eleven seconds later, as the file's time tells.
        const past = new Date(Date.now() - 11_000)
        for (const name of readdirSync(place)) utimesSync(join(place, name), past, past)
      }
      const before = count(home)
      expect(await openTestStore(home).store.update([], countUp)).toBe(before + 1)
      worker.child.kill('SIGCONT')
      expect(await worker.ended).toMatchObject({ code: 0 })
      const told = [1, before + 1, ...worker.lines.map(Number)].sort()
      expect(told).toEqual([1, 2, 3])
      expect(count(home)).toBe(3)
      // Stopped between its call and its index, it had put the call in place; then it counted there once more.
      expect(openTestStore(home).store.read().logs[CALL_ID]?.count).toBeGreaterThanOrEqual(3)
      expect(readdirSync(home.dir).sort()).toEqual(['calls', 'state.json'])
    }
    expect(evictions).toBeGreaterThan(8 / STRIDE)
  })
})

describe('the lock', () => {
  it('does not evict a successor by mistake', async () => {
    const home = newHome()
    const alive = JSON.stringify(thisHolder('the successor'))
    holdAs(
      home,
      'dead',
      JSON.stringify({ ...thisHolder('the dead'), processStart: 'of an earlier process with this number' }),
    )
    // Right before our eviction of the dead one, another waiter evicts it and takes the lock.
    let done = false
    const step = (name: string) => {
      if (name !== 'leave lock' || done) return
      done = true
      renameSync(join(home.dir, 'lock', 'dead'), join(home.dir, 'lock-dead'))
      holdAs(home, 'successor', alive)
    }
    await expect(openTestStore(home, 50, step).store.update([], countUp)).rejects.toMatchObject({ code: 'LOCKED' })
    expect(done).toBe(true)
    expect(readdirSync(join(home.dir, 'lock'))).toEqual(['successor'])
  })

  it('is taken from a holder that cannot be asked after three seconds of silence, not before', async () => {
    const holders = [
      [
        '{"pid":1,"command":"p2p send","host":"elsewhere","processStart":"1"}',
        /process 1 \(p2p send\) on another machine/,
      ],
      ['', /an unnamed run/],
      ['{"pid":"1"}', /an unnamed run/],
    ] as const
    await Promise.all(
      holders.map(async ([holder, named]) => {
        const home = newHome()
        holdAs(home, 'x', holder)
        // A clock that is far off on the other machine changes nothing.
        utimesSync(join(home.dir, 'lock', 'x'), 0, 0)
        await expect(openTestStore(home, 300).store.update([], countUp)).rejects.toThrow(named)
        expect(await millisecondsOf(() => openTestStore(home).store.update([], countUp))).toBeGreaterThan(2_500)
      }),
    )
  })

  it('sweeps up after runs that were killed while they waited', async () => {
    const home = newHome()
    const old = join(home.dir, 'lock-0123456789abcdef')
    const young = join(home.dir, 'lock-0123456789abcdee')
    for (const folder of [old, young]) mkdirSync(join(folder, 'x'), { recursive: true })
    utimesSync(old, 1, 1)
    await openTestStore(home).store.update([], countUp)
    expect(readdirSync(home.dir).filter((name) => name.startsWith('lock'))).toEqual(['lock-0123456789abcdee'])
  })

  it('keeps no timer and no handler that would hold up the end of a run', async () => {
    const home = newHome()
    const worker = startWorker('count', home, 1)
    await worker.printed(1)
    expect(await millisecondsOf(() => worker.ended)).toBeLessThan(2_000)
  })
})

function count(home: Home): number {
  if (!existsSync(home.state)) return 0
  const index: CountingIndex = JSON.parse(readFileSync(home.state, 'utf8'))
  return index.count
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

function holdAs(home: Home, token: string, holder: string): void {
  mkdirSync(join(home.dir, 'lock', token), { recursive: true })
  writeFileSync(join(home.dir, 'lock', token, 'holder.json'), holder)
}

/** A worker that is stopped right before its n-th step in a home that counts 1. */
async function stopAtStep(n: number) {
  const home = newHome()
  await openTestStore(home).store.update([], countUp)
  const worker = startWorker('stop', home, n)
  const stat = `/proc/${worker.child.pid}/stat`
  // Not at every turn of the loop: that would take the core which the worker needs to get there.
  while (worker.child.exitCode === null && !/\) T /.test(readFileSync(stat, 'utf8'))) await pause(2)
  await worker.printed(worker.child.exitCode === null ? 0 : 1)
  return { home, worker }
}
