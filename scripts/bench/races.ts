// What is measured against what, and the goals.
import { statSync } from 'node:fs'
import { PROGRAM } from '../processes.ts'
import { makeCertificate } from './certificate.ts'
import { callWith, newKeys, online, waiting } from './history.ts'
import { type Home, runProgram } from './home.ts'
import { type Course, freshHome, named, peers, type Runner, readyEvent, send } from './runners.ts'

/**
 * What the runner `of` has to reach. `ratio`: its median divided by that of `to`; `over`: ms above that; `trips`: round trips of a command;
 * `memory`: MB, measured in a run of its own; `missing`: waiting wraps that a run left unopened. `most`: the highest value that meets it.
 */
export type Goal = { of: string; kind: 'ratio' | 'over' | 'trips' | 'memory' | 'missing'; to: string; most: number }

export type Race = { runners: Runner[]; goals: Goal[]; rounds: number; warm: boolean }

const DELAY = 50

const NODE: Omit<Runner, 'setting'> = { name: 'node -e 0', args: ['-e', '0'] }

export const races: Readonly<Record<string, (course: Course) => Promise<Race>>> = {
  start: (course) => empty(course, 'none', course.quick ? 5 : 20),
  auth: (course) => empty(course, 'dm', course.quick ? 3 : 15),
  100: (course) => mailbox(course, 100, course.quick ? 2 : 7),
  1000: (course) => mailbox(course, course.quick ? 300 : 1_000, course.quick ? 1 : 4),
  5000: (course) => mailbox(course, course.quick ? 600 : 5_000, course.quick ? 1 : 2),
  seen,
  trips,
  silent,
  state,
  long,
  list,
  secrecy,
}

/** The size of the built program in KB, which the README states. */
export function sizeOfProgram(): number {
  return Math.round(statSync(PROGRAM).size / 1000)
}

async function empty(course: Course, auth: 'none' | 'dm', rounds: number): Promise<Race> {
  const url = await course.field.ask({ type: 'relay', auth })
  const home = await freshHome(course, url)
  const setting = home.setting()
  const version = { name: 'p2p --version', args: [PROGRAM, '--version'], setting }
  const goals: Goal[] = [
    { of: 'p2p --version', kind: 'ratio', to: NODE.name, most: 1.15 },
    { of: 'p2p send', kind: 'ratio', to: NODE.name, most: 1.5 },
    { of: 'p2p send', kind: 'ratio', to: 'node and ws', most: 1.15 },
    { of: 'p2p send', kind: 'ratio', to: 'nostr-tools', most: 0.5 },
  ]
  return {
    runners: [
      ...[{ ...NODE, setting }, version, send(home)],
      // It cannot do AUTH.
      ...(auth === 'none' ? [readyEvent(home, url, course.now)] : []),
      ...peers(home, url).slice(0, auth === 'none' ? 2 : 1),
    ],
    goals: auth === 'none' ? goals : [],
    rounds,
    warm: true,
  }
}

async function mailbox(course: Course, count: number, rounds: number): Promise<Race> {
  const url = await course.field.ask({ type: 'relay', auth: 'none' })
  const home = await freshHome(course, url, 5)
  await course.field.ask({ type: 'load', url, events: waiting(home.keys, home.calls, count, course.now) })
  const limits = new Map([
    [100, [0.3, 0.65]],
    [1_000, [0.13, 0.75]],
    [5_000, [0.12, 0.8]],
  ]).get(count)
  const goals: Goal[] = (limits ?? []).map((most, n) => {
    return { of: 'p2p send', kind: 'ratio', to: n === 0 ? 'nostr-tools' : 'rust-nostr', most }
  })
  goals.push({ of: 'p2p send', kind: 'missing', to: '', most: 0 })
  if (count === 5_000) goals.push({ of: 'p2p send', kind: 'memory', to: '', most: 150 })
  const peer = peers(home, url).map((runner) => ({ ...runner, counts: count }))
  const own = { ...send(home), counts: count, ready: home.reset, opened: () => home.seen() }
  return { runners: [{ ...NODE, setting: home.setting() }, own, ...peer], goals, rounds, warm: count <= 1_000 }
}

