// Which limits of a relay (NIP-11) we would hit, and what that means.
import type { AnnouncedLimits } from '../nostr/nip11.ts'
import { WRAP_LIMIT } from '../nostr/nip59.ts'

/**
 * What we need of a relay. `message`: bytes of the frame around the largest wrap; `content`: characters of its content; `tags`: of one
 * event; `subscriptions`: REQs that are open at once; `subscriptionId`: characters of their ids.
 */
export type EventNeeds = {
  message: number
  content: number
  tags: number
  subscriptions: number
  subscriptionId: number
}

/** Our needs. The frame is `["EVENT",…]` around a wrap; 600 is more than a wrap has around its content. */
export function eventNeeds(presenceTags: number): EventNeeds {
  return {
    message: WRAP_LIMIT + 10,
    content: WRAP_LIMIT - 600,
    tags: Math.max(2, presenceTags),
    subscriptions: 4,
    subscriptionId: 8,
  }
}

/** How far back the stamps of gift wraps reach (NIP-59), in seconds. */
const TWO_DAYS = 2 * 24 * 3600

/** A line for each limit that is too tight for us, the worst first. */
export function limitsHit(limits: AnnouncedLimits, needs: EventNeeds): string[] {
  const below = (name: keyof EventNeeds) => (limits[name] ?? Number.POSITIVE_INFINITY) < needs[name]
  const { oldest = Number.POSITIVE_INFINITY, newest = Number.POSITIVE_INFINITY, work = 0 } = limits
  return [
    ...(limits.payment ? ['it wants to be paid'] : []),
    ...(limits.restricted ? ['it takes events only from those whom it knows'] : []),
    ...(work > 0 ? [`it wants ${work} bits of work on every event, which we do not do`] : []),
    ...(below('message') ? [`it takes at most ${limits.message} bytes: long texts and files will be refused`] : []),
    ...(below('content')
      ? [`it takes contents of at most ${limits.content}: long texts and files will be refused`]
      : []),
    ...(below('tags') ? [`it takes at most ${limits.tags} tags, and our presence has ${needs.tags}`] : []),
    ...(below('subscriptions')
      ? [`it answers only ${limits.subscriptions} of our questions at once: the others wait, and commands take longer`]
      : []),
    ...(below('subscriptionId') ? [`it wants names of questions of at most ${limits.subscriptionId} characters`] : []),
    ...(oldest <= TWO_DAYS
      ? [`it refuses stamps older than ${oldest} s: it will learn when each message was sent`]
      : []),
    ...(newest < 60 ? [`it refuses stamps ${newest} s ahead of its clock: ours must be right`] : []),
  ]
}
