// Two agents talk through relays that misbehave, call after call, by parallel commands that are killed at random. At the end of every call
// but the last one side is restored from a copy of its home. Afterwards nothing that was accepted may be lost or there twice, both sides
// must hold the same last call, in the other calls both must know what has happened, and a thief of both identities must be able to read
// nothing that was said, in everything that the relays were sent.
// npm run chaos -- --messages N --seed S [--restores R] [--leaky] [--idle S] [--relay URL …] [--json]
// --leaky: both agents are on line, and two of the three relays say OK to wraps and keep none: nine of ten messages have to come within a
// minute, and for each later one it is printed where the time went.
// --idle: most seconds between two commands of one sender.
// --relay: over lines that are cut, to relays on loopback that are not ours. They keep real time, so nothing is restored, and what they
// were sent is not searched.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  type Agent,
  agentIn,
  type Clock,
  copyHome,
  readInbox,
  readTranscript,
  runCommand,
  startCall,
  type Transcript,
} from './chaos/agents.ts'
import { type FaultSchedule, type FaultSpan, pause, startFaults } from './chaos/fault-schedule.ts'
import { follow } from './chaos/follower.ts'
import { openLine, startCuts } from './chaos/lines.ts'
import { restoreInCall } from './chaos/restored-call.ts'
import { heardInTime, sendMessages } from './chaos/senders.ts'
import { openThief } from './chaos/thief.ts'
import { openTimeline, type Timeline } from './chaos/timeline.ts'
import { withTemporaryFolder } from './processes.ts'
import { type SeededRandom, seededRandom } from './relay/faults.ts'
import type { RelayDeed } from './relay/policy.ts'
import { startRelay } from './relay.ts'

/** Ms by which healing sets everybody's clock forward: what is not acknowledged is wrapped anew after ten minutes. */
const CLOCK_STEP = 11 * 60_000
const ROUNDS = 40

export type Report = {
  seed: number
  messages: number
  accepted: number
  kills: number
  faults: Record<string, number>
  /** How often a home was restored from a copy, and what was wrong in those calls. */
  restores: number
  unsound: string[]
  /** What a thief of both identities can read of the calls, in all that the relays were sent; absent where the relays are not ours. */
  readable?: string[]
  losses: number
  repeats: number
  sameOrder: boolean
  equalDigests: boolean
  verified: boolean
  rounds: number
  seconds: number
  /** The share of messages that the other side was told within a minute, where both were on line. */
  withinMinute?: number
  /** Seconds within which half, nine of ten, and 99 of 100 messages came. */
  tookSeconds?: number[]
  /** Where the time went, for each message that took longer than a minute. */
  late?: string[]
}

/** The share of messages that must come within a minute, where both are on line. */
const MIN_SHARE = 0.9

/**
 * `restores`: how many calls end with a restored copy, before the last one; `leaky`: whether all relays but one keep no wraps, and both
 * agents are on line; `idle`: most ms between two commands of one sender; `foreign`: addresses of relays on loopback in place of our own.
 */
export type ChaosOptions = {
  restores?: number
  leaky?: boolean | undefined
  idle?: number
  foreign?: readonly string[]
}

