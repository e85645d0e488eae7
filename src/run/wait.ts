// Commands that stay until what they wait for has come: `wait`, `call --wait`, `send --wait`, and `wait --follow`.

import type { InboxItem } from '../call/inbox-items.ts'
import type { Intent } from '../call/intent.ts'
import { callsMatching, peerLabel } from '../call/select-call.ts'
import { EXIT, Failure } from '../errors.ts'
import type { Ended } from './ended.ts'
import type { Outcome } from './outcome.ts'
import { shown } from './shown.ts'
import { watch } from './watch.ts'

const ALWAYS: readonly InboxItem['type'][] = ['escalate', 'end', 'owner']
const ANSWERS: readonly InboxItem['type'][] = ['accept', 'reject', 'missed', 'end']

/** The outcome at once, or when what the command waits for has come, or in vain. */
export async function stay(ended: Ended, outcome: Outcome): Promise<Outcome> {
  const { place, intent } = ended
  const seconds = waits(intent)
  if (seconds === undefined || (outcome.failure !== undefined && intent.type !== 'wait')) return outcome
  if (intent.type === 'wait' && intent.follow) return await follow(ended, outcome)
  // A wait may be cut off by whoever started it: what goes on waiting for it is said before.
  if (outcome.call !== undefined)
    place.say(`call ${outcome.call.id}: waiting for ${intent.type === 'call' ? 'the answer' : 'a reply'}`)
  let last = outcome
  for await (const seen of watch(ended, place.world.clock() + seconds * 1000)) {
    const call = seen.calls.find((c) => c.id === outcome.call?.id) ?? outcome.call
    last = { ...seen, said: outcome.said, parts: outcome.parts, call, failure: undefined }
    if (last.news.some((item) => isAwaited(item, intent, last))) return { ...last, failure: untaken(intent, last) }
  }
  return { ...last, failure: inVain(intent, last, seconds) }
}

// Each item is on disk before it is printed, and read only once it has been.
async function follow(ended: Ended, outcome: Outcome): Promise<Outcome> {
  const { place, intent } = ended
  for await (const seen of watch(ended, Number.POSITIVE_INFINITY)) {
    const printed: InboxItem[] = []
    for (const item of seen.news.filter((i) => isAwaited(i, intent, seen))) {
      if (place.world.stopped.aborted) break
      await place.emit(item)
      printed.push(item)
    }
    await shown(place, printed)
  }
  return { ...outcome, news: [], failure: undefined }
}

function waits(intent: Intent): number | undefined {
  if (intent.type === 'wait') return intent.seconds
  return intent.type === 'call' || intent.type === 'send' ? intent.wait : undefined
}

/** Whether an item is what the command waits for. The owner's word, an escalation and an end always are. */
function isAwaited(item: InboxItem, intent: Intent, { call, calls, people }: Outcome): boolean {
  if (item.type === 'owner') return true
  if (intent.type === 'call') return item.call === call?.id && ANSWERS.includes(item.type)
  if (intent.type === 'send') return item.call === call?.id && item.type !== 'request'
  if (intent.type !== 'wait') return true
  if (intent.call !== undefined && !callsMatching(calls, intent.call, people).some((c) => c.id === item.call))
    return false
  return intent.for.length === 0 || intent.for.includes(item.type) || ALWAYS.includes(item.type)
}

/** Why a call that was answered is not one to speak in. */
function untaken(intent: Intent, { call, people }: Outcome): Failure | undefined {
  if (intent.type !== 'call' || call === undefined || call.phase === 'active') return undefined
  const who = peerLabel(call, people)
  if (call.phase === 'rejected') {
    return new Failure('REJECTED', EXIT.rejected, `${who} rejected the call`, '`p2p list` shows who else is on line')
  }
  return new Failure('NO_ANSWER', EXIT.waited, `${who} did not take the call (${call.phase})`, '`p2p call` calls again')
}

function inVain(intent: Intent, { call }: Outcome, seconds: number): Failure {
  const which = call === undefined ? '' : ` --call ${call.id.slice(0, 8)}`
  const what = intent.type === 'call' ? 'no answer' : 'nothing'
  return new Failure(
    'TIMED_OUT',
    EXIT.waited,
    `${what} came within ${seconds} s`,
    `\`p2p wait${which}\` goes on waiting`,
  )
}
