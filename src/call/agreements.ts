// What is agreed in a call: proposals, and what the other side has answered to each. A fold over the call's lines, so that both sides
// come to the same result.
import { type InboxItem, isShown } from './inbox-items.ts'
import { timeOf } from './log.ts'
import type { Call, Line } from './replay.ts'
import type { CallOutcome } from './signal.ts'

/** `ref`: as it is named everywhere, `me/3` or `peer/5`. `text`: as it came. `at`: unix seconds. */
type Said = { ref: string; text: string; at: number }

/** `late`: said before its author knew that the call was over. */
export type ProposalAnswer = Said & { type: 'agree' | 'decline'; late?: true }

/** `answer`: the first answer of the other side, which stands: whoever changes its mind proposes anew. */
export type Proposal = Said & { id: string; from: 'me' | 'peer'; answer: ProposalAnswer | undefined }

/** A proposal to which the other side has agreed. `cut`: a text is longer than what is remembered of it. */
export type Agreement = Said & { from: 'me' | 'peer'; answer: Said & { late?: true }; cut?: true }

/** The parts of a call that are read here. */
type Lines = Pick<Call, 'lines' | 'role'>

/** The proposals of a call, in the order in which they were made. */
export function proposalsOf(call: Lines): Proposal[] {
  const lines = call.lines.filter(isShown)
  const found = new Map<string, Proposal>()
  for (const line of lines) {
    if (line.signal.body.type !== 'propose') continue
    found.set(line.signal.id, {
      id: line.signal.id,
      from: sideOf(line, call),
      ...saidIn(line, call),
      answer: undefined,
    })
  }
  // In a second round: the proposal that an answer names need not be above it.
  for (const line of lines) {
    const { type } = line.signal.body
    const proposal = line.signal.re === undefined ? undefined : found.get(line.signal.re)
    if ((type !== 'agree' && type !== 'decline') || proposal === undefined) continue
    // Nobody agrees to what it has proposed itself.
    if (proposal.answer !== undefined || proposal.from === sideOf(line, call)) continue
    proposal.answer = { type, ...saidIn(line, call), ...(line.late ? { late: true as const } : {}) }
  }
  return [...found.values()]
}

/** What was agreed, in the order in which it was proposed. */
export function agreementsOf(call: Lines): Agreement[] {
  return proposalsOf(call).flatMap(({ ref, from, text, at, answer }) => {
    if (answer?.type !== 'agree') return []
    const { type, ...agreed } = answer
    return [{ ref, from, text, at, answer: agreed }]
  })
}

/** The refs of the answers that stand; any other `agree` or `decline` answers nothing. */
export function standingAnswers(proposals: readonly Proposal[]): ReadonlySet<string> {
  return new Set(proposals.flatMap(({ answer }) => answer?.ref ?? []))
}

/** Proposals that nobody has answered: of one side, or of both. */
export function openProposals(call: Lines, from?: 'me' | 'peer'): Proposal[] {
  return proposalsOf(call).filter((one) => one.answer === undefined && (from === undefined || one.from === from))
}

/**
 * The same items, each with what has become of it: `settled` where nothing is left to be done about it, since advice that was good once
 * would be refused now; `void` where an answer answers nothing. The attack: an `agree` that names a question of ours, its own proposal, or
 * what it has declined.
 */
export function judgeItems(items: readonly InboxItem[], call: Call): InboxItem[] {
  const isAbout = ({ type }: InboxItem) => type === 'propose' || type === 'agree' || type === 'decline'
  const proposals = items.some(isAbout) ? proposalsOf(call) : []
  const active = call.phase === 'active'
  const isOpen = (id: string) => active && proposals.some((one) => one.id === id && one.answer === undefined)
  const answers = standingAnswers(proposals)
  return items.map((item) => {
    const { type, id, ref } = item
    if (type === 'request')
      return call.phase === 'ringing'
        ? item
        : { ...item, settled: true, ...(active ? { accepted: true as const } : {}) }
    if (type === 'propose') return isOpen(id) ? item : { ...item, settled: true }
    if ((type === 'agree' || type === 'decline') && !answers.has(ref ?? ''))
      return { ...item, settled: true, void: true }
    return active || (type !== 'accept' && type !== 'decline') ? item : { ...item, settled: true }
  })
}

/** Who says how a call went. */
export type OutcomeAuthor = 'me' | 'peer' | 'both'

/**
 * How a call went, in the words of whoever ended it; where both say so, the first in the order of the transcript. Undefined where nobody
 * has said.
 */
export function callOutcome(call: Lines): { outcome: CallOutcome; by: OutcomeAuthor } | undefined {
  const [first, second] = call.lines.flatMap((line) => {
    const { body } = line.signal
    return body.type === 'end' && body.outcome !== undefined ? [{ outcome: body.outcome, by: sideOf(line, call) }] : []
  })
  return first !== undefined && second?.outcome === first.outcome ? { ...first, by: 'both' } : first
}

function sideOf({ party }: Line, { role }: Lines): 'me' | 'peer' {
  return party === role ? 'me' : 'peer'
}

function saidIn(line: Line, call: Lines): Said {
  const { signal, heard } = line
  return { ref: `${sideOf(line, call)}/${signal.seq}`, text: signal.body.text, at: timeOf(signal.at, heard) }
}
