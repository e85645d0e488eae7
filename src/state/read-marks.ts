// What was shown to our agent is read: here, and in the mark that tells the other side that somebody has looked.
import { isFinished, transferKey } from '../call/file-transfer.ts'
import type { InboxItem } from '../call/inbox-items.ts'
import { type Log, signalOf, UNDELIVERED } from '../call/log.ts'
import { commitCalls } from './call-index.ts'
import { commitLetters, updateLetter } from './letter-log.ts'
import { markAnswerRead } from './owner-answers.ts'
import type { AuthorContext } from './record-signals.ts'
import type { State } from './state.ts'
import { beginTransaction } from './transaction.ts'

/** Marks the items as read, and notes up to where our agent has looked. */
export function markRead(
  state: State,
  items: readonly (Pick<InboxItem, 'id' | 'call' | 'type'> & Partial<Pick<InboxItem, 'from'>>)[],
  who: Pick<AuthorContext, 'me' | 'now'>,
): State {
  const edit = beginTransaction(state)
  for (const { id, call, type, from } of items) {
    if (type === 'owner' && markAnswerRead(edit, id)) continue
    if (call === '' && from !== undefined) {
      updateLetter(edit, from.pubkey, id, { unread: false })
      delete edit.index.lettersLeft
    }
    if (edit.state.logs[call] === undefined) continue
    const log = edit.log(call)
    const mark = markOf(type, id)
    log.unread = log.unread.filter((unread) => unread !== mark)
  }
  for (const id of edit.changed()) {
    const log = edit.log(id)
    log.read = Math.max(log.read, shownUpTo(log, who.me))
  }
  commitLetters(edit)
  return commitCalls(edit, who)
}

/** The mark of an item in `unread`. */
function markOf(type: InboxItem['type'], id: string): string {
  if (type === 'missed' || type === 'forked' || type === 'lost') return type
  return type === 'undelivered' ? `${UNDELIVERED}${id}` : id
}

/**
 * The peer's highest `seq` that was shown to our agent: the last one up to which nothing is unread, and no file is still to come.
 * @param me our own key
 */
export function shownUpTo(log: Log, me: string): number {
  const unread = new Set(log.unread)
  const archived = Object.entries(log.archive?.tails ?? {}).filter(([author]) => author !== me)
  let taken = Math.max(0, ...archived.map(([, { seq }]) => seq))
  let first = Infinity
  for (const id of Object.keys(log.entries)) {
    const signal = signalOf(log, id)
    if (signal === undefined || signal.from === me) continue
    taken = Math.max(taken, signal.seq)
    const { body } = signal
    const isComing = body.type === 'file' && !isFinished(log.files[transferKey(body)])
    if (unread.has(id) || isComing) first = Math.min(first, signal.seq)
  }
  return Math.min(taken, first - 1)
}
