// `hook`: what waits for the agent, in the form that its harness's hook expects. docs/HARNESSES.md has the forms, and where each is
// documented.
import { P2P } from '../command-name.ts'
import { isRecord, parseJson } from '../json.ts'
import type { WaitingThing } from '../run/waiting.ts'
import { optionalText } from './args.ts'
import type { Args, Verb } from './command.ts'

/** The harnesses that name their event in JSON on stdin. Any other one gets one line. */
const JSON_HARNESSES: readonly string[] = ['claude-code', 'codex']

const CONTEXT_EVENTS: readonly string[] = ['SessionStart', 'UserPromptSubmit', 'PostToolUse']

export const hook: Verb = {
  usage: 'hook <harness> [event]',
  describe: "What waits for you, as an agent harness's hook expects it: asks no relay, marks nothing as read",
  examples: [`${P2P} hook claude-code`, `${P2P} hook codex Stop`, `${P2P} hook generic`],
  positionals: {
    harness: {
      type: 'string',
      choices: [...JSON_HARNESSES, 'openclaw', 'generic'],
      describe: 'whose form; one line of text for any name that is not known',
    },
    event: {
      type: 'string',
      choices: [...CONTEXT_EVENTS, 'Stop'],
      describe: 'answer this event only; the harness says on stdin which one it is',
    },
  },
}

/**
 * What a harness asks. `line`: for one line of text. `context`: what to tell the agent beside its work; `once`: asked after every tool, so
 * only what is new to the session is told. `stop`: whether the agent may stop.
 */
export type HookQuestion =
  | { type: 'line' }
  | { type: 'context'; event: string; session: string; once: boolean }
  | { type: 'stop'; session: string }

/** Whether the harness says on stdin what it asks. */
export function readsEvent(args: Args): boolean {
  return JSON_HARNESSES.includes(optionalText(args, 'harness'))
}

/**
 * The question of a harness; undefined where there is none to answer: input that is cut short, an event that is not for us, one of a
 * subagent, a stop that a hook has held up already.
 *
 * @param input what came on stdin
 */
export function hookQuestion(args: Args, input: string): HookQuestion | undefined {
  if (!readsEvent(args)) return { type: 'line' }
  const asked = parseJson(input)
  if (!isRecord(asked)) return undefined
  const { hook_event_name: event, session_id: id, stop_hook_active: held, agent_id: subagent } = asked
  if (typeof event !== 'string' || typeof id !== 'string' || subagent !== undefined) return undefined
  const wanted = optionalText(args, 'event')
  if (wanted !== '' && wanted !== event) return undefined
  const session = `${optionalText(args, 'harness')} ${id}`
  // The agent goes on because a hook, perhaps ours, has held up its stop: held up again, it might never stop.
  if (event === 'Stop') return held === false ? { type: 'stop', session } : undefined
  return CONTEXT_EVENTS.includes(event) ? { type: 'context', event, session, once: event === 'PostToolUse' } : undefined
}

/** What tells one waiting thing from another in the memory of a session. */
export function keyOfThing({ type, id }: WaitingThing): string {
  return `${type} ${id}`
}

/** The answer to a harness, in the form of its question. `text`: from `waitingText`. */
export function hookAnswer(question: HookQuestion, text: string): string {
  switch (question.type) {
    case 'line':
      return text
    case 'context':
      return JSON.stringify({ hookSpecificOutput: { hookEventName: question.event, additionalContext: text } })
    case 'stop':
      return JSON.stringify({ decision: 'block', reason: text })
  }
}

/** What waits as a JSON document, for `--json` where the harness has no form of its own. */
export function hookDocument(things: readonly WaitingThing[], text: string): string {
  const ringing = things.filter(({ type }) => type === 'ringing').length
  const unread = things.length - ringing
  return JSON.stringify({ ok: true, command: 'hook', ringing, unread, waiting: things, text })
}

/** Most calls and senders of letters that are named; of the rest, how many there are. */
const MAX_TOLD = 5

/** What waits, in one line; "" for nothing. The counts are of all things, even those that are not named. */
export function waitingText(things: readonly WaitingThing[]): string {
  if (things.length === 0) return ''
  const rings = things.filter(({ type }) => type === 'ringing').length
  const unread = things.length - rings
  const counts = [
    ...(rings === 0 ? [] : [`${rings} ${rings === 1 ? 'call rings' : 'calls ring'}`]),
    ...(unread === 0 ? [] : [`${unread} unread`]),
  ]
  const told = groupsOf(things, ({ call, npub }) => `${call} ${npub}`).map(placeText)
  const rest = told.length - MAX_TOLD
  const more = rest > 0 ? [`and ${rest} more`] : []
  return `p2p-comm: ${counts.join(', ')} (${[...told.slice(0, MAX_TOLD), ...more].join('; ')}). \`${P2P} status\` shows what it is.`
}

function placeText(things: readonly WaitingThing[]): string {
  const [first] = things
  if (first === undefined) return ''
  const counts = groupsOf(things, ({ type }) => type).map((same) =>
    same[0]?.type === 'ringing' ? 'ringing' : `${same.length} ${same[0]?.type}`,
  )
  const where = first.call === '' ? 'letters' : `call ${first.call.slice(0, 8)}`
  const who = first.npub === '' ? 'your owner' : `${first.npub.slice(0, 12)} (${first.trust})`
  return `${where}, ${who}: ${counts.join(', ')}`
}

function groupsOf(things: readonly WaitingThing[], key: (thing: WaitingThing) => string): WaitingThing[][] {
  const keys = [...new Set(things.map(key))]
  return keys.map((one) => things.filter((thing) => key(thing) === one))
}
