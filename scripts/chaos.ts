// Two agents talk through relays that misbehave, with parallel senders that are killed at random. Afterwards nothing that
// was accepted may be lost, nothing may be there twice, and both sides must hold the same call.
// npm run chaos -- --messages N --seed S [--json]
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { pause, startFaults } from './chaos/fault-schedule.ts'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from './processes.ts'
import { type SeededRandom, seededRandom } from './relay/faults.ts'
import { startRelay } from './relay.ts'

/** Commands of one agent at the same time, and the share of commands that are killed. */
const PARALLEL = 3
const KILLED_SHARE = 0.1

/** What is unacked is wrapped anew after ten minutes; healing sets everybody's clock forward instead of waiting. */
const CLOCK_STEP = 11 * 60_000
const ROUNDS = 40

export type Report = {
  seed: number
  messages: number
  accepted: number
  kills: number
  faults: Record<string, number>
  losses: number
  repeats: number
  sameOrder: boolean
  equalDigests: boolean
  verified: boolean
  rounds: number
  seconds: number
}

type Agent = { name: string; cwd: string; env: Record<string, string> }
type Entry = { type: string; text: string; id: string }
type Transcript = { entries: Entry[]; digest: string | null; verified: unknown }

export async function chaos(messages: number, seed: number): Promise<Report> {
  const began = Date.now()
  const random = seededRandom(seed)
  const passed = { ms: 0 }
  const relays = await Promise.all(
    [1, 2, 3].map((n) => startRelay({ seed: seed + n, now: () => Math.floor((Date.now() + passed.ms) / 1000) })),
  )
  try {
    return await withTemporaryFolder(async (folder) => {
      const [ada, ben] = ['ada', 'ben'].map((name) =>
        agentIn(
          folder,
          name,
          relays.map((r) => r.url),
        ),
      )
      if (ada === undefined || ben === undefined) throw new Error('two agents are needed')
      const call = await startCall(ada, ben)
      const schedule = startFaults(relays, random)
      const each = Math.ceil(messages / 2)
      const sent = await Promise.all([sendMessages(ada, each, random), sendMessages(ben, each, random)])
      await schedule.stop()
      const { rounds, sides } = await heal(ada, ben, call, passed)
      const accepted = sent.flatMap((s) => s.accepted)
      return {
        seed,
        messages: each * 2,
        kills: sum(sent.map((s) => s.kills)),
        faults: schedule.faults,
        rounds,
        seconds: Math.round((Date.now() - began) / 1000),
        ...compareSides(accepted, sides),
      }
    })
  } finally {
    await Promise.all(relays.map((relay) => relay.close()))
  }
}

function agentIn(folder: string, name: string, relays: readonly string[]): Agent {
  return { name, cwd: folder, env: agentEnv(`${folder}/${name}`, relays) }
}

async function startCall(ada: Agent, ben: Agent): Promise<string> {
  const { agent: self } = await runJson<{ agent: { npub: string } }>(ben, ['whoami'])
  const { call } = await runJson<{ call: { id: string } }>(ada, ['call', self.npub, 'chaos'])
  await runJson(ben, ['answer', 'accept'])
  await runJson(ada, ['inbox'])
  return call.id
}

/** Sends until every message was accepted: a killed command may have said it or not, so each try has a text of its own. */
async function sendMessages(
  who: Agent,
  count: number,
  random: SeededRandom,
): Promise<{ accepted: string[]; kills: number }> {
  const accepted: string[] = []
  let [tries, kills] = [0, 0]
  const sender = async () => {
    while (accepted.length < count) {
      const text = `${who.name} ${++tries}`
      const running = startProcess(process.execPath, [PROGRAM, 'send', text, '--json', '--timeout', '4'], {
        cwd: who.cwd,
        env: who.env,
      })
      const timer = random() < KILLED_SHARE ? setTimeout(() => running.stop(), random() * 400) : undefined
      const ran = await running.ended
      clearTimeout(timer)
      if (ran.code === null) kills++
      // 0: a relay took it. 3: no relay did, it is kept. Both are a promise.
      else if (ran.code === 0 || ran.code === 3) accepted.push(text)
      else throw new Error(`send ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, sender))
  return { accepted, kills }
}

/** Fair schedule: both look in now and then, one hangs up, until both hold the same verified call or patience ends. */
async function heal(
  ada: Agent,
  ben: Agent,
  call: string,
  passed: { ms: number },
): Promise<{ rounds: number; sides: Transcript[] }> {
  let sides: Transcript[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    const clock = round * CLOCK_STEP
    passed.ms = clock
    for (const who of [ada, ben]) await runCommand(who, ['inbox', '--json'], clock)
    if (round === 3) await runCommand(ada, ['end', '--json'], clock)
    sides = await Promise.all([ada, ben].map((who) => transcript(who, call, clock)))
    if (round > 3 && sides.every((s) => s.verified === true)) return { rounds: round, sides }
    await pause(10)
  }
  return { rounds: ROUNDS, sides }
}

async function transcript(who: Agent, call: string, clock: number): Promise<Transcript> {
  const ran = await runCommand(who, ['transcript', call, '--json', '--max-chars', '0'], clock)
  if (ran.code !== 0) throw new Error(ran.stdout + ran.stderr)
  const answer: { transcript: Transcript } = JSON.parse(ran.stdout)
  return answer.transcript
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

async function runJson<T>(who: Agent, args: readonly string[]): Promise<T> {
  const ran = await runCommand(who, [...args, '--json'], 0)
  if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
  return JSON.parse(ran.stdout)
}

function runCommand({ cwd, env }: Agent, args: readonly string[], clock: number): Promise<ProcessResult> {
  const preload = `${pathToFileURL(fileURLToPath(new URL('../test/support/wrong-clock.mjs', import.meta.url)))}?ms=${clock}`
  return startProcess(process.execPath, [...(clock === 0 ? [] : ['--import', preload]), PROGRAM, ...args], { cwd, env })
    .ended
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

/** Whether the promise was kept. */
export function isKept(report: Report): boolean {
  return report.losses === 0 && report.repeats === 0 && report.sameOrder && report.equalDigests && report.verified
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean' },
    },
  })
  const report = await chaos(Number(values.messages), Number(values.seed))
  const lines = Object.entries(report).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  console.log(values.json ? JSON.stringify(report) : lines.join('\n'))
  console.log(
    isKept(report)
      ? 'kept: nothing lost, nothing twice'
      : `BROKEN: run again with --messages ${values.messages} --seed ${values.seed}`,
  )
  process.exitCode = isKept(report) ? 0 : 1
}
