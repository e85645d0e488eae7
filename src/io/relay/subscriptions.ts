// All subscriptions of one connection. Routes each answer to the one that asked, and what concerns the connection to all.
import type { ClientFrame, Refusal, RelayFrame } from '../../nostr/messages.ts'
import type { Auth } from './auth.ts'
import {
  type AuthDemands,
  type OpenSubscription,
  openSubscription,
  type Subscription,
  type SubscriptionRequest,
} from './subscription.ts'
import type { Turns } from './turns.ts'

export type SubscriptionFrame = Extract<RelayFrame, { type: 'EVENT' | 'EOSE' | 'CLOSED' }>

export type Subscriptions = {
  open(request: SubscriptionRequest): Subscription
  /** The connection is open: what was asked for before goes out. */
  ready(): void
  /** An AUTH has just been sent: everything is asked again, in the same flight. */
  challenged(): void
  /** The AUTH was answered. */
  settled(): void
  /** Routes an answer to its subscription; answers to REQs that are over are dropped. */
  hear(frame: SubscriptionFrame, size: number): void
  authWanted(refusal: Refusal): void
  lost(refusal: Refusal): void
}

/** Opens the list of a connection's subscriptions. Their REQs go out once the connection is open, and again after AUTH. */
export function openSubscriptions(
  send: (frame: ClientFrame) => void,
  auth: Auth,
  turns: Turns,
  demands: AuthDemands,
): Subscriptions {
  const all = new Set<OpenSubscription>()
  const bySub = new Map<string, OpenSubscription>()
  let isReady = false
  let gone: Refusal | undefined
  let count = 0

  const context = {
    ...demands,
    auth,
    turns,
    send,
    register(open: OpenSubscription) {
      count += 1
      const sub = `p2p${count}`
      bySub.set(sub, open)
      return sub
    },
    unregister: (sub: string) => void bySub.delete(sub),
    forget: (open: OpenSubscription) => void all.delete(open),
  }

  return {
    open(request) {
      const open = openSubscription(request, context)
      all.add(open)
      if (gone) open.lost(gone)
      else if (isReady) open.ask()
      return open
    },
    ready() {
      isReady = true
      for (const open of all) open.ask()
    },
    challenged() {
      if (isReady) for (const open of all) open.challenged()
    },
    settled() {
      if (isReady) for (const open of [...all]) open.settled()
    },
    hear(frame, size) {
      const open = bySub.get(frame.sub)
      if (frame.type === 'EVENT') open?.event(frame, size)
      else if (frame.type === 'EOSE') open?.eose(frame.hint)
      else open?.closed({ reason: frame.reason, text: frame.text })
    },
    authWanted(refusal) {
      for (const open of [...all]) open.authWanted(refusal)
    },
    lost(refusal) {
      gone = refusal
      turns.close()
      for (const open of [...all]) open.lost(refusal)
    },
  }
}
