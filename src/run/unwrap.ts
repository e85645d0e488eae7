// Opens wraps while they arrive, as long as there is time: junk must neither fill the memory nor keep a command from answering, and what
// has arrived is shown in the same run.

import { trustOf } from '../call/agents.ts'
import { callId } from '../call/signal-codec.ts'
import { type Event, newestFirst, type Rumor } from '../nostr/event.ts'
import { difficulty } from '../nostr/nip13.ts'
import { type CallKeyring, type OpenedWrap, openedWrapOf, wrapHeaderOf } from '../nostr/nip59-unwrap.ts'
import { isToBeTriedAgain } from '../state/call-keyring.ts'
import type { Index } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { keyringFor } from './keyring.ts'

/** Under policy.pow: how many wraps without work that bring nothing one run opens, and how many are opened at a time. */
const MAX_JUNK = 200
const UNWRAP_AT_ONCE = 200

/** Most characters of wraps that lie unopened, and of rumors that are kept opened; and most wraps that one run takes. */
const MAX_UNOPENED = 6 * 1_048_576
const MAX_OPENED = 24 * 1_048_576
const MAX_TAKEN = 40_000

/** The share of a command's time that is left for what comes after opening: writing, answering. */
const BUDGET_RESERVE = 0.1

/** Ms that opening a wrap is assumed to take until it was measured, and ms that each lot takes beside its wraps. */
const MS_PER_WRAP = 1
const MS_PER_LOT = 100

/** Fewer wraps than `TRICKLE` are opened only every this many ms, while nothing else is to be done. */
const LOOK_EVERY = 200
const TRICKLE = 250

/** Takes the wraps of a run as relays send them. */
export type MailReader = {
  /** Whether this run has the wrap with that id, from whichever relay. */
  has(id: string): boolean
  /** Takes a wrap of `size` characters. A promise resolves when there is room for the next; a text says why no more are wanted. */
  take(wrap: Event, size: number): Promise<void> | string | undefined
  /** Aborted once all the time that is left is needed to open what is here. */
  enough: AbortSignal
  /** Opens the rest. Nothing may be taken any more. */
  finish(): Promise<OpenedMail>
}

/** `left`: the stamps of wraps that could not be opened in this run or have keys left to try, Unix s; they are asked for again. */
export type OpenedMail = { opened: OpenedWrap[]; left: number[] }

/** Opens wraps as they come in, within a part of the budget. The next run asks again for what there was no time for. */
export function openWrapReader(context: RunContext): MailReader {
  const { environment, deadline } = context
  const until = deadline - environment.budget * BUDGET_RESERVE
  const enough = new AbortController()
  const ids = new Set<string>()
  const opened: OpenedWrap[] = []
  const left: number[] = []
  const keyring = keyringFor(context)
  const open = openerFor(context, keyring, until)
  let queue: Event[] = []
  let unopened = 0
  let kept = 0
  let pace = MS_PER_WRAP
  let callOff = () => {}
  let working: Promise<void> | undefined

  const openBy = () => until - MS_PER_LOT - queue.length * pace

  // Each wrap that arrives brings the last moment to begin closer.
  function watch(): void {
    if (environment.clock() >= openBy()) {
      enough.abort()
      return
    }
    if (queue.length > 0 && queue.length < TRICKLE) working ??= openLot()
    callOff = environment.setTimer(Math.max(20, Math.min(LOOK_EVERY, openBy() - environment.clock())), watch)
  }

  async function openLot(): Promise<void> {
    const lot = queue.sort(newestFirst)
    const [began, count] = [environment.clock(), lot.length]
    queue = []
    unopened = 0
    const came = await open(lot)
    for (const one of came.opened) kept += sizeOf(one.rumor)
    opened.push(...came.opened)
    left.push(...came.left)
    pace = Math.max(pace / 2, (environment.clock() - began) / Math.max(1, count))
    working = undefined
  }

  watch()
  return {
    has: (id) => ids.has(id),
    take(wrap, size) {
      if (ids.has(wrap.id)) return working
      if (kept > MAX_OPENED) return `stopped after ${MAX_OPENED} characters of opened wraps`
      if (ids.size >= MAX_TAKEN) return `stopped after ${MAX_TAKEN} wraps`
      ids.add(wrap.id)
      queue.push(wrap)
      unopened += size
      const isLot = unopened > MAX_UNOPENED || queue.length * pace > (until - environment.clock()) / 2
      if (isLot) working ??= openLot()
      return working
    },
    enough: enough.signal,
    async finish() {
      callOff()
      await working
      await openLot()
      return { opened, left }
    },
  }
}

