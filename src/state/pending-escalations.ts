// What our owner has been asked and has not been told through every channel yet: when to try again, and when to give up.
import type { AnswerChannel, Escalation } from '../call/escalation.ts'
import { type Foreign, foreign } from '../sanitize.ts'
import { keepEscalation, recordAnswer, recordChannels } from './owner-answers.ts'
import type { AuthorContext } from './record-signals.ts'
import { claimBy, hasPassed, type IsAlive, isClaimed, waitAfter } from './retry.ts'
import type { PendingEscalation, State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** "What no channel took is tried again with the next command after a minute", then ever more seldom. After the last, never. Seconds. */
const OWNER_WAITS = [60, 600, 3600, 6 * 3600, 24 * 3600, 48 * 3600]

/** An owner who has not been told for so long is told no more. */
const OWNER_TRIED_FOR = 7 * 24 * 3600

/** Seconds; no command takes longer. */
const OWNER_CLAIM_LIFETIME = 90

/** Most questions of before that one command tries again. */
const MAX_RETRIES_A_RUN = 10

/** Channels where the same id twice is one notice, or where saying it twice does no harm. The others stop once one has worked. */
const REPEATABLE: readonly string[] = ['webhook']

/** Tell the owner now, through these channels. `neverTold`: it has not been told through any, nor written to the log. */
export type DueEscalation = {
  escalation: Escalation
  channels: string[]
  letter: string | undefined
  neverTold: boolean
}

/**
 * What came of one telling, by channel: undefined where the owner was told, else why not. `answers`: what the owner has said to it
 * there at once.
 */
export type OwnerTold = {
  id: string
  results: Record<string, Foreign | undefined>
  answers?: Partial<Record<AnswerChannel, string>>
  /** Who else was told, by channel: the peer, the log. */
  others?: Record<string, Foreign | undefined>
}

/**
 * Writes down a question for every channel, before any of them hears of it.
 * @param letter the rumor that asks the owner on Nostr, if one does
 */
export function openEscalation(
  state: State,
  escalation: Escalation,
  channels: readonly string[],
  letter: string | undefined,
): State {
  const edit = beginTransaction(state)
  const channelsLeft = Object.fromEntries(channels.map((channel) => [channel, { tries: 0, at: 0, error: foreign`` }]))
  edit.index.pendingEscalations = {
    ...state.index.pendingEscalations,
    [escalation.id]: { escalation, channelsLeft, neverTold: true, ...(letter === undefined ? {} : { letter }) },
  }
  keepEscalation(edit, escalation, letter)
  return edit.state
}

/** What is to be told now, claimed by this process. `configured`: the channels that there are now. */
export function dueEscalations(
  state: State,
  configured: readonly string[],
  author: AuthorContext,
  alive: IsAlive,
): { state: State; dues: DueEscalation[] } {
  const { now } = author
  const pending = { ...state.index.pendingEscalations }
  let again = 0
  const dues = Object.entries(pending).flatMap(([id, held]): DueEscalation[] => {
    const { escalation, letter, claim } = held
    if (isClaimed(claim, now, alive, OWNER_CLAIM_LIFETIME)) return []
    const left = openChannels(held, state, configured, now)
    const channels = left.filter((channel) => {
      const { tries, at } = held.channelsLeft[channel] ?? { tries: 0, at: 0 }
      return tries === 0 || hasPassed(at, waitAfter(tries - 1, OWNER_WAITS), now)
    })
    const neverTold = held.neverTold === true
    // One that nothing is left to do for is due too: to be forgotten.
    if (channels.length === 0 && left.length > 0 && !neverTold) return []
    if (!neverTold && again === MAX_RETRIES_A_RUN) return []
    if (!neverTold) again++
    pending[id] = { ...held, claim: claimBy(author) }
    return [{ escalation, channels, letter, neverTold }]
  })
  return { state: dues.length === 0 ? state : withEscalations(state, pending), dues }
}

/** Writes down what came of it. Where nothing is left to tell, that is forgotten; the escalation itself is kept. */
export function recordOwnerTold(
  state: State,
  all: readonly OwnerTold[],
  configured: readonly string[],
  now: number,
): State {
  const edit = beginTransaction(state)
  edit.index.pendingEscalations = { ...state.index.pendingEscalations }
  for (const telling of all) {
    recordChannels(edit, telling.id, { ...telling.others, ...telling.results })
    const held = edit.index.pendingEscalations[telling.id]
    if (held !== undefined) {
      const after = entryAfterTelling(held, telling, now)
      if (openChannels(after, state, configured, now).length > 0) edit.index.pendingEscalations[telling.id] = after
      else delete edit.index.pendingEscalations[telling.id]
    }
    for (const [channel, text] of Object.entries(telling.answers ?? {}))
      recordAnswer(edit, telling.id, { text, at: now, channel: channel as AnswerChannel })
  }
  return edit.state
}

/** The channels that the owner is still to be told through. */
function openChannels(held: PendingEscalation, { index }: State, configured: readonly string[], now: number): string[] {
  if (now - held.escalation.at >= OWNER_TRIED_FOR) return []
  // A letter is forgotten once a relay has taken it.
  const reached =
    held.ownerReached === true || (held.letter !== undefined && index.outgoingLetters[held.letter] === undefined)
  return Object.entries(held.channelsLeft)
    .filter(([channel, { tries }]) => tries <= OWNER_WAITS.length && configured.includes(channel))
    .filter(([channel]) => !reached || REPEATABLE.includes(channel))
    .map(([channel]) => channel)
}

function entryAfterTelling(
  { escalation, channelsLeft, letter, ownerReached }: PendingEscalation,
  { results }: OwnerTold,
  now: number,
): PendingEscalation {
  const left = Object.entries(channelsLeft).flatMap(
    ([channel, attempt]): [string, PendingEscalation['channelsLeft'][string]][] => {
      if (!Object.hasOwn(results, channel)) return [[channel, attempt]]
      const error = results[channel]
      return error === undefined ? [] : [[channel, { tries: attempt.tries + 1, at: now, error }]]
    },
  )
  const isReached = ownerReached === true || Object.values(results).includes(undefined)
  return {
    escalation,
    channelsLeft: Object.fromEntries(left),
    ...(letter === undefined ? {} : { letter }),
    ...(isReached ? { ownerReached: true as const } : {}),
  }
}

function withEscalations(state: State, pending: Record<string, PendingEscalation>): State {
  const edit = beginTransaction(state)
  edit.index.pendingEscalations = pending
  return edit.state
}
