// Carries out `hook`, from the settings and the state on this disk alone. It makes no key, asks no relay, takes no lock and marks nothing
// as read. Whatever goes wrong, the harness goes on as if there were no hook: exit code 0, and nothing printed.
import { expandCommandName } from '../command-name.ts'
import type { Args } from '../commands/command.ts'
import {
  type HookQuestion,
  hookAnswer,
  hookDocument,
  hookQuestion,
  keyOfThing,
  readsEvent,
  waitingText,
} from '../commands/hook.ts'
import { EXIT } from '../errors.ts'
import { inputText } from '../input-text.ts'
import { readStream } from '../io/files/source.ts'
import { ownerKeyOf, readConfig } from '../io/home/config.ts'
import { openHookMemory } from '../io/home/hook-memory.ts'
import { type Home, homeOf } from '../io/home/paths.ts'
import { openStore } from '../io/store/store.ts'
import { type WaitingThing, waitingThings } from '../run/waiting.ts'
import { parseHookMemory, rememberHold, rememberTold } from '../state/hook-memory.ts'
import { stateCodec } from '../state/state-codec.ts'
import type { Host } from './host.ts'
import { write } from './output.ts'

/** Most bytes of a harness's input, which may hold the output of a tool. */
const MAX_INPUT = 64 * 1024 * 1024

/** Ms that stdin may stay open. A harness writes and closes it at once; where it does not, the hook must not hold it up. */
const INPUT_MS = 2_000

/** Prints the answer, if there is one; with --verbose also, on stderr, why there is none. Gives the exit code, which is always 0. */
export async function answerHook(host: Host, args: Args, json: boolean): Promise<number> {
  try {
    const home = homeOf(typeof args.home === 'string' ? args.home : undefined, host.env)
    const question = hookQuestion(args, readsEvent(args) ? await readInput(host) : '')
    if (question === undefined) throw new Error('the input on stdin asks nothing of it')
    const things = readWaiting(home)
    const text = waitingText(things)
    if (question.type === 'line' && json) await write(host, `${hookDocument(things, text)}\n`, true)
    else if (text === '') throw new Error('nothing waits')
    else if (isBounded(question, things, home)) throw new Error('this session has been told of it')
    else await write(host, `${hookAnswer(question, text)}\n`, question.type !== 'line')
  } catch (error) {
    if (args.verbose === true)
      host.stderr.write(`p2p: hook: ${expandCommandName(error instanceof Error ? error.message : String(error))}\n`)
  }
  return EXIT.ok
}

// Throws for damaged state and settings: what is in them is not known, and the next command mends them and says so.
function readWaiting(home: Home): WaitingThing[] {
  const config = readConfig(home)
  const people = { contacts: config.contacts, owner: ownerKeyOf(config), names: {} }
  const say = (notice: string) => {
    throw new Error(notice)
  }
  const state = openStore(home, stateCodec, { say, command: 'hook' }).read()
  return waitingThings(state, people, Math.floor(Date.now() / 1000))
}

/** Whether the session was told already and must be left alone; if not, writes down that it is told now. Throws what writing throws. */
function isBounded(question: HookQuestion, things: readonly WaitingThing[], home: Home): boolean {
  if (question.type === 'line' || (question.type === 'context' && !question.once)) return false
  const file = openHookMemory(home, question.session)
  const keys = things.map(keyOfThing)
  const memory = parseHookMemory(file.read())
  const next =
    question.type === 'stop' ? rememberHold(memory, keys, Math.floor(Date.now() / 1000)) : rememberTold(memory, keys)
  if (next !== undefined) file.write(next)
  return next === undefined
}

/** What is on stdin; "" at a terminal, where it is too much, and where it does not end in time. */
async function readInput({ stdin }: Host): Promise<string> {
  if (stdin.isTTY) return ''
  const timer = new Promise<undefined>((resolve) => setTimeout(resolve, INPUT_MS, undefined).unref())
  const bytes = await Promise.race([readStream(stdin, MAX_INPUT), timer])
  return inputText('file', bytes ?? new Uint8Array(0)).text ?? ''
}
