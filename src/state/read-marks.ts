// What has been put before the user's eyes is read.
import type { InboxItem } from '../call/inbox-items.ts'
import { type Log, signalOf, UNDELIVERED } from '../call/log.ts'
import { commitCalls } from './call-index.ts'
import type { Speaker } from './say.ts'
import type { State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Marks the items as read, and notes up to where our agent has looked. */
export function markRead(
  state: State,
  items: readonly Pick<InboxItem, 'id' | 'call' | 'type'>[],
  who: Pick<Speaker, 'me' | 'now'>,
): State {
  const edit = beginTransaction(state)
  for (const { id, call, type } of items) {
    const letter = edit.index.dms[id]
    if (call === '' && letter !== undefined) edit.table('dms')[id] = { ...letter, unread: false }
    if (edit.state.logs[call] === undefined) continue
    const log = edit.log(call)
    const mark = MARKS.includes(type) ? type : type === 'undelivered' ? `${UNDELIVERED}${id}` : id
    log.unread = log.unread.filter((unread) => unread !== mark)
    log.read = Math.max(log.read, lookedUpTo(log, who.me))
  }
  return commitCalls(edit, who)
}

/** What stands in a log's `unread` by its type, since it is no signal. */
const MARKS: readonly InboxItem['type'][] = ['missed', 'forked', 'lost']

/** "The peer's highest `seq` that was shown to our agent": everything up to it was, or is nothing that is shown. */
function lookedUpTo(log: Log, me: string): number {
  let [top, unread] = [0, Number.POSITIVE_INFINITY]
  for (const id of Object.keys(log.entries)) {
    const signal = signalOf(log, id)
    if (signal === undefined || signal.from === me) continue
    top = Math.max(top, signal.seq)
    if (log.unread.includes(id)) unread = Math.min(unread, signal.seq)
  }
  return Math.min(top, unread - 1)
}
