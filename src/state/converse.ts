// One turn in the conversations of a book: what came in is merged, what is to be said is decided and written down, and what
// goes out now is marked as ours to send. Pure: applied to whatever is on disk by then.
import { type Decision, type DecisionContext, decide } from '../call/decide.ts'
import type { Intent } from '../call/intent.ts'
import { callId, LIMIT, parseSignal } from '../call/signal.ts'
import type { OpenedWrap } from '../nostr/nip59.ts'
import { type Book, callsOf, type Index } from './book.ts'
import { hear } from './hear.ts'
import type { Replayed } from './mailbox.ts'
import { claim, type Due, due } from './owed.ts'
import { answers, endings, type Policy, type ReceiptDue, receipts, telling } from './replies.ts'
import { type Said, type Speaker, say } from './say.ts'
import { rivals } from './summary.ts'

/** Everything that a turn depends on beside the book. `alive`: whether a process of this machine still runs. */
export type Seat = Omit<DecisionContext, 'calls'> & Speaker & { policy: Policy; alive: (pid: number) => boolean }

/** What came in. `deep`: wraps that are known are among it. `unheard`: nobody has listened yet, so only the command speaks. */
export type Mail = { opened: readonly OpenedWrap[]; replayed: readonly Replayed[]; deep?: boolean; unheard?: boolean }

export type Turned = {
  book: Book
  /** What the command itself wants to say, by its intent: the last of `said`. */
  verdict: Decision
  said: Said[]
  /** What goes out now: rumors that are owed, and receipts. */
  dues: Due[]
  acks: ReceiptDue[]
  /** Calls in which something new came in. */
  touched: string[]
}

export function converse(book: Book, intent: Intent, mail: Mail, seat: Seat): Turned {
  const { me, now, name, inbox, policy, alive } = seat
  const hearing = { me, now, gate: policy, replayed: mail.replayed, deep: mail.deep === true }
  const heard = mail.unheard ? { book, touched: [] } : hear(book, mail.opened, hearing)
  const calls = callsOf(heard.book, me, now)
  const verdict = decide(intent, { ...seat, calls })
  // What our agent answers itself goes before what we would answer for it.
  const answered = verdict.say.map((u) => u.call)
  const self = { name, relays: inbox.slice(0, LIMIT.relays) }
  const replies = [...endings(calls), ...answers(calls, policy, self).filter((u) => !answered.includes(u.call))]
  // What is owed may have been acked, and what is asked may have been answered, by what there is to hear.
  const unasked = mail.unheard ? [] : replies
  const { book: spoken, said } = say(heard.book, [...unasked, ...verdict.say], seat)
  const dues = [...(mail.unheard ? [] : due(spoken, now, alive)), ...freshly(said)]
  const speaking = said.map((s) => s.call)
  const acks = mail.unheard ? [] : receipts(spoken, callsOf(spoken, me, now), heard.touched, speaking, now, policy)
  const told = telling(claim(spoken, dues, seat), [...acks, ...carried(said)], seat)
  return { book: told, verdict, said, dues, acks, touched: heard.touched }
}

/** The calls that a turn may touch and that are not open anyway. `selector`: what --call names. */
export function callsIn(opened: readonly OpenedWrap[], index: Index, selector: string | undefined): string[] {
  const ids = opened.flatMap(({ rumor }) => {
    if (rumor === undefined) return []
    const signal = parseSignal(rumor)
    if (signal?.body.type !== 'request') return callId(rumor) ?? []
    const { deadline } = signal.body
    const request = { peer: rumor.pubkey, direction: 'incoming' as const, createdAt: signal.at, deadline }
    return [signal.id, ...rivals(index, request)]
  })
  const meant = selector?.toLowerCase()
  return meant === undefined ? ids : [...ids, ...Object.keys(index.calls).filter((id) => id.startsWith(meant))]
}

// What has just been said is claimed already, so the outbox does not name it: it goes last, in the order it was said.
function freshly(said: readonly Said[]): Due[] {
  return said.map(({ call, to, rumor }) => ({ call, to, rumor, wrap: undefined, skip: [] }))
}

// Whatever is numbered carries the ack, so it does not need a receipt.
function carried(said: readonly Said[]): Pick<ReceiptDue, 'call' | 'ack' | 'missing'>[] {
  return said.map(({ call, rumor }) => ({
    call,
    ack: Number(rumor.tags.find((t) => t[0] === 'ack')?.[1] ?? 0),
    missing: [],
  }))
}