async function seen(course: Course): Promise<Race> {
  const none = await freshHome(course, await course.field.ask({ type: 'relay', auth: 'none' }), 5)
  const [ids, negentropy] = [await allSeen(course), await allSeen(course, 'nip77')]
  const nothing = { name: 'p2p status, nothing there', args: [PROGRAM, 'status'], setting: none.setting() }
  return {
    runners: [
      nothing,
      { name: 'p2p status, all seen', args: [PROGRAM, 'status'], setting: ids.setting() },
      { name: 'p2p status, all seen, NIP-77', args: [PROGRAM, 'status'], setting: negentropy.setting() },
    ],
    goals: [
      { of: 'p2p status, all seen', kind: 'ratio', to: nothing.name, most: 2.5 },
      { of: 'p2p status, all seen, NIP-77', kind: 'ratio', to: nothing.name, most: 1.3 },
    ],
    rounds: course.quick ? 3 : 15,
    warm: true,
  }
}

async function allSeen(course: Course, negentropy?: 'nip77'): Promise<Home> {
  const url = await course.field.ask({ type: 'relay', auth: 'none', ...(negentropy && { negentropy }) })
  const home = await freshHome(course, url, 5)
  const wraps = waiting(home.keys, home.calls, course.quick ? 250 : 5_000, course.now)
  await course.field.ask({ type: 'load', url, events: wraps })
  // Recorded as seen, and not opened: what is in them would make long calls, which are another race.
  home.know(wraps)
  // The first run, which has to read all of it, finds out whether the relay speaks NIP-77.
  await runProgram(home.setting(), ['status'])
  return home
}

async function trips(course: Course): Promise<Race> {
  const url = await course.field.ask({ type: 'relay', auth: 'none' })
  const guarded = await course.field.ask({ type: 'relay', auth: 'dm' })
  const far = await course.field.ask({ type: 'front', url, delay: DELAY })
  const farGuarded = await course.field.ask({ type: 'front', url: guarded, delay: DELAY })
  const tls = makeCertificate(course.folder)
  const near = await freshHome(course, url)
  const runners: Runner[] = [named(near, 'p2p status', ['status']), named(near, 'p2p send', ['send', 'hello'])]
  const goals: Goal[] = []
  const add = async (where: string, origin: string, relay: string, most: number, ca?: string) => {
    const home = await freshHome(course, relay, 1, ca, undefined, origin)
    for (const [verb, ...rest] of [['status'], ['send', 'hello']]) {
      const name = `p2p ${verb}, ${where}`
      const count = async () => Number(await course.field.ask({ type: 'trips', url: relay }))
      runners.push({ ...named(home, name, [verb ?? '', ...rest]), trips: count })
      goals.push({ of: name, kind: 'trips', to: '', most })
    }
  }
  await add('100 ms away', url, far, 3)
  await add('100 ms away with AUTH', guarded, farGuarded, 3)
  if (tls !== undefined) {
    const secure = await course.field.ask({ type: 'front', url, delay: DELAY, tls })
    await add('100 ms away on wss', url, secure, 4, tls.file)
  }
  return { runners, goals, rounds: course.quick ? 2 : 8, warm: true }
}

async function silent(course: Course): Promise<Race> {
  const urls = await Promise.all([1, 2, 3].map(() => course.field.ask({ type: 'relay', auth: 'none' })))
  const mute = await course.field.ask({ type: 'relay', auth: 'none' })
  await course.field.ask({ type: 'silence', url: mute })
  const runners: Runner[] = []
  const three = { good: urls, silent: [...urls.slice(0, 2), mute], refused: [...urls.slice(0, 2), 'ws://127.0.0.1:1'] }
  for (const [name, relays] of Object.entries(three)) {
    const home = await freshHome(course, urls[0] ?? '')
    home.reset()
    const setting = home.setting(relays)
    runners.push({ name: `p2p send, ${name}`, args: [PROGRAM, 'send', 'hello'], setting, ready: home.reset })
  }
  return {
    runners,
    goals: [
      { of: 'p2p send, silent', kind: 'over', to: 'p2p send, good', most: 250 },
      { of: 'p2p send, refused', kind: 'over', to: 'p2p send, good', most: 10 },
    ],
    rounds: course.quick ? 3 : 10,
    warm: true,
  }
}

