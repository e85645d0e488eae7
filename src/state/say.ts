// What we are about to say, written into the book before anybody hears it: numbered, owed, and claimed by this process.
import { type Call, settle } from '../call/call.ts'
import type { Utterance } from '../call/decide.ts'
import { digestUpTo } from '../call/digest.ts'
import type { Log } from '../call/log.ts'
import { type Body, type Place, write } from '../call/signal.ts'
import { type Rumor, rumorOf } from '../nostr/event.ts'
import { type Book, callOf } from './book.ts'
import { editBook } from './edit.ts'
import { refresh } from './hear.ts'

export type Speaker = { me: string; now: number; pid: number }

/** A rumor that is written down and owed to the peer of its call. */
export type Said = { call: string; to: string; rumor: Rumor; seq: number }

export function say(book: Book, drafts: readonly Utterance[], speaker: Speaker): { book: Book; said: Said[] } {
  const edit = editBook(book)
  const said: Said[] = []
  for (const draft of drafts) {
    const held = draft.call === undefined ? undefined : edit.book.logs[draft.call]
    const call = held === undefined ? undefined : callOf(edit.book, held, speaker.me, speaker.now)
    const place = placeOf(draft, call)
    const body =
      draft.body.type === 'end' && held !== undefined && call !== undefined
        ? sealed(draft.body, held, call, speaker.me)
        : draft.body
    const rumor = rumorOf(write(body, place, speaker.now), speaker.me)
    const id = draft.call ?? rumor.id
    const log = edit.log(id)
    // The same request twice within one second is one rumor and so one call: a double submission.
    if (log.entries[rumor.id] === undefined) {
      log.entries[rumor.id] = { rumor }
      log.outbox[rumor.id] = {
        wrapped: 0,
        wraps: 0,
        accepted: [],
        failed: [],
        claim: { pid: speaker.pid, at: speaker.now },
      }
    }
    // Whoever answers a call has seen it.
    if (body.type === 'accept' || body.type === 'reject') log.unread = log.unread.filter((item) => item !== id)
    said.push({ call: id, to: draft.to, rumor, seq: place.seq })
  }
  refresh(edit, speaker)
  return { book: edit.book, said }
}

/** The numbers of the next signal in a call: they are taken under the lock, so no two processes take the same. */
export function placeOf(draft: Pick<Utterance, 'to' | 'call'>, call: Call | undefined): Place {
  const { seq, lc, ack } = call ?? { seq: 0, lc: 0, ack: 0 }
  return { call: draft.call, to: draft.to, seq: seq + 1, lc: lc + 1, ack }
}

// An end names what both sides have, and proves it.
function sealed(body: Extract<Body, { type: 'end' }>, log: Log, call: Call, me: string): Body {
  const reach = new Map([
    [me, call.seq],
    [call.peer, call.ack],
  ])
  return { ...body, cut: [call.seq, call.ack], digest: digestUpTo(reach, settle(log)) ?? '' }
}
