// What is agreed in a call: proposals, and what the other side has answered to each. A fold over the call's lines, so that both sides
// come to the same.
import { type InboxItem, isShown } from './inbox-items.ts'
import { timeOf } from './log.ts'
import type { Call, Line } from './replay.ts'
import type { CallOutcome } from './signal.ts'

/** `ref`: as it is named everywhere, `me/3` or `peer/5`. `text`: as it came. `at`: unix seconds. */
type Said = { ref: string; text: string; at: number }

/** `late`: said before its author knew that the call was over. */
export type ProposalAnswer = Said & { type: 'agree' | 'decline'; late?: true }

/** `answer`: the first one of the other side, which stands: whoever changes its mind proposes anew. */
export type Proposal = Said & { id: string; from: 'me' | 'peer'; answer: ProposalAnswer | undefined }

/** A proposal to which the other side has agreed. `cut`: a text is longer than what is remembered of it. */
export type Agreement = Said & { from: 'me' | 'peer'; answer: Said & { late?: true }; cut?: true }

/** What is read of a call. */
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
  // Apart from the first round: what an answer names need not stand above it.
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

/** Proposals that nobody has answered: of one side, or of both. */
export function openProposals(call: Lines, from?: 'me' | 'peer'): Proposal[] {
  return proposalsOf(call).filter((one) => one.answer === undefined && (from === undefined || one.from === from))
}

/** The same items, and which of them nothing is left to be done about: advice that was good once would be refused now. */
export function markSettled(items: readonly InboxItem[], call: Call): InboxItem[] {
  const open = new Set(call.phase === 'active' ? openProposals(call, 'peer').map(({ id }) => id) : [])
  return items.map((item) => {
    const { type, id } = item
    const isSettled =
      type === 'request'
        ? call.phase !== 'ringing'
        : type === 'propose'
          ? !open.has(id)
          : (type === 'accept' || type === 'decline') && call.phase !== 'active'
    return isSettled ? { ...item, settled: true } : item
  })
}

/** How a call went, in the words of whoever ended it; of two who say so, the first in the order of the transcript. */
export function callOutcome({ lines }: Pick<Call, 'lines'>): CallOutcome | undefined {
  return lines.flatMap(({ signal: { body } }) => (body.type === 'end' ? (body.outcome ?? []) : []))[0]
}

function sideOf({ party }: Line, { role }: Lines): 'me' | 'peer' {
  return party === role ? 'me' : 'peer'
}

function saidIn(line: Line, call: Lines): Said {
  const { signal, heard } = line
  return { ref: `${sideOf(line, call)}/${signal.seq}`, text: signal.body.text, at: timeOf(signal.at, heard) }
}
