// One subscription. It ends once, however often AUTH makes us send its REQ again under a new id.
import type { Filter } from '../../nostr/filter.ts'
import type { ClientFrame, Hint, Refusal, RelayFrame } from '../../nostr/messages.ts'
import { foreign } from '../../sanitize.ts'
import { deferred } from '../timers.ts'
import type { Auth } from './auth.ts'
import type { Turns } from './turns.ts'

/** How the stored events ended: with an EOSE that may be believed, or not. */
export type SubscriptionEnd = { eose: true; hint?: Hint } | ({ eose: false } & Refusal)

export type EventFrame = Extract<RelayFrame, { type: 'EVENT' }>

export type SubscriptionRequest = {
  filter: Filter
  /** Whether it stays open after EOSE. */
  live: boolean
  /** Whether an EOSE before any event waits a moment for what may still come. */
  settles?: boolean
  /** Takes an event, whose frame has `size` characters. Gives why no more are wanted; undefined to go on. */
  take(frame: EventFrame, size: number): string | undefined
}

export type Subscription = {
  /** Resolves when the stored events have ended. */
  stored: Promise<SubscriptionEnd>
  /** Resolves when nothing more will come: without `live` together with `stored`, else when the relay or the connection ends it. */
  over: Promise<SubscriptionEnd>
  /** What the relay wants before it answers. */
  complaint(): Refusal | undefined
  close(): void
}

/** What can happen to a subscription. */
export type OpenSubscription = Subscription & {
  /** The connection is open: the REQ may go out. */
  ask(): void
  /** An AUTH has just been sent. */
  challenged(): void
  /** The relay has answered the AUTH. */
  settled(): void
  event(frame: EventFrame, size: number): void
  eose(hint: Hint | undefined): void
  closed(refusal: Refusal): void
  /** A NOTICE asks for AUTH. It names no subscription, so it may be about this one. */
  authWanted(refusal: Refusal): void
  lost(refusal: Refusal): void
}

export type AuthDemands = {
  /** The relay does not answer without AUTH. */
  demand(what: 'read'): void
  /** The relay has answered what was asked after our AUTH, and not the AUTH. */
  onDoubt(): void
}

/** The connection, as a subscription sees it. */
export type SubscriptionContext = AuthDemands & {
  auth: Auth
  turns: Turns
  send(frame: ClientFrame): void
  /** Gives a fresh subscription id, under which the relay's answers come here. */
  register(open: OpenSubscription): string
  unregister(sub: string): void
  /** The subscription has ended. */
  forget(open: OpenSubscription): void
}

/** Ms for which nothing may come after an EOSE that came before any event; `further`: once something has come after it. */
const SETTLE_MS = { first: 15, further: 250 }

/** Ms that a challenge is waited for that a NOTICE has announced, where the relay has sent its EOSE all the same. */
const UNASKED_MS = 600

/** Ms after which a live subscription without an answer is asked again, since the relay may have lost the REQ; twice as long each time. */
const UNANSWERED_MS = { first: 10_000, longest: 60_000 }

