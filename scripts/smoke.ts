// Plays a whole call between two new agents over any relays, and times each step: for CI, and to try a new relay.
// npm run smoke -- --relay wss://nos.lol --relay wss://relay.primal.net [--each] [--timeout 20] [--json]
// --each: a call over each relay alone, one after the other. --defaults: the same over the relays of a new configuration, for a scheduler
// on a machine with a network.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { SETTINGS } from '../src/io/home/settings.ts'
import { parseJson } from '../src/json.ts'
import { valueAt } from './json-path.ts'
import { agentEnv, PROGRAM, startProcess, withTemporaryFolder } from './processes.ts'

type Step = { step: string; ok: boolean; ms: number; note: string }

/** Runs one command and gives its JSON. Rejects where the command failed. */
type Agent = (...args: string[]) => Promise<unknown>

/** `seconds`: for every command, and for everything that is waited for. `tell`: is told each step. */
type Smoke = { relays: readonly string[]; seconds: number; tell: (step: Step) => void }

/** Plays the steps in order; the first that fails is the last. */
async function smoke(folder: string, { relays, seconds, tell }: Smoke): Promise<Step[]> {
  const [alice, bob] = ['alice', 'bob'].map((name) => newAgent(folder, name, relays, seconds))
  if (alice === undefined || bob === undefined) throw new Error('nobody is there')
  const wait = (who: Agent, type: string) => who('wait', `${seconds}`, '--for', type)
  let [npub, id] = ['', '']
  return await inOrder(tell, [
    [
      'two agents are made',
      async () => {
        await alice('whoami')
        npub = await text(bob('whoami'), '.agent.npub')
      },
    ],
    ['bob announces himself', () => bob('announce')],
    ['alice finds him', () => finds(seconds, alice, npub)],
    [
      'alice calls',
      async () => {
        const said = await alice('call', npub, 'Smoke test')
        id = String(valueAt(said, '.call.id'))
        return said
      },
    ],
    ['bob hears it', () => wait(bob, 'request')],
    ['bob accepts', () => bob('answer', 'accept')],
    ['alice hears it', () => wait(alice, 'accept')],
    ['alice speaks', () => alice('send', 'One, two?')],
    ['bob hears it', () => wait(bob, 'message')],
    ['bob speaks', () => bob('send', 'Three.')],
    ['alice hears it', () => wait(alice, 'message')],
    ['alice sends a file', () => alice('sendfile', 'report.json', 'eyJkYXRhIjogdHJ1ZX0=')],
    ['bob has it', () => wait(bob, 'file')],
    ['bob hangs up', () => bob('end')],
    ['alice hears it', () => wait(alice, 'end')],
    ['both hold the same call', () => agree(seconds, alice, bob, id)],
  ])
}

async function inOrder(tell: (step: Step) => void, deeds: [string, () => Promise<unknown>][]): Promise<Step[]> {
  const steps: Step[] = []
  for (const [step, deed] of deeds) {
    const began = performance.now()
    const [ok, note] = await deed().then(
      // `announce` does not fail where relays are away; here that is a failure.
      (said): [boolean, string] => [!taken(said).startsWith('taken by 0 '), taken(said)],
      (error: unknown): [boolean, string] => [false, error instanceof Error ? error.message : String(error)],
    )
    const done = { step, ok, ms: Math.round(performance.now() - began), note }
    steps.push(done)
    tell(done)
    if (!ok) break
  }
  return steps
}

async function finds(seconds: number, who: Agent, npub: string): Promise<unknown> {
  return await until(seconds, async () => valueAt(await who('list'), `.agents[npub=${npub}]`))
}

// Each of the two learns with its next command what the other one has of the end.
async function agree(seconds: number, alice: Agent, bob: Agent, id: string): Promise<unknown> {
  return await until(seconds, async () => {
    await Promise.all([alice('status'), bob('status')])
    const [one, other] = await Promise.all([alice, bob].map((who) => who('transcript', id)))
    const digest = valueAt(one, '.transcript.digest')
    const isOne = typeof digest === 'string' && digest === valueAt(other, '.transcript.digest')
    return isOne && valueAt(other, '.transcript.verified') === true ? digest : undefined
  })
}

/** Asks until there is an answer. Rejects when time is up. */
async function until(seconds: number, ask: () => Promise<unknown>): Promise<unknown> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

