// As many questions are open on one connection at a time as the relay takes. The others wait for their turn.
import type { Reason, Refusal } from '../../nostr/messages.ts'
import { matches, numbersIn } from '../../sanitize.ts'

/** The place of one question, a REQ or a session of NIP-77, among those that are open. */
export type QuestionTurn = {
  /** Calls `ask` now where there is room, else when another question is over. One that has its turn, or waits for it, keeps its place. */
  take(ask: () => void): void
  /** The question is over, or no longer waits. */
  give(): void
  isWaiting(): boolean
  /** The relay has answered the question, if only in part. */
  heard(): void
  /** The question has its answer, and stays open only for as long as no other one needs its place. */
  rest(): void
  /** Whether a refusal says that the question was one too many: then it is to take its turn anew. */
  refused(refusal: Refusal): boolean
}

export type Turns = {
  /** Opens a place for a question. @param stepBack closes the question at the relay and takes its turn anew */
  open(stepBack: () => void): QuestionTurn
  /** Whether a NOTICE, which names no question, says that one of ours is one too many. */
  noticed(refusal: Refusal): boolean
  /** How many may be open at a time; Infinity where that is not known. */
  limit(): number
  /** Nobody's turn comes any more. */
  close(): void
}

type Place = {
  ask: () => void
  stepBack: () => void
  /** How many questions were open when this one was asked, itself counted. */
  among: number
  isHeard: boolean
  isResting: boolean
}

/**
 * Opens the turns of one connection.
 * @param known how many questions the relay takes at a time
 * @param onFewer is told when the relay shows that it takes fewer
 */
export function openTurns(known = Number.POSITIVE_INFINITY, onFewer: (limit: number) => void = () => {}): Turns {
  const open = new Set<Place>()
  const waiting = new Set<Place>()
  const unheard = () => [...open].filter(({ isHeard }) => !isHeard)
  let limit = known
  let isClosed = false
  // Set while it is not known how many questions the relay takes: how many were open when a NOTICE came, and how many were refused. They
  // are asked anew, the first of them alone; until that is answered, another NOTICE is still about how they were asked before.
  let doubt: { among: number; refused: number; first: Place | undefined } | undefined

  function review(): void {
    if (isClosed) return
    const room = doubt === undefined ? limit : 1
    for (const place of [...waiting].sort((a, b) => Number(a.isResting) - Number(b.isResting)))
      if (open.size < room && waiting.has(place)) begin(place)
    if ([...waiting].some(({ isResting }) => !isResting)) [...open].find(({ isResting }) => isResting)?.stepBack()
  }

  function begin(place: Place): void {
    waiting.delete(place)
    open.add(place)
    place.among = open.size
    if (doubt) doubt.first = place
    ask(place)
  }

  function ask(place: Place): void {
    Object.assign(place, { isHeard: false, isResting: false })
    place.ask()
  }

  function leave(place: Place): void {
    open.delete(place)
    waiting.delete(place)
    if (doubt?.first === place) doubt.first = undefined
    // Not at once: time may be up at this very moment for those who wait, too.
    if (waiting.size > 0) setImmediate(review)
  }

  function learnLimit({ text }: Refusal, among: number, refused: number): void {
    const named = numbersIn(text).filter((n) => n > 0 && n < among)
    const shown = named.length > 0 ? Math.max(...named) : Math.max(1, among - refused)
    if (shown >= limit) return
    limit = shown
    onFewer(limit)
  }

  function turnOf(place: Place): QuestionTurn {
    return {
      take(asks) {
        place.ask = asks
        if (open.has(place)) return ask(place)
        waiting.add(place)
        review()
      },
      give: () => leave(place),
      isWaiting: () => waiting.has(place),
      heard() {
        place.isHeard = true
        if (doubt === undefined || doubt.first !== place) return
        doubt = undefined
        review()
      },
      rest() {
        place.isResting = true
        review()
      },
      refused(refusal) {
        if (!tellsTooMany(refusal) || place.among <= 1) return false
        learnLimit(refusal, place.among, 1)
        return true
      },
    }
  }

  return {
    open: (stepBack) => turnOf({ ask: () => {}, stepBack, among: 0, isHeard: false, isResting: false }),
    noticed(refusal) {
      const before = doubt
      const among = Math.max(0, ...unheard().map((place) => place.among))
      if (!tellsTooMany(refusal) || (before === undefined && among <= 1)) return false
      doubt ??= { among, refused: 0, first: undefined }
      doubt.refused += 1
      learnLimit(refusal, doubt.among, doubt.refused)
      if (before === undefined) for (const place of unheard()) place.stepBack()
      return true
    },
    limit: () => limit,
    close() {
      isClosed = true
    },
  }
}

/** A refusal with one of these reasons is about who asks, however it is worded. */
const ABOUT_US: ReadonlySet<Reason> = new Set<Reason>(['auth-required', 'restricted', 'pow', 'mute', 'unreachable'])

const OF_QUESTIONS = /\b(subs|subscriptions?|reqs?|neg requests?)\b/i
const TOO_MANY = /too many|\bmax|limit|at most|more than|less than|exceed|concurrent/i
// About how often one asks, how long an id is, or what is in a filter.
const OF_SOMETHING_ELSE =
  /\b(ids?|identifiers?|names?|length|long|characters|filters?|results)\b|(\/|\b(per|every|each|an?|last) )(\d+ ?)?(s|secs?|seconds?|m|mins?|minutes?|hours?|days?)\b/i

/**
 * Whether a refusal says that too many questions are open. Each relay has words of its own: "too many concurrent REQs" (strfry), "Maximum
 * concurrent subscription count reached" (nostr-rs-relay), "rate-limited: too many REQs" (nostr-relay-builder).
 */
export function tellsTooMany({ reason, text }: Refusal): boolean {
  if (ABOUT_US.has(reason) || matches(text, OF_SOMETHING_ELSE)) return false
  return matches(text, OF_QUESTIONS) && matches(text, TOO_MANY)
}