/** Opens the wraps that a mailbox that stays open has brought, within a part of the budget. */
export async function unwrapInTime(context: RunContext, wraps: readonly Event[]): Promise<OpenedWrap[]> {
  const until = context.deadline - context.environment.budget * BUDGET_RESERVE
  return (await openerFor(context, keyringFor(context), until)([...wraps])).opened
}

/**
 * Gives a function that opens lots of wraps, which are taken out of their array; not all of them where time is up or too many were junk.
 *
 * Only inside a wrap it says who sent it. Where policy.pow asks strangers for work, wraps that carry it are opened first. Those that carry
 * none may be from a contact or belong to a call, so they are opened too: a flood costs its sender little, and us `MAX_JUNK` a run.
 */
function openerFor(context: RunContext, keyring: CallKeyring, until: number): (lot: Event[]) => Promise<OpenedMail> {
  const { environment } = context
  const { pow } = environment.config.policy
  let junk = 0
  if (pow === 0) return async (lot) => await unwrapSome(context, lot, keyring, until)
  return async (lot) => {
    const isWorked = (wrap: Event) => difficulty(wrap) >= pow
    const { opened, left } = await unwrapSome(context, lot.filter(isWorked), keyring, until)
    const { calls } = environment.store.read().index
    const others = lot.filter((wrap) => !isWorked(wrap))
    let at = 0
    for (; at < others.length && junk < MAX_JUNK && environment.clock() < until; at += UNWRAP_AT_ONCE) {
      const some = await unwrapSome(context, others.slice(at, at + UNWRAP_AT_ONCE), keyring, until)
      junk += some.opened.filter((one) => !isWanted(one, context, calls)).length
      opened.push(...some.opened)
      left.push(...some.left)
    }
    return { opened, left: [...left, ...others.slice(at).map((wrap) => wrap.created_at)] }
  }
}

async function unwrapSome(
  { environment }: RunContext,
  wraps: Event[],
  keyring: CallKeyring,
  until: number,
): Promise<OpenedMail> {
  if (wraps.length === 0) return { opened: [], left: [] }
  // All that is needed of a wrap beside what is in it: opening takes the wraps out of their array.
  const headers = wraps.map(wrapHeaderOf)
  const results = await environment.unwrapAll(wraps, until, keyring)
  const opened = headers.flatMap((header, n) => {
    const result = results[n]
    return result === undefined ? [] : [openedWrapOf(header, result)]
  })
  const late = headers.flatMap(({ stamp }, n) => (results[n] === undefined ? [stamp] : []))
  // A wrap with keys left to try is asked for again as well: no cursor passes it.
  return { opened, left: [...late, ...opened.filter(isToBeTriedAgain).map(({ stamp }) => stamp)] }
}

function sizeOf(rumor: Rumor | undefined): number {
  return rumor === undefined ? 0 : rumor.content.length + 40 * rumor.tags.length + 300
}

function isWanted({ rumor }: OpenedWrap, { people }: RunContext, calls: Index['calls']): boolean {
  if (rumor === undefined) return false
  const trust = trustOf(people, rumor.pubkey)
  return trust !== 'blocked' && (trust !== 'unknown' || Object.hasOwn(calls, callId(rumor) ?? ''))
}