/** Plays messages between two agents whose network, programs and disks fail as `seed` says. Ends the programs and relays in any case. */
export async function chaos(
  messages: number,
  seed: number,
  { restores = 0, leaky = false, idle = 0, foreign = [] }: ChaosOptions = {},
): Promise<Report> {
  const began = Date.now()
  const random = seededRandom(seed)
  const clock: Clock = { ms: 0 }
  const timeline = leaky ? openTimeline() : undefined
  const thief = openThief()
  const now = () => Math.floor((Date.now() + clock.ms) / 1000)
  const isOurs = foreign.length === 0
  const lines = await Promise.all(foreign.map(openLine))
  const relays = await Promise.all(
    (isOurs ? [1, 2, 3] : []).map((n) => {
      const onDeed = (deed: RelayDeed) => {
        timeline?.hear(n, deed)
        thief.hear(deed)
      }
      return startRelay({ seed: seed + n, now, onDeed })
    }),
  )
  try {
    return await withTemporaryFolder(async (folder) => {
      const urls = [...relays, ...lines].map(({ url }) => url)
      const [ada, ben] = [agentIn(folder, 'ada', urls), agentIn(folder, 'ben', urls)]
      const each = Math.ceil(messages / 2 / (restores + 1))
      const startTrouble = (onFault: (span: FaultSpan) => void) =>
        isOurs ? startFaults(relays, random, { leaky, onFault }) : startCuts(lines, random)
      const talk = { startTrouble, random, clock, each, idle, timeline }
      const talks: Talk[] = []
      const unsound: string[] = []
      for (let n = 0; n < restores; n++) {
        const [victim, other] = n % 2 === 0 ? [ada, ben] : [ben, ada]
        const copies = (who: Agent, count: number) => who === victim && count === Math.ceil(each / 2) && copyHome(who)
        const one = await talkIn([ada, ben], `chaos ${n}`, talk, copies)
        talks.push(one)
        unsound.push(...(await restoreInCall(one.call, victim, other, clock)))
      }
      const last = await talkIn([ada, ben], 'chaos', talk)
      const { rounds, sides } = await heal(ada, ben, last.call, clock, isOurs ? CLOCK_STEP : 0)
      const all = [...talks, last]
      return {
        seed,
        messages: each * 2 * (restores + 1),
        ...{ restores, unsound, rounds, ...(isOurs && { readable: thief.read([ada, ben]) }) },
        kills: sum(all.map(({ kills }) => kills)),
        faults: all.map(({ faults }) => faults).reduce(addUp, {}),
        seconds: Math.round((Date.now() - began) / 1000),
        ...compareSides(last.accepted, sides),
        accepted: sum(all.map(({ accepted }) => accepted.length)),
        ...(leaky && {
          withinMinute: Math.min(...all.flatMap(({ shares }) => shares)),
          tookSeconds: quantiles(all.flatMap(({ took }) => took)),
          late: all.flatMap(({ late }) => late),
        }),
      }
    })
  } finally {
    await Promise.all([...relays, ...lines].map((one) => one.close()))
  }
}

type Talk = {
  call: string
  accepted: string[]
  kills: number
  faults: Record<string, number>
  shares: number[]
  took: number[]
  late: string[]
}

type TalkOptions = {
  startTrouble: (onFault: (span: FaultSpan) => void) => FaultSchedule
  random: SeededRandom
  clock: Clock
  each: number
  idle: number
  /** Set where both are on line and two relays are leaky: explains what comes late. */
  timeline: Timeline | undefined
}

/** A new call in which both send their messages, through bad relays. `onAccepted`: told how many messages of an agent were accepted. */
async function talkIn(
  [ada, ben]: readonly [Agent, Agent],
  topic: string,
  { startTrouble, random, clock, each, idle, timeline }: TalkOptions,
  onAccepted: (who: Agent, count: number) => void = () => {},
): Promise<Talk> {
  const call = await startCall(ada, ben, topic, clock)
  timeline?.learn(call, [ada, ben])
  const schedule = startTrouble((span) => timeline?.note(span))
  const followers = timeline ? [ada, ben].map((who) => follow(who.cwd, who.env)) : []
  const sent = await Promise.all(
    [ada, ben].map((who) => sendMessages(who, { call, count: each, random, clock, idle, onAccepted })),
  )
  const heard = await Promise.all(
    followers.map(({ came }, n) => heardInTime([came, sent[n]?.told ?? new Map()], sent[1 - n]?.began ?? new Map())),
  )
  await schedule.stop()
  await Promise.all(followers.map((one) => one.stop()))
  return {
    call,
    accepted: sent.flatMap((one) => one.accepted),
    kills: sum(sent.map(({ kills }) => kills)),
    faults: schedule.faults,
    shares: heard.map(({ share }) => share),
    took: heard.flatMap(({ took }) => took),
    late: timeline?.explain(heard.flatMap(({ late }) => late)) ?? [],
  }
}

