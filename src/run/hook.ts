// The event hook: a program of the owner's that wakes the agent when something came in. It gets ids, types, trust and
// counters; nothing that a peer wrote, and no name that it gave itself, can reach what the agent is woken with.
import type { InboxItem } from '../call/inbox-items.ts'
import { recordWakes, wakesDue } from '../state/hook.ts'
import type { RunContext } from './context.ts'
import type { CommonOutcome } from './outcome.ts'

/** What the hook reads on stdin, as JSON. */
export type HookEvent = {
  type: InboxItem['type']
  id: string
  call: string
  npub: string
  trust: string
  unread: number
  text: string
}

/** A wake is noted before it is made, so that a parallel run does not make it too. */
export async function runHook(context: RunContext, { news }: Pick<CommonOutcome, 'news'>): Promise<string[]> {
  const { environment, now } = context
  const { command, unknown } = environment.config.hook
  const due = await environment.store.update([], (fresh) => {
    const items = wakesDue(fresh, news, unknown, now)
    return { snapshot: recordWakes(fresh, items, news, now), value: items }
  })
  const results = await Promise.all(
    due.map((item) => environment.hook(command, `${JSON.stringify(hookEventOf(item, news.length))}\n`)),
  )
  return [...new Set(results.flatMap((error) => (error === undefined ? [] : [`the event hook failed: ${error}`])))]
}

function hookEventOf({ type, id, call, from }: InboxItem, unread: number): HookEvent {
  const what = type === 'request' ? 'incoming call' : type
  const where = call === '' ? '' : ` in call ${call.slice(0, 8)}`
  const text = `p2p: ${what}${where}, from ${from.npub.slice(0, 12)} (${from.trust}); ${unread} unread. Run: p2p status`
  return { type, id, call, npub: from.npub, trust: from.trust, unread, text }
}
