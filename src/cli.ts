// argv → Intent → run → stdout, stderr and the exit code: the one place that maps failures to codes.
import { basename } from 'node:path'
import { readArgv, type Typed, verbOf } from './argv.ts'
import type { Item } from './call/news.ts'
import { oneLine, plain } from './call/plain.ts'
import type { Args, Command } from './commands/command.ts'
import { checkLines } from './commands/doctor.ts'
import { commands, verbs } from './commands/index.ts'
import { itemShape } from './commands/shapes.ts'
import { noticeLines, readable } from './commands/words.ts'
import { complete } from './complete.ts'
import { EXIT, Failure } from './failure.ts'
import { inputOf } from './input.ts'
import { openClinic } from './io/clinic.ts'
import { homeOf } from './io/home.ts'
import { openWorld } from './io/world.ts'
import { diagnose, faultsIn } from './run/doctor.ts'
import type { Outcome } from './run/outcome.ts'
import { refreshed } from './run/place.ts'
import { shown } from './run/shown.ts'
import { run } from './run.ts'
import { codec } from './state/codec.ts'
import { rowsOf, terminalWidth } from './term.ts'

/** Most characters of an error's message. */
const LONGEST = 4_000

/** Network budget in seconds. */
const TIMEOUT = 8

/** `script`: the file that holds the whole program, when it runs from one. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv, script?: string): Promise<number> {
  // Known before anything can fail, so that a program always gets its one document.
  const json = argv.slice(0, dashes(argv)).includes('--json')
  const command = verbOf(argv)[0] ?? ''
  const tell = (text: string) => write(`${json ? JSON.stringify({ ok: true, command, text }) : text}\n`)
  try {
    const typed = await readArgv(argv, verbs, tell)
    if (typed === undefined) return EXIT.ok
    return await perform(typed, env, json, script)
  } catch (error) {
    return await report(command, failureIn(error), json, {})
  }
}

async function perform({ verb, args }: Typed, env: NodeJS.ProcessEnv, json: boolean, script?: string): Promise<number> {
  if (verb === 'doctor') return await examine(args, env, json)
  if (verb === 'completion') {
    const lines = complete(args, env)
    await write(
      json ? `${JSON.stringify({ ok: true, command: verb, lines })}\n` : lines.map((line) => `${line}\n`).join(''),
    )
    return EXIT.ok
  }
  const command = commands[verb]
  if (command === undefined) throw new Error(`no command ${verb}`)
  const wanted = command.input?.(args)
  const read = wanted === undefined ? {} : await inputOf(wanted, homeOf(text(args.home), env))
  const intent = command.intent({ ...args, ...read })
  const quiet = args.quiet === true
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  const world = openWorld(
    {
      home: text(args.home),
      relays: relaysIn(args),
      budget: budgetOf(args),
      command: verb,
      script,
      say: (line) => (quiet ? undefined : process.stderr.write(`p2p: ${line}\n`)),
      draw: quiet || !process.stderr.isTTY ? undefined : (line) => process.stderr.write(`\r\u001b[K${line}`),
      trace: traceFor(args),
      stopped: stopped.signal,
    },
    env,
    codec,
  )
  try {
    // A stream is JSON lines, whoever reads it.
    const emit = (item: Item) => write(`${JSON.stringify(itemShape(item))}\n`)
    const say = (line: string) => void (json ? process.stderr : process.stdout).write(`${line}\n`)
    const look = { quiet, width: terminalWidth(process.stdout, env) }
    const people = { contacts: world.config.contacts, owner: world.ownerKey, names: {} }
    const place = refreshed({ world, now: 0, ahead: 0, deadline: 0, people, selector: text(args.call), emit, say })
    const outcome = await run(intent, place)
    if (intent.type === 'wait' && intent.follow) return EXIT.ok
    const told = json ? outcome : readable(outcome)
    const code = await print(command, verb, told, json, look)
    // In that order: a crash in between prints the news twice, never not at all.
    await shown(place, newsIn(command, told))
    return code
  } finally {
    world.pool.close()
  }
}

/** `doctor` opens no world, whose files may be what is broken. */
async function examine(args: Args, env: NodeJS.ProcessEnv, json: boolean): Promise<number> {
  const opening = { home: text(args.home), relays: relaysIn(args), budget: budgetOf(args), trace: traceFor(args) }
  const checks = await diagnose(openClinic(opening, env, codec))
  const failure = faultsIn(checks)
  const typed = checks.map((check) => (check.hint === undefined ? check : { ...check, hint: named(check.hint) }))
  if (failure !== undefined && json) return await report('doctor', failure, true, { checks: typed })
  const lines = json
    ? [JSON.stringify({ ok: true, command: 'doctor', checks: typed })]
    : checkLines(typed, args.quiet === true).flatMap((line) =>
        rowsOf(line, { width: terminalWidth(process.stdout, env) }),
      )
  await write(lines.map((line) => `${line}\n`).join(''))
  return failure === undefined ? EXIT.ok : await report('doctor', failure, false, {})
}

