// Two agents at an embedded relay, for tests that need more than a story. Their commands are runs in this process; where the
// process itself is the point (kills, locks, parallel runs), `processes` makes one of each.
import {
  agentEnv,
  PROGRAM,
  type ProcessResult,
  type RunningProcess,
  startProcess,
  withTemporaryFolder,
} from '../../scripts/processes.ts'
import { type EmbeddedRelay, type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { NO_PRELOAD, type Preload, wrongClock } from './preloads.ts'
import { startRun } from './runs.ts'

export type AgentProgram = {
  home: string
  /** Starts a command; `clock`: milliseconds by which this run's clock is ahead. `preload`: with one it is a process whatever the others are. */
  start(args: readonly string[], clock?: number, stdin?: string, preload?: Preload): RunningProcess
  run(args: readonly string[], clock?: number, stdin?: string, preload?: Preload): Promise<ProcessResult>
  /** The JSON that a command prints; throws unless it ended with `code`. */
  json(args: readonly string[], clock?: number, code?: number): Promise<Record<string, unknown>>
}

export type AgentPair = { relay: EmbeddedRelay; ada: AgentProgram; ben: AgentProgram; folder: string }

/** `count`: how many relays they share. `processes`: every command is a process of its own. */
export type PairOptions = RelayOptions & { count?: number; processes?: boolean }

/**
 * Runs `body` with two agents that share a relay, or `count` of them; everything is gone afterwards. Time passes for the relay as it does for
 * the command that was started last, unless `options.now` gives it a clock of its own. It takes events unchecked: whoever reads one
 * checks it, and at strict relays the stories are played.
 */
export async function withPair<T>(
  { count = 1, processes = false, ...options }: PairOptions,
  body: (pair: AgentPair) => Promise<T>,
): Promise<T> {
  const time = { ms: 0 }
  const begin = () => startRelay({ trust: true, now: () => Math.floor((Date.now() + time.ms) / 1000), ...options })
  const [relay, others] = [await begin(), await Promise.all(Array.from({ length: count - 1 }, begin))]
  try {
    return await withTemporaryFolder(async (folder) => {
      const urls = [relay, ...others].map(({ url }) => url)
      const agent = (name: string) => agentProgram({ folder, name, relays: urls, time, processes })
      const [ada, ben] = [agent('ada'), agent('ben')]
      return await body({ relay, ada, ben, folder })
    })
  } finally {
    await Promise.all([relay, ...others].map((one) => one.close()))
  }
}

/** Has the two in an active call; its id. */
export async function startCall({ ada, ben }: AgentPair, topic = 'test'): Promise<string> {
  const { agent: self } = await ben.json(['whoami'])
  const { call } = await ada.json(['call', stringField(self, 'npub'), topic])
  await ben.json(['answer', 'accept'])
  await ada.json(['inbox'])
  return stringField(call, 'id')
}

/** A string in parsed JSON; throws where there is none. */
export function stringField(value: unknown, key: string): string {
  if (typeof value === 'object' && value !== null) {
    const found: unknown = Object.entries(value).find(([name]) => name === key)?.[1]
    if (typeof found === 'string') return found
  }
  throw new Error(`no ${key} in ${JSON.stringify(value)}`)
}

/** The messages of a call as one side holds them, in order. */
export async function messagesOf(who: AgentProgram, call: string, clock = 0): Promise<string[]> {
  const { transcript } = await who.json(['transcript', call, '--format', 'json'], clock)
  const entries =
    typeof transcript === 'object' && transcript !== null && 'entries' in transcript ? transcript.entries : []
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry) => (stringField(entry, 'type') === 'message' ? [stringField(entry, 'text')] : []))
}

type AgentOptions = {
  folder: string
  name: string
  relays: readonly string[]
  time: { ms: number }
  processes: boolean
}

function agentProgram({ folder, name, relays, time, processes }: AgentOptions): AgentProgram {
  const home = `${folder}/${name}`
  const env = agentEnv(home, relays)
  const begin = (args: readonly string[], clock = 0, stdin = '', preload?: Preload) => {
    time.ms = clock
    if (!processes && preload === undefined) return startRun(args, { env, stdin, clock })
    const [ahead, more] = [wrongClock(clock), preload ?? NO_PRELOAD]
    const all = { ...env, ...ahead.env, ...more.env }
    const words = [...ahead.flags, ...more.flags, PROGRAM, ...args]
    return startProcess(process.execPath, words, { cwd: folder, env: all, stdin })
  }
  const run = (args: readonly string[], clock = 0, stdin = '', preload?: Preload) =>
    begin(args, clock, stdin, preload).ended
  return {
    home,
    start: begin,
    run,
    json: async (args, clock = 0, code = 0) => {
      const ran = await run([...args, '--json'], clock)
      if (ran.code !== code) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
      return JSON.parse(ran.stdout)
    },
  }
}
