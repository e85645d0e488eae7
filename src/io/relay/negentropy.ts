// NIP-77 with one relay: what the relay has for a filter and we lack, in a message or two where a REQ would bring all of it again.
import type { Filter } from '../../nostr/filter.ts'
import type { ClientFrame } from '../../nostr/messages.ts'
import type { HeldIds, Reconciliation } from '../../nostr/nip77.ts'
import { abortAfter, beforeAbort, deferred } from '../timers.ts'
import type { Connection } from './connection.ts'
import type { QuestionTurn } from './turns.ts'

/** Ms that a relay has to answer one message. One that is silent for longer is asked by REQ. */
const ANSWER_MS = 1_500

/** Silence of fewer ms says nothing yet, however fast the relay was to connect. */
const SILENCE_MS = 100

export type NegQuery = {
  /** The ids that the relay has and we lack; undefined where it does not take part, or answers nonsense. Never rejects. */
  ids: Promise<string[] | undefined>
  /**
   * Whether the relay has left a message without an answer: it hung up, or has been silent for twice as long as it took to connect. The
   * trap: a relay that lists NIP-77 and does not know it would be cut off while we wait, in this run and all others.
   */
  ignored(): boolean
}

/** Asks a relay by NIP-77 for the ids that match `filter` and that we do not hold. It begins at once, and ends with `signal`. */
export function startNegQuery(connection: Connection, filter: Filter, held: HeldIds, signal: AbortSignal): NegQuery {
  let askedAt: number | undefined

  async function ids(): Promise<string[] | undefined> {
    // Loaded only where there is much to compare, and while the connection is made.
    const { reconcile } = await import('../../nostr/nip77.ts')
    const begin = () => reconcile(held)
    const begun = begin()
    await beforeAbort(signal, connection.ready)
    if (signal.aborted) return undefined
    const first = await talkInTurn(begun, begin)
    if (first !== 'as a stranger') return first
    await inTime(connection.auth.settled())
    if (signal.aborted || connection.auth.state() !== 'granted') return undefined
    // Once more under a new id: what still comes for the old one was meant for a stranger.
    const second = await talkInTurn(begin(), begin)
    return second === 'as a stranger' ? undefined : second
  }

  /** Talks when there is room among the open questions, and once more where the relay refuses it as one too many. */
  async function talkInTurn(
    begun: Reconciliation,
    begin: () => Reconciliation,
  ): Promise<string[] | 'as a stranger' | undefined> {
    const stepped = deferred<'one too many'>()
    const turn = connection.turns.open(() => stepped.resolve('one too many'))
    const { promise: isNext, resolve } = deferred<true>()
    turn.take(() => resolve(true))
    const isAsked = await beforeAbort(signal, isNext)
    const found = isAsked ? await talk(begun, turn, stepped.promise) : undefined
    turn.give()
    return found === 'one too many' ? await talkInTurn(begin(), begin) : found
  }

  async function talk(
    { first, next }: Reconciliation,
    turn: QuestionTurn,
    stepped: Promise<'one too many'>,
  ): Promise<string[] | 'as a stranger' | 'one too many' | undefined> {
    const { sub, nextReply: heard, close } = connection.negSessions.open()
    const needed: string[] = []
    ask({ type: 'NEG-OPEN', sub, filter, message: first })
    try {
      for (;;) {
        const said = await inTime(Promise.race([heard(), stepped]))
        if (said === undefined) return undefined
        askedAt = undefined
        if (said === 'one too many') return said
        if ('reason' in said && turn.refused(said)) return 'one too many'
        turn.heard()
        if ('reason' in said) return said.reason === 'auth-required' ? 'as a stranger' : undefined
        // An answer that overtook the OK of our AUTH may have been meant for a stranger, who is shown less.
        const state = connection.auth.state()
        if (state === 'pending' || state === 'refused') return 'as a stranger'
        const step = next(said.message)
        if (step === undefined) return undefined
        needed.push(...step.need)
        if (step.reply === undefined) return needed
        ask({ type: 'NEG-MSG', sub, message: step.reply })
      }
    } finally {
      close()
      connection.send({ type: 'NEG-CLOSE', sub })
    }
  }

  function ask(frame: ClientFrame): void {
    askedAt = connection.now()
    connection.send(frame)
  }

  async function inTime<T>(promise: Promise<T>): Promise<T | undefined> {
    const stop = abortAfter(ANSWER_MS, signal)
    const value = await beforeAbort(stop.signal, promise)
    stop.clear()
    return value
  }

  return {
    ids: ids(),
    ignored() {
      if (askedAt === undefined) return false
      const patience = Math.max(SILENCE_MS, 2 * (connection.measured()?.latencyMs ?? 0))
      return connection.lost() !== undefined || connection.now() - askedAt > patience
    },
  }
}
