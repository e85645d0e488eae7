// What has been put before the user's eyes is read.
import type { InboxItem } from '../call/inbox-items.ts'
import { commitCalls } from './call-index.ts'
import type { Speaker } from './say.ts'
import type { State } from './state.ts'
import { beginTransaction } from './transaction.ts'

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
    const mark = type === 'missed' ? 'missed' : id
    log.unread = log.unread.filter((unread) => unread !== mark)
  }
  return commitCalls(edit, who)
}