/** Opens a subscription. Its REQ goes out with the first `ask`. */
export function openSubscription(
  { filter, live, take, settles = false }: SubscriptionRequest,
  context: SubscriptionContext,
): OpenSubscription {
  const stored = deferred<SubscriptionEnd>()
  const over = deferred<SubscriptionEnd>()
  // idle: the relay has no REQ of ours, perhaps since we wait for our turn. asked: the EOSE is to come. live: it has come.
  let phase: 'idle' | 'asked' | 'live' = 'idle'
  let sub = ''
  let insisted = false
  let complaint: Refusal | undefined
  let events = 0
  let settling: NodeJS.Timeout | undefined
  let waiting: NodeJS.Timeout | undefined
  let unanswered: NodeJS.Timeout | undefined
  let patience = UNANSWERED_MS.first
  const turn = context.turns.open(askInTurn)

  function ask(): void {
    hangUp()
    complaint = undefined
    turn.take(send)
  }

  /** Asks once more, after those who wait for their turn. */
  function askInTurn(): void {
    leave()
    ask()
  }

  function send(): void {
    events = 0
    if (live) watch(events)
    phase = 'asked'
    sub = context.register(open)
    context.send({ type: 'REQ', sub, filter })
  }

  function watch(before: number): void {
    unanswered = setTimeout(() => {
      if (phase !== 'asked') return
      // The relay is still sending.
      if (events > before) return watch(events)
      patience = Math.min(2 * patience, UNANSWERED_MS.longest)
      ask()
    }, patience)
  }

  function hangUp(): void {
    clearTimeout(settling)
    clearTimeout(waiting)
    clearTimeout(unanswered)
    settling = undefined
    if (phase !== 'idle') context.send({ type: 'CLOSE', sub })
    context.unregister(sub)
    phase = 'idle'
  }

  function leave(): void {
    hangUp()
    turn.give()
  }

  function finish(end: SubscriptionEnd): void {
    leave()
    context.forget(open)
    stored.resolve(end)
    over.resolve(end)
  }

  function endStored(end: SubscriptionEnd): void {
    stored.resolve(end)
    clearTimeout(unanswered)
    patience = UNANSWERED_MS.first
    phase = 'live'
    insisted = false
    if (live) turn.rest()
    else finish(end)
  }

  // A relay that sends EOSE before its events must not count as empty. Events after the EOSE are taken; but since nobody knows when they
  // have all come, the answer is not complete.
  function settle(hint: Hint | undefined): void {
    if (events === 0) endStored(hint === undefined ? { eose: true } : { eose: true, hint })
    else
      endStored(refusedEnd({ reason: 'partial', text: foreign`it said that this was all before it had sent anything` }))
  }

  // Asks once more: the relay may have read the REQ before it had judged the AUTH. After that its refusal is final.
  function insist(): boolean {
    if (insisted) return false
    insisted = true
    ask()
    return true
  }

  // Asks once more: a relay that only greets everybody with words about AUTH does not repeat them.
  function askAgain(): void {
    if (phase === 'idle' && complaint !== undefined && context.auth.state() === 'unasked') insist()
  }

  const open: OpenSubscription = {
    stored: stored.promise,
    over: over.promise,
    complaint: () => (turn.isWaiting() ? waitingFor(context.turns.limit()) : complaint),
    close() {
      complaint = open.complaint()
      finish(refusedEnd(complaint ?? { reason: 'silent', text: foreign`no longer waited for` }))
    },
    ask,
    challenged() {
      insisted = false
      ask()
    },
    settled() {
      if (turn.isWaiting() || (phase !== 'idle' && complaint === undefined)) return
      const refusal = context.auth.refusal()
      if (refusal) finish(refusedEnd(refusal))
      else insist()
    },
    event(frame, size) {
      events += 1
      turn.heard()
      if (settling !== undefined) {
        clearTimeout(settling)
        settling = setTimeout(() => settle(undefined), SETTLE_MS.further)
      }
      const enough = take(frame, size)
      if (enough !== undefined) endStored(refusedEnd({ reason: 'partial', text: foreign`${enough}` }))
    },
    eose(hint) {
      if (phase !== 'asked') return
      turn.heard()
      const refusal = context.auth.refusal()
      // An EOSE that overtook the OK of our AUTH may have been meant for a stranger, who is shown less.
      if (context.auth.state() === 'pending') {
        leave()
        context.onDoubt()
      } else if (complaint) {
        leave()
        waiting = setTimeout(askAgain, UNASKED_MS)
      } else if (refusal) endStored(refusedEnd(refusal))
      else if (settles && !live && events === 0) settling ??= setTimeout(() => settle(hint), SETTLE_MS.first)
      else endStored(hint === undefined ? { eose: true } : { eose: true, hint })
    },
    closed(refusal) {
      context.unregister(sub)
      phase = 'idle'
      const state = context.auth.state()
      const isOneTooMany = turn.refused(refusal)
      turn.heard()
      turn.give()
      if (isOneTooMany) ask()
      else if (refusal.reason !== 'auth-required') finish(refusedEnd(refusal))
      else if (state === 'refused') finish(refusedEnd(context.auth.refusal() ?? refusal))
      // The challenge is still to come, or the relay's answer to our AUTH.
      else if (state !== 'granted') {
        complaint = refusal
        context.demand('read')
      } else if (!insist()) finish(refusedEnd(refusal))
    },
    authWanted(refusal) {
      if (phase !== 'asked') return
      const state = context.auth.state()
      if (state === 'granted') insist()
      else if (state !== 'refused') {
        complaint = refusal
        context.demand('read')
      }
    },
    lost(refusal) {
      phase = 'idle'
      finish(refusedEnd(refusal))
    },
  }
  return open
}

function waitingFor(limit: number): Refusal {
  const text = foreign`not asked yet when time was up: this relay answers ${limit} ${limit === 1 ? 'question' : 'questions'} at a time`
  return { reason: 'slow', text }
}

function refusedEnd({ reason, text }: Refusal): SubscriptionEnd {
  return { eose: false, reason, text }
}