async function state(course: Course): Promise<Race> {
  const url = await course.field.ask({ type: 'relay', auth: 'none' })
  const fresh = await freshHome(course, url)
  const many = course.quick ? 100 : 1_000
  const old = await freshHome(course, url, 1, undefined, (keys) =>
    Array.from({ length: many }, () => callWith(keys, newKeys(), 100, true, [url], course.now - 30 * 24 * 3600)),
  )
  return {
    runners: [named(fresh, 'p2p send', ['send', 'hello']), named(old, 'p2p send, much behind it', ['send', 'hello'])],
    goals: [{ of: 'p2p send, much behind it', kind: 'ratio', to: 'p2p send', most: 1.1 }],
    rounds: course.quick ? 3 : 15,
    warm: true,
  }
}

async function long(course: Course): Promise<Race> {
  const url = await course.field.ask({ type: 'relay', auth: 'none' })
  const fresh = await freshHome(course, url)
  const count = course.quick ? 1_000 : 10_000
  const old = await freshHome(course, url, 0, undefined, (keys) => [
    callWith(keys, newKeys(), count, false, [url], course.now),
  ])
  return {
    runners: [named(fresh, 'p2p send', ['send', 'hello']), named(old, 'p2p send, long call', ['send', 'hello'])],
    goals: [{ of: 'p2p send, long call', kind: 'ratio', to: 'p2p send', most: 2 }],
    rounds: course.quick ? 3 : 15,
    warm: true,
  }
}

/** Calls with keys of their own against calls under the identities' key. */
async function secrecy(course: Course): Promise<Race> {
  const runners: Runner[] = []
  const count = course.quick ? 100 : 1_000
  for (const [name, secret] of Object.entries({ identity: false, call: true })) {
    for (const waits of [0, count]) {
      const url = await course.field.ask({ type: 'relay', auth: 'none' })
      const home = await freshHome(course, url, 5, undefined, undefined, undefined, secret)
      const events = waiting(home.keys, home.calls, waits, course.now)
      if (waits > 0) await course.field.ask({ type: 'load', url, events })
      const measured = { ...send(home), ready: home.reset, cpu: true as const }
      if (waits > 0)
        runners.push({ ...measured, name: `${waits} waiting, ${name}`, counts: waits, opened: () => home.seen() })
      else runners.push({ ...measured, name: `p2p send, ${name}` })
    }
  }
  const most = 1.05
  return {
    runners,
    goals: [
      { of: 'p2p send, call', kind: 'ratio', to: 'p2p send, identity', most },
      { of: `${count} waiting, call`, kind: 'ratio', to: `${count} waiting, identity`, most },
      { of: `${count} waiting, call`, kind: 'missing', to: '', most: 0 },
    ],
    rounds: course.quick ? 2 : 40,
    warm: true,
  }
}

/** `list`, at a relay that sends 500 events at a time. */
async function list(course: Course): Promise<Race> {
  const runners: Runner[] = []
  for (const count of course.quick ? [0, 500, 1_500] : [0, 500, 5_000, 20_000]) {
    const url = await course.field.ask({ type: 'relay', auth: 'none', limit: 500 })
    const home = await freshHome(course, url)
    if (count > 0) await course.field.ask({ type: 'load', url, events: online(count, course.now) })
    const name = count === 0 ? 'p2p list, nobody' : `p2p list, ${count.toLocaleString('en')}`
    runners.push(named(home, name, ['list']))
    if (count > 500) runners.push(named(home, `${name}, --capability`, ['list', '--capability', 'rare-skill']))
  }
  const nobody = runners[0]?.name ?? ''
  const most = runners.slice(-2).map(({ name }) => name)
  return {
    runners,
    goals: [
      ...most.map((of): Goal => ({ of, kind: 'ratio', to: nobody, most: 2 })),
      ...most.map((of): Goal => ({ of, kind: 'memory', to: '', most: 150 })),
    ],
    rounds: course.quick ? 2 : 15,
    warm: true,
  }
}
