// The event hook: a program of the owner's that wakes the agent when something came in. It gets ids, types, trust and counts.
// Nothing that a peer wrote, not even the name that it gave itself, can reach the text that the agent is woken with.
import type { InboxItem } from '../call/inbox-items.ts'
import { WHOLE_P2P } from '../command-name.ts'
import type { Executor } from './action.ts'

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

export const runHook: Executor<'run-hook'> = {
  async execute(action, { environment }) {
    const event = hookEventOf(action.item, action.unread)
    const error = await environment.runHook(environment.config.hook.command, `${JSON.stringify(event)}\n`)
    return { type: 'run-hook', action, error }
  },
  // The wake was written down before the hook was run (wake.ts).
  record: (state) => state,
}

function hookEventOf({ type, id, call, from }: InboxItem, unread: number): HookEvent {
  const what = type === 'request' ? 'incoming call' : type
  const where = call === '' ? '' : ` in call ${call.slice(0, 8)}`
  const text = `p2p: ${what}${where}, from ${from.npub.slice(0, 12)} (${from.trust}); ${unread} unread. Run: ${WHOLE_P2P} status`
  return { type, id, call, npub: from.npub, trust: from.trust, unread, text }
}