/** How text is printed: `width` in columns, at a terminal. */
type Looks = { quiet: boolean; width: number | undefined }

async function print(
  command: Command,
  verb: string,
  outcome: Outcome,
  json: boolean,
  { quiet, width }: Looks,
): Promise<number> {
  const { failure } = outcome
  if (json || (outcome.intent.type === 'transcript' && outcome.intent.format === 'json')) {
    const fields = { ...command.json(outcome), notices: outcome.notices }
    if (failure !== undefined) return await report(verb, failure, true, fields)
    const document = { ok: true, command: verb, ...fields }
    await write(`${JSON.stringify(document, typeable)}\n`)
    return EXIT.ok
  }
  // What was asked for by name is printed, quiet or not.
  const silent = quiet && outcome.news.length === 0 && outcome.intent.type !== 'transcript'
  const lines = silent ? [] : command.text(outcome)
  const notes = quiet || command.notices === 'within' ? [] : noticeLines(outcome)
  const typed = [...lines, ...notes].map(named)
  const { intent, now } = outcome
  // A page is for a file or a browser, and a record keeps its dates.
  const isPage = intent.type === 'transcript' && intent.format !== 'text'
  const exact = intent.type === 'transcript' || intent.type === 'end'
  const rows = isPage ? typed : typed.flatMap((line) => rowsOf(line, { width, now, exact }))
  await write(rows.map((row) => `${row}\n`).join(''))
  return failure === undefined ? EXIT.ok : await report(verb, failure, false, {})
}

/** The items that this command has put before the user's eyes. */
function newsIn(command: Command, { intent, news }: Outcome): readonly Item[] {
  if (intent.type === 'announce' || (intent.type === 'inbox' && intent.peek)) return []
  return command.shows === true ? news : []
}

async function report(verb: string, failure: Failure, json: boolean, fields: Record<string, unknown>): Promise<number> {
  const { code } = failure
  // Errors repeat what was typed, and agents type what they have read. A fault of ours keeps its lines.
  const clean = (text: string) => withoutSecrets(code === 'FAULT' ? plain(text) : oneLine(text, LONGEST))
  const [message, hint] = [clean(failure.message), named(clean(failure.hint))]
  if (json) {
    const error = { code, message, hint }
    await write(`${JSON.stringify({ ok: false, command: verb, ...fields, error })}\n`)
  } else {
    const lines = [`p2p: error: ${message}`, ...(hint === '' ? [] : [`p2p: hint: ${hint}`])]
    const width = terminalWidth(process.stderr, process.env)
    process.stderr.write(
      lines
        .flatMap((line) => rowsOf(line, { width }))
        .map((row) => `${row}\n`)
        .join(''),
    )
  }
  return failure.exit
}

// Errors repeat what was typed; a secret key typed in the wrong place must not reach logs and transcripts that way.
function withoutSecrets(text: string): string {
  return text.replace(/nsec1[02-9ac-hj-np-z]{10,}/gi, 'nsec1…')
}

/** An expected failure as it is; anything else is a fault of ours. */
function failureIn(error: unknown): Failure {
  if (error instanceof Failure) return error
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new Failure('FAULT', EXIT.fault, `a fault of p2p's own: ${what}`, 'please report it')
}

// Our texts name commands as `p2p …`; a reader must be able to type them, however we were started. What peers wrote stands
// on lines of their own and is left alone.
function named(line: string): string {
  return /^ {2}\S+> /.test(line) ? line : line.replace(/`p2p /g, `\`${program()} `)
}

/** For JSON: the one field that holds a command. */
function typeable(key: string, value: unknown): unknown {
  return key === 'next' && typeof value === 'string' ? value.replace(/^p2p /, `${program()} `) : value
}

function program(): string {
  const script = process.argv[1] ?? 'p2p'
  return basename(script) === 'p2p' ? 'p2p' : `node "${script}"`
}

function budgetOf(args: Args): number {
  const seconds = args.timeout === undefined ? TIMEOUT : Number(args.timeout)
  if (Number.isFinite(seconds) && seconds > 0 && seconds <= 600) return seconds * 1000
  throw new Failure(
    'USAGE',
    EXIT.usage,
    '--timeout takes a number of seconds from 1 to 600',
    'for example --timeout 20',
  )
}

function relaysIn({ relay }: Args): string[] {
  return Array.isArray(relay) ? relay.map(String) : []
}

function traceFor({ verbose }: Args): ((line: string) => void) | undefined {
  return verbose === true ? (line) => process.stderr.write(`p2p: ${line}\n`) : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function dashes(argv: readonly string[]): number {
  const at = argv.indexOf('--')
  return at === -1 ? argv.length : at
}

function write(output: string): Promise<void> {
  return new Promise((resolve, reject) => process.stdout.write(output, (error) => (error ? reject(error) : resolve())))
}
