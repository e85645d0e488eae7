// What a ref names: `me/3` or `peer/5` is one signal of a call, by whose it is and its number.
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { openProposals, type Proposal, proposalsOf } from './agreements.ts'
import type { Call } from './replay.ts'

export type Ref = { from: 'me' | 'peer'; seq: number }

/** Reads a ref such as "peer/5"; undefined for anything else. */
export function parseRef(text: string): Ref | undefined {
  const [, from, digits] = /^(me|peer)\/([1-9]\d{0,6})$/.exec(text.trim()) ?? []
  return from === 'me' || from === 'peer' ? { from, seq: Number(digits) } : undefined
}

/** The id of the signal that a ref names, or why there is none (NO_SUCH_REF). A signal in the archive is not found. */
export function signalNamed({ from, seq }: Ref, call: Call): string | Failure {
  const line = call.lines.find(({ signal, party }) => signal.seq === seq && (party === call.role) === (from === 'me'))
  if (line !== undefined) return line.signal.id
  const last = from === 'me' ? call.own.seq : call.taken.seq
  const why = seq <= last ? `${from}/${seq} is too long ago to be named` : `there is no ${from}/${seq} in this call`
  return new Failure(
    'NO_SUCH_REF',
    `${why}; the last one is ${from}/${last}`,
    `\`${P2P} transcript ${call.id.slice(0, 8)}\` shows what each is called`,
  )
}

/**
 * The proposal that is answered: the one that the ref names, or without a ref the only open one of the other side; or why there is none
 * (NO_PROPOSAL, SEVERAL_PROPOSALS).
 * @param isUnread whether our agent has still to be shown a signal, by its id
 */
export function proposalToAnswer(
  ref: string | undefined,
  call: Call,
  isUnread: (id: string) => boolean,
): Proposal | Failure {
  const id = call.id.slice(0, 8)
  if (ref !== undefined) return proposalNamed(ref, call)
  const [only, second] = openProposals(call, 'peer')
  if (only === undefined)
    return new Failure(
      'NO_PROPOSAL',
      'no proposal of the other side waits for your answer',
      `\`${P2P} transcript ${id}\` shows what was proposed; \`${P2P} propose "…" --call ${id}\` proposes something`,
    )
  // The attack: something else is proposed just before our agent agrees to what was said in a message.
  if (second === undefined && isUnread(only.id))
    return new Failure(
      'NO_PROPOSAL',
      `${only.ref} is proposed, which you had not been shown; nothing was answered`,
      `read it, then \`${P2P} agree ${only.ref} --call ${id}\` or \`${P2P} decline ${only.ref} "…" --call ${id}\``,
    )
  if (second === undefined) return only
  const refs = openProposals(call, 'peer').map((one) => one.ref)
  return new Failure(
    'SEVERAL_PROPOSALS',
    `${refs.length} proposals wait for your answer: ${refs.join(', ')}`,
    `say which: \`${P2P} agree <ref> --call ${id}\` or \`${P2P} decline <ref> "…" --call ${id}\`; \`${P2P} transcript ${id} --brief\` shows them`,
  )
}

function proposalNamed(ref: string, call: Call): Proposal | Failure {
  const id = call.id.slice(0, 8)
  const found = proposalsOf(call).find((one) => one.ref === ref)
  const refused = (message: string, hint: string) => new Failure('NO_PROPOSAL', message, hint)
  if (found === undefined)
    return refused(`${ref} is no proposal; ${openText(call)}`, `\`${P2P} transcript ${id}\` shows what was proposed`)
  if (found.from === 'me')
    return refused(
      `${ref} is your own proposal: the other side answers it`,
      `\`${P2P} wait --call ${id}\` waits for that`,
    )
  if (found.answer === undefined) return found
  const done = found.answer.type === 'agree' ? 'agreed to' : 'declined'
  return refused(
    `you have ${done} ${ref} already (${found.answer.ref})`,
    `\`${P2P} propose "…" --call ${id}\` proposes something else`,
  )
}

function openText(call: Call): string {
  const refs = openProposals(call, 'peer').map(({ ref }) => ref)
  return refs.length === 0 ? 'none waits for your answer' : `what waits for your answer is ${refs.join(', ')}`
}
