// `list`: who is on line.

import { agentOf } from '../call/agents.ts'
import { command, hintLine, type PrintedLine, type Span, span } from '../call/span.ts'
import { claimedNameLines, describeAgent, isUnheard, plain, quoteLines } from '../call/wording.ts'
import { P2P, shellPath } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { OnlineAgent } from '../run/discovery.ts'
import type { CommonOutcome, OutcomeOf } from '../run/outcome.ts'
import { cutForeign, foreign } from '../sanitize.ts'
import { flagOption, optionalText } from './args.ts'
import type { Args, Command } from './command.ts'
import { presenceShape } from './json.ts'

/** Most characters of an agent's capabilities that are shown. */
const MAX_CAPABILITY_TEXT = 200

/** Most agents that are shown to a reader and to a program, unless they ask for more. */
const SHOWN = { text: 30, json: 100 }

export const list: Command<'list'> = {
  usage: 'list',
  describe: 'Agents on line',
  examples: [`${P2P} list --capability translate`],
  options: {
    capability: { type: 'string', describe: 'only agents that name this capability' },
    name: { type: 'string', describe: 'only agents of this name' },
    search: { type: 'string', describe: 'only agents with this word in name, about or capabilities' },
    limit: { type: 'string', describe: `at most so many (${SHOWN.text}; with --json ${SHOWN.json})` },
    all: { type: 'boolean', describe: 'all of them, however long that takes' },
    verify: { type: 'boolean', describe: 'ask the domains that agents say they belong to' },
  },
  intent: (args) => ({
    type: 'list',
    wish: {
      capability: optionalText(args, 'capability').trim() || undefined,
      name: optionalText(args, 'name').trim() || undefined,
      search: optionalText(args, 'search').trim() || undefined,
      limit: limitOption(args),
    },
    verify: flagOption(args, 'verify'),
  }),
  needs: ({ wish, verify }) => ({ network: true, lookups: { wish, verify } }),
  text: (outcome) => {
    const { agents, total, more } = outcome.online
    if (agents.length === 0) return [nobodyLine(outcome)]
    const shown = outcome.intent.wish.limit > SHOWN.text ? agents : fitting(outcome)
    return [
      [span('heading', `${countText(outcome, shown.length)} on line`), ':'],
      ...shown.flatMap((agent) => agentLines(outcome, agent)),
      ...(total > shown.length || more ? [moreLine(outcome, shown.length)] : []),
      hintLine(`next: \`${P2P} call <npub> "<topic>"\``),
    ]
  },
  json: (outcome) => ({
    agents: outcome.online.agents.map((agent) => presenceShape(outcome, agent)),
    total: outcome.online.total,
    complete: isComplete(outcome),
  }),
}

/** `--limit`, or Infinity with --all. Throws USAGE. */
function limitOption(args: Args): number {
  if (flagOption(args, 'all')) return Number.POSITIVE_INFINITY
  const text = optionalText(args, 'limit').trim()
  if (text === '') return args.json === true ? SHOWN.json : SHOWN.text
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new Failure('USAGE', '--limit takes a number of agents from 1 on', `\`${P2P} list --all\` shows all`)
}

/** Most characters of a list without --limit or --all: tools silently cut longer output. */
const MAX_LIST_TEXT = 14_000

/** The first agents, as many as fit, at least one. */
function fitting(outcome: OutcomeOf<'list'>): OnlineAgent[] {
  let room = MAX_LIST_TEXT
  return outcome.online.agents.filter((agent, n) => {
    room -= agentLines(outcome, agent).map(plain).join('\n').length + 1
    return room >= 0 || n === 0
  })
}

/** Whether the list is complete, as far as all relays know. */
function isComplete({ online }: OutcomeOf<'list'>): boolean {
  return online.agents.length === online.total && !online.more && online.lacking.length === 0
}

function countText({ online: { total, more, lacking } }: OutcomeOf<'list'>, shown: number): string {
  const least = more || lacking.length > 0 ? `at least ${total}` : String(total)
  return shown === total ? least : `${shown} of ${least}`
}

function nobodyLine(outcome: OutcomeOf<'list'>): PrintedLine {
  const { intent, online } = outcome
  if (isUnheard(outcome.relays)) return 'who is on line is not known'
  const { capability, name, search } = intent.wish
  const told = online.lacking.length > 0 ? ', as far as relays have said' : ''
  if (capability === undefined && name === undefined && search === undefined)
    return [`nobody is on line${told} (agents announce themselves with `, command(`${P2P} announce`), ')']
  const what = search === undefined ? 'called that or can do that' : 'described by that word'
  return [`nobody on line is ${what}${told}; `, command(`${P2P} list`), ' shows who is']
}

function moreLine({ intent: { wish } }: OutcomeOf<'list'>, shown: number): PrintedLine {
  // The command keeps what the list was narrowed down to.
  const asked = (['capability', 'name', 'search'] as const).map((key) =>
    wish[key] === undefined ? '' : ` --${key} ${shellPath(wish[key])}`,
  )
  const more = command(`${P2P} list${asked.join('')} --limit ${Math.max(2 * shown, SHOWN.text)}`)
  return ['… and more: ', more, '; --capability, --name and --search narrow it down']
}

function agentLines({ people, now }: CommonOutcome, online: OnlineAgent): PrintedLine[] {
  const agent = agentOf(people, online.pubkey, online.name)
  const [first, ...more] = online.capabilities
  const can =
    first === undefined ? foreign`` : more.reduce((all, next) => foreign`${all}, ${next}`, foreign`can: ${first}`)
  const looked = online.looked === undefined ? [] : [', looked ', ageSpan(now, online.looked)]
  return [
    [
      `${agent.npub} `,
      span(online.status === 'available' ? 'good' : 'warning', online.status),
      ', seen ',
      ageSpan(now, online.lastSeen),
      ...looked,
      ', ',
      ...describeAgent(agent),
      ...domainFact(online),
    ],
    ...claimedNameLines(agent),
    ...quoteLines(online.about),
    ...quoteLines(cutForeign(can, MAX_CAPABILITY_TEXT)),
    ...claimedDomain(online),
  ]
}

function domainFact({ nip05, verified }: OnlineAgent): string[] {
  if (nip05 === undefined || verified === undefined) return []
  return [verified ? `, ${nip05} (its domain says so)` : ', whose name its domain denies']
}

// A name that its domain has not confirmed is no fact: it is quoted.
function claimedDomain({ nip05, verified }: OnlineAgent): PrintedLine[] {
  if (nip05 === undefined || verified === true) return []
  return quoteLines(foreign`says it is ${nip05}${verified === undefined ? ' (not checked)' : ''}`)
}

/** A time as its age; one that lies ahead, by another clock, is 0 s ago. */
function ageSpan(now: number, at: number): Span {
  return { role: 'time', at, text: `${ageText(now - at)} ago` }
}

function ageText(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, seconds)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
