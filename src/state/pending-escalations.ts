// Questions that our owner has not been told through every channel yet: when to try again, and when to give up.
import type { AnswerChannel, Escalation } from '../call/escalation.ts'
import { type Foreign, foreign } from '../sanitize.ts'
import { keepEscalation, recordAnswer, recordChannels } from './owner-answers.ts'
import type { AuthorContext } from './record-signals.ts'
import { claimBy, hasPassed, type IsAlive, isClaimed, waitAfter } from './retry.ts'
import type { PendingEscalation, State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Seconds until the next command may try a channel again, by how often it has failed. After the last it is not tried any more. */
const OWNER_WAITS = [60, 600, 3600, 6 * 3600, 24 * 3600, 48 * 3600]

/** Seconds after which an owner who could not be told is not told any more. */
const OWNER_TRIED_FOR = 7 * 24 * 3600

/** Seconds after which a claim on telling the owner counts for nothing. */
const OWNER_CLAIM_LIFETIME = 90

/** Most earlier questions that one command tries again. */
const MAX_RETRIES_A_RUN = 10

/** Channels where the same id twice is one notice. The others stop once any channel has worked. */
const REPEATABLE: readonly string[] = ['webhook']

/** A question to tell the owner now, through these channels. `neverTold`: it was not told through any yet, nor written to the log. */
export type DueEscalation = {
  escalation: Escalation
  channels: string[]
  letter: string | undefined
  neverTold: boolean
}

/**
 * What came of telling the owner once, by channel: undefined where it was told, else why not. `answers`: what the owner has answered there
 * at once.
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

/** The questions to tell now, claimed by this process. @param configured the channels that are set now */
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
    // A question with no channel left is due too, so that it is forgotten.
    if (channels.length === 0 && left.length > 0 && !neverTold) return []
    if (!neverTold && again === MAX_RETRIES_A_RUN) return []
    if (!neverTold) again++
    pending[id] = { ...held, claim: claimBy(author) }
    return [{ escalation, channels, letter, neverTold }]
  })
  return { state: dues.length === 0 ? state : withEscalations(state, pending), dues }
}

/** Writes down what came of it. Where no channel is left, nothing is pending any more; the escalation itself is kept. */
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
