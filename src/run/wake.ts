// Waking the agent for what is unread. A wake is written down before it is made, so that a parallel run does not make it too.
import { countsAsUnread, type InboxItem } from '../call/inbox-items.ts'
import { inQuotes } from '../call/wording.ts'
import { recordWakes, wakesDue } from '../state/hook.ts'
import { type Action, resultsOf } from './action.ts'
import type { RunContext } from './context.ts'
import { executeSideBySide } from './execute.ts'

/** Runs the event hook for each unread thing that is due for it. What went wrong, one line each. */
export async function wake(news: readonly InboxItem[], context: RunContext): Promise<string[]> {
  const { environment, now } = context
  const { unknown } = environment.config.hook
  const waking = news.filter(countsAsUnread)
  const due = await environment.store.update([], (fresh) => {
    const items = wakesDue(fresh, waking, unknown, now)
    return { snapshot: recordWakes(fresh, items, news, now), value: items }
  })
  const { done } = await executeSideBySide(
    due.map((item): Action => ({ type: 'run-hook', item, unread: waking.length })),
    context,
  )
  const errors = resultsOf('run-hook', done).flatMap(({ error }) => error ?? [])
  return [...new Set(errors)].map((error) => `the event hook failed: ${inQuotes(error, 200)}`)
}