function newAgent(folder: string, name: string, relays: readonly string[], seconds: number): Agent {
  const home = join(folder, name)
  mkdirSync(home)
  const setting = { cwd: home, env: agentEnv(home, relays), patience: seconds * 2000 + 10_000 }
  return async (...args) => {
    const words = [PROGRAM, '--json', '--timeout', `${seconds}`, ...args]
    const { stdout, stderr } = await startProcess(process.execPath, words, setting).ended
    const said = parseJson(stdout)
    if (valueAt(said, '.ok') === true) return said
    const { message, hint } = { message: valueAt(said, '.error.message'), hint: valueAt(said, '.error.hint') }
    throw new Error(message === undefined ? stderr || 'it was killed' : `${message}; ${hint}`)
  }
}

/** How many relays took what was said, and why others did not; "" where nothing was said. */
function taken(said: unknown): string {
  const [relays] = ['.message', '.file', '.presence'].flatMap((part) => valueAt(said, `${part}.relays`) ?? [])
  const count = (key: string) => Number(valueAt(relays, `.${key}.length`) ?? 0)
  const all = count('accepted') + count('failed')
  const failed = valueAt(relays, '.failed')
  const why = (Array.isArray(failed) ? failed : []).map(
    (one) => `; ${valueAt(one, '.url')}: ${valueAt(one, '.reason')}`,
  )
  return all === 0 ? '' : `taken by ${count('accepted')} of ${all}${why.join('')}`
}

async function text(said: Promise<unknown>, path: string): Promise<string> {
  return String(valueAt(await said, path) ?? '')
}

function line({ step, ok, ms, note }: Step): string {
  return `${ok ? 'ok    ' : 'failed'} ${`${ms}`.padStart(6)} ms  ${step}${note === '' ? '' : `: ${note}`}`
}

/**
 * Plays what was typed after `npm run smoke --`. Rejects for what was typed wrong.
 * @param print prints a line about what came of it
 * @returns whether every call was played to its end
 */
export async function playSmoke(args: readonly string[], print: (line: string) => void): Promise<boolean> {
  const options = {
    relay: { type: 'string', multiple: true },
    each: { type: 'boolean' },
    defaults: { type: 'boolean' },
    timeout: { type: 'string' },
    json: { type: 'boolean' },
  } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const typed = [...(values.relay ?? []), ...positionals]
  if (values.defaults && typed.length > 0) throw new Error('--defaults names the relays itself')
  const relays = values.defaults ? defaultRelays() : typed
  const seconds = Number(values.timeout ?? 20)
  if (relays.length === 0) throw new Error('no relay is named')
  if (!(seconds >= 1 && seconds <= 600)) throw new Error('--timeout takes 1 to 600 seconds')
  const common = { seconds, json: values.json === true, print }
  if (!values.each && !values.defaults) return await call({ relays, ...common })
  let ok = true
  for (const relay of relays) ok = (await call({ relays: [relay], ...common })) && ok
  return ok
}

/** The relays of a new configuration that carry calls; lookup relays, which hold only lists, do not. */
function defaultRelays(): string[] {
  return [...new Set([...SETTINGS['relays.presence'].defaultValue, ...SETTINGS['relays.inbox'].defaultValue])]
}

/** Plays one call. Prints a line for each step, or one JSON document; gives whether all went well. */
async function call({
  relays,
  seconds,
  json,
  print,
}: Pick<Smoke, 'relays' | 'seconds'> & { json: boolean; print: (line: string) => void }): Promise<boolean> {
  const tell = (step: Step) => (json ? undefined : print(line(step)))
  const began = performance.now()
  const steps = await withTemporaryFolder((folder) => smoke(folder, { relays, seconds, tell }))
  const ok = steps.every((step) => step.ok)
  const ms = Math.round(performance.now() - began)
  if (json) print(JSON.stringify({ ok, relays, ms, steps }))
  else print(`${ok ? 'a whole call' : 'no whole call'} over ${relays.join(', ')} in ${ms} ms`)
  return ok
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  playSmoke(process.argv.slice(2), console.log).then(
    (ok) => {
      process.exitCode = ok ? 0 : 1
    },
    (error: unknown) => {
      console.error(`smoke: ${error instanceof Error ? error.message : error}`)
      console.error('hint: npm run smoke -- --relay wss://nos.lol --relay wss://relay.primal.net')
      process.exitCode = 1
    },
  )