function quantiles(ms: readonly number[]): number[] {
  const sorted = [...ms].sort((a, b) => a - b)
  return [0.5, 0.9, 0.99].map((share) => Math.round((sorted[Math.floor(share * sorted.length)] ?? 0) / 100) / 10)
}

/** Without faults: both read their inbox now and then and one hangs up, until both hold the same verified call, at most `ROUNDS` times. */
async function heal(
  ada: Agent,
  ben: Agent,
  call: string,
  clock: Clock,
  step: number,
): Promise<{ rounds: number; sides: Transcript[] }> {
  let sides: Transcript[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    clock.ms += step
    for (const who of [ada, ben]) await readInbox(who, clock)
    if (round === 3) await runCommand(ada, ['end', '--call', call, '--json'], clock)
    // A call cannot be verified before its end was heard.
    if (round > 3) sides = await Promise.all([ada, ben].map((who) => readTranscript(who, call, clock)))
    if (round > 3 && sides.every((s) => s.verified === true)) return { rounds: round, sides }
    await pause(10)
  }
  return { rounds: ROUNDS, sides }
}

function compareSides(accepted: readonly string[], sides: readonly Transcript[]) {
  const texts = sides.map((s) => s.entries.filter((e) => e.type === 'message').map((e) => e.text))
  const [one = [], other = []] = texts
  return {
    accepted: accepted.length,
    losses: sum(texts.map((side) => accepted.filter((text) => !side.includes(text)).length)),
    repeats: sum(texts.map((side) => side.length - new Set(side).size)),
    sameOrder: one.join('\n') === other.join('\n'),
    equalDigests: sides[0]?.digest != null && sides[0].digest === sides[1]?.digest,
    verified: sides.every((s) => s.verified === true),
  }
}

function addUp(one: Record<string, number>, other: Record<string, number>): Record<string, number> {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries([...names].map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

/** Whether everything held that must hold. */
export function isKept(report: Report): boolean {
  const { losses, repeats, sameOrder, equalDigests, verified, unsound, readable = [], withinMinute = 1 } = report
  const isWhole = losses === 0 && repeats === 0 && sameOrder && equalDigests && verified
  return isWhole && unsound.length === 0 && readable.length === 0 && withinMinute >= MIN_SHARE
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      restores: { type: 'string', default: '2' },
      leaky: { type: 'boolean' },
      idle: { type: 'string', default: '0' },
      relay: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean' },
    },
  })
  // An agent that is on line all the time cannot be restored from a copy.
  const foreign = values.relay
  if (foreign.length > 0 && values.leaky) throw new Error('only our own relays are leaky when they are told to be')
  const restores = values.leaky || foreign.length > 0 ? 0 : Number(values.restores)
  const idle = 1000 * Number(values.idle)
  const report = await chaos(Number(values.messages), Number(values.seed), {
    restores,
    leaky: values.leaky,
    idle,
    foreign,
  })
  const { late = [], ...figures } = report
  for (const line of late) console.error(line)
  const lines = Object.entries(figures).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  console.log(values.json ? JSON.stringify(report) : lines.join('\n'))
  const verdict = isKept(report)
    ? 'kept: nothing lost, nothing twice'
    : `BROKEN: run again with --messages ${values.messages} --seed ${values.seed} --restores ${values.restores}${values.leaky ? ' --leaky' : ''}${idle > 0 ? ` --idle ${values.idle}` : ''}${foreign.map((url) => ` --relay ${url}`).join('')}`
  // With --json stdout is the document and nothing else.
  if (values.json) console.error(verdict)
  else console.log(verdict)
  process.exitCode = isKept(report) ? 0 : 1
}
