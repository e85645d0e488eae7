// What a wait can still tell that ended without what it waited for: who has not answered since when, how far our last word has come, whose
// owner was asked, and the command that goes on waiting.

import { callStatusOf, callStatusParts } from '../call/call-status.ts'
import { peerLabel } from '../call/choose-call.ts'
import { isOpen, ownerChannels } from '../call/escalation.ts'
import type { Call } from '../call/replay.ts'
import { isOver } from '../call/rules.ts'
import { formatDuration, isUnheard, quoteRelayError } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { npubEncode } from '../nostr/nip19.ts'
import type { Wait } from './needs.ts'
import type { CommonOutcome } from './outcome.ts'

/** `ids`: the calls that it waited for, none for all; `interrupted`: after how many seconds it was stopped, undefined where time was up. */
export type EndedWait = { wait: Wait; ids: readonly string[]; interrupted: number | undefined }

/** Most calls, and most questions to the owner, that are told of. */
const MAX_TOLD = 3

/** The failure of a wait that brought nothing: TIMED_OUT or INTERRUPTED, with what is known. */
export function waitFailure({ wait, ids, interrupted }: EndedWait, outcome: CommonOutcome): Failure {
  const forOwner = wait.type === 'owner' || isForOwner(wait)
  const asked = forOwner || (wait.type === 'items' && (wait.for.length === 0 || wait.for.includes('owner')))
  const known = [...(forOwner ? [] : knownOf(ids, outcome)), ...(asked ? openText(outcome) : [])]
  if (forOwner && known.length === 0) known.push('no question to your owner is open')
  const dead = isUnheard(outcome.relays)
  if (dead) known.unshift(`no relay answers (${outcome.relays.map(quoteRelayError).join('; ')})`)
  const what = nothingCame(wait)
  const next = `\`${P2P} wait${optionsOf(wait, ids)}\` goes on waiting`
  const hint = dead ? `\`${P2P} doctor\` finds out what is broken; ${next}` : next
  if (interrupted !== undefined) {
    const head = `the wait was interrupted after ${interrupted} s; until then ${what}`
    return new Failure('INTERRUPTED', [head, ...known].join('; '), hint)
  }
  return new Failure('TIMED_OUT', [`${what} within ${wait.seconds} s`, ...known].join('; '), hint)
}

/** REJECTED or NO_ANSWER for a call that did not become active; undefined for one that did. */
export function callNotTakenFailure(call: Call | undefined, { people }: CommonOutcome): Failure | undefined {
  if (call === undefined || call.phase === 'active') return undefined
  const who = peerLabel(call, people)
  if (call.phase === 'rejected') {
    return new Failure('REJECTED', `${who} rejected the call`, `\`${P2P} list\` shows who else is on line`)
  }
  return new Failure(
    'NO_ANSWER',
    `${who} did not take the call (${call.phase})`,
    `\`${P2P} call ${npubEncode(call.peer)} "<topic>"\` calls again`,
  )
}

function knownOf(ids: readonly string[], { calls, state, now }: CommonOutcome): string[] {
  const meant = calls.filter((call) => (ids.length === 0 ? isAwaiting(call) : ids.includes(call.id)))
  if (ids.length === 0 && !calls.some(({ phase }) => !isOver(phase))) return ['no call is open']
  const told = meant.toReversed().slice(0, MAX_TOLD)
  return told.flatMap((call) => {
    const log = state.logs[call.id]
    if (log === undefined) return []
    const status = callStatusOf(call, log, state.index.calls[call.id]?.deadline)
    const parts = callStatusParts(status, call.role === 'caller', now)
    return told.length === 1 ? parts : parts.map((part) => `call ${call.id.slice(0, 8)}: ${part}`)
  })
}

const NOTHING_CAME: Readonly<Record<Wait['type'], string>> = {
  answer: 'no answer came',
  reply: 'nothing came',
  end: 'it was not confirmed',
  owner: 'no answer from your owner came',
  items: 'nothing came',
}

// Says only what did not come: other things may have come meanwhile, and are printed too.
function nothingCame(wait: Wait): string {
  if (wait.type !== 'items' || wait.for.length === 0) return NOTHING_CAME[wait.type]
  if (isForOwner(wait)) return NOTHING_CAME.owner
  return `nothing of what was waited for came (${wait.for.join(', ')})`
}

function isForOwner(wait: Wait): boolean {
  return wait.type === 'items' && wait.for.length > 0 && wait.for.every((type) => type === 'owner')
}

/** The open questions to our owner, the latest ones. */
function openText({ state, now }: CommonOutcome): string[] {
  return Object.values(state.index.escalations)
    .filter(isOpen)
    .slice(-MAX_TOLD)
    .map(({ escalation: { id, at }, channels }) => {
      const age = `${formatDuration(now - at)} ago (${id.slice(0, 8)})`
      return ownerChannels(channels).some(({ ok }) => ok)
        ? `your owner was asked ${age}`
        : `your owner was NOT told what you asked ${age}`
    })
}

function isAwaiting({ phase, role }: Call): boolean {
  return !isOver(phase) && (phase === 'active' || role === 'caller')
}

function optionsOf(wait: Wait, ids: readonly string[]): string {
  const [only, second] = ids
  const call = only !== undefined && second === undefined ? ` --call ${only.slice(0, 8)}` : ''
  if (wait.type === 'owner') return ' --for owner'
  const types = wait.type === 'items' && wait.for.length > 0 ? ` --for ${wait.for.join(',')}` : ''
  return `${types}${call}`
}
