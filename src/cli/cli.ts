// argv → Intent → run → stdout, stderr and the exit code.

import type { InboxItem } from '../call/inbox-items.ts'
import type { IntentType } from '../call/intent.ts'
import { unsafeTextOf } from '../call/wording.ts'
import { expandCommandName } from '../command-name.ts'
import type { Args } from '../commands/command.ts'
import { fitOutcome } from '../commands/fit.ts'
import { commands, isCommand, verbs } from '../commands/index.ts'
import { itemShape } from '../commands/json.ts'
import { EXIT, Failure } from '../errors.ts'
import type { EnvironmentOptions } from '../io/environment.ts'
import { homeOf } from '../io/home/paths.ts'
import { RIGHT_CLOCK } from '../run/clock.ts'
import { refreshContext } from '../run/context.ts'
import { markShown } from '../run/outcome.ts'
import type { Foreign } from '../sanitize.ts'
import { stateCodec } from '../state/state-codec.ts'
import { normalizeArgv, type ParsedArgv, readArgv, verbOf } from './argv.ts'
import type { Host } from './host.ts'
import { readInput } from './input.ts'
import { failureIn, printFailure, printOutcome, watchOutput, write, writeSoon } from './output.ts'
import { terminalWidth } from './terminal.ts'

/** Network budget in seconds. */
const DEFAULT_TIMEOUT = 8

/** Runs the command that was typed and gives its exit code. Never rejects. */
export async function main(host: Host): Promise<number> {
  watchOutput(host)
  const typed = host.argv.slice(2)
  // Found before anything can fail, so that a program gets a JSON document in any case.
  const json = typed.slice(0, endOfOptions(typed)).some((word) => word.trimEnd() === '--json')
  const command = (verbOf(typed)[0] ?? '').trimEnd()
  const tell = (text: string) => write(host, `${json ? JSON.stringify({ ok: true, command, text }) : text}\n`, json)
  try {
    const read = await readArgv(normalizeArgv(typed), verbs, tell)
    if (read === undefined) return EXIT.ok
    return await runVerb(host, read, json)
  } catch (error) {
    return await printFailure(host, { verb: command, failure: failureIn(error), json })
  }
}

async function runVerb(host: Host, { verb, args }: ParsedArgv, json: boolean): Promise<number> {
  if (verb === 'doctor') {
    const { runDoctor } = await import('./doctor.ts')
    return await runDoctor(host, { ...environmentOptions(args, host), json, quiet: args.quiet === true })
  }
  if (verb === 'hook') return await (await import('./harness-hook.ts')).answerHook(host, args, json)
  if (verb === 'completion') {
    const { completions } = await import('./completion.ts')
    const lines = await completions(args, host.env)
    await write(
      host,
      json ? `${JSON.stringify({ ok: true, command: verb, lines })}\n` : lines.map((line) => `${line}\n`).join(''),
      json,
    )
    return EXIT.ok
  }
  if (!isCommand(verb)) throw new Error(`no command ${verb}`)
  return await runCommand(host, { verb, args, json })
}

async function runCommand<T extends IntentType>(
  host: Host,
  { verb, args, json }: { verb: T; args: Args; json: boolean },
): Promise<number> {
  const { env, stdout, stderr } = host
  const command = await commands[verb]()
  const wanted = command.input?.(args)
  const read = wanted === undefined ? {} : await readInput(wanted, homeOf(optionalWord(args.home), env), host)
  const intent = command.intent({ ...args, ...read })
  const needs = command.needs(intent)
  const quiet = args.quiet === true
  // Loaded late: hook, completion and what was refused before do not need the code for relays.
  const { openEnvironment } = await import('../io/environment.ts')
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) host.once(signal, () => stopped.abort())
  const environment = openEnvironment(
    {
      ...environmentOptions(args, host),
      command: verb,
      script: host.argv[1],
      say: (line) => (quiet ? undefined : stderr.write(`p2p: ${expandCommandName(line)}\n`)),
      draw: quiet || terminalWidth(stderr, env) === undefined ? undefined : (line) => stderr.write(`\r\u001b[K${line}`),
      stopped: stopped.signal,
    },
    env,
    stateCodec,
  )
  try {
    // A stream is JSON lines, whoever reads it.
    const emit = (item: InboxItem) => write(host, `${JSON.stringify(itemShape(item))}\n`)
    const printLine = (line: string) =>
      json ? void stderr.write(`${expandCommandName(line)}\n`) : writeSoon(host, `${line}\n`)
    const look = { quiet, width: terminalWidth(stdout, env) }
    const people = { contacts: environment.config.contacts, owner: environment.ownerKey, names: {} }
    const context = refreshContext({
      environment,
      now: 0,
      clock: RIGHT_CLOCK,
      deadline: 0,
      people,
      selector: optionalWord(args.call),
      emit,
      printLine,
    })
    const task = { type: verb, intent, needs }
    const outcome =
      needs.network === true
        ? await (await import('../run/run.ts')).run(task, context)
        : await (await import('../run/local.ts')).runLocally(task, context)
    if (command.print?.(intent).stream) return EXIT.ok
    const shown = json ? outcome : fitOutcome(outcome)
    const code = await printOutcome(host, { command, verb, outcome: shown, json, ...look })
    // In this order: after a crash in between the news is printed twice, and not never.
    if (needs.shows === true) await markShown(context, shown.news)
    // To exit with open connections is faster than to close them.
    host.exit(code)
    return code
  } finally {
    environment.pool.close()
  }
}

/** The options about the environment, which every command takes. Throws USAGE. */
function environmentOptions(args: Args, host: Host): Pick<EnvironmentOptions, 'home' | 'relays' | 'budget' | 'trace'> {
  return { home: optionalWord(args.home), relays: relaysIn(args), budget: budgetOf(args), trace: traceFor(args, host) }
}

function budgetOf(args: Args): number {
  const seconds = args.timeout === undefined ? DEFAULT_TIMEOUT : Number(args.timeout)
  if (Number.isFinite(seconds) && seconds > 0 && seconds <= 600) return seconds * 1000
  throw new Failure(
    'USAGE',
    '--timeout takes a number of seconds, more than 0 and at most 600',
    'for example --timeout 20',
  )
}

function relaysIn({ relay }: Args): string[] {
  return Array.isArray(relay) ? relay.map(String) : []
}

function traceFor({ verbose }: Args, { stderr }: Host): ((line: Foreign) => void) | undefined {
  return verbose === true ? (line) => stderr.write(`p2p: ${unsafeTextOf(line)}\n`) : undefined
}

function optionalWord(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function endOfOptions(argv: readonly string[]): number {
  const at = argv.indexOf('--')
  return at === -1 ? argv.length : at
}
