// Who may read at the relay, and as whom: NIP-42 authentication, and NIP-59's wish that private messages go only to their receiver.
import { type Event, verifyEvent } from '../../src/nostr/event.ts'
import { type RelayFilter, tagValues } from './filter.ts'
import type { Client, Relay } from './session.ts'

/**
 * `dm`: a challenge at connect; kinds 4 and 1059 only for the keys that they name. `late`: the same, but the challenge comes with each
 * refusal. `notice`: as `dm`, but refuses with a NOTICE. `all`: nothing at all before AUTH. `none`: open to all.
 */
export type AuthPolicy = 'dm' | 'late' | 'notice' | 'all' | 'none'

/** Seconds by which the created_at of an AUTH may be off; strfry allows no more. */
const authWindow = 60

/**
 * Whether a client with these keys may read an event. NIP-59: "relays SHOULD only serve kind 1059 events intended for the marked
 * recipient".
 */
export function mayRead(auth: AuthPolicy, keys: ReadonlySet<string>, event: Event): boolean {
  if (auth === 'none' || !isPrivate(event.kind)) return true
  return keys.has(event.pubkey) || tagValues(event, 'p').some((key) => keys.has(key))
}

/** Why a REQ is refused, undefined where it is not. As strfry: only one for nothing but private kinds; from others these are left out. */
export function whyNotServed(auth: AuthPolicy, keys: ReadonlySet<string>, filters: RelayFilter[]): string | undefined {
  if (auth === 'none') return undefined
  if (auth === 'all' && keys.size === 0) return 'auth-required: authenticate before you ask'
  if (!filters.every(({ lists }) => [...(lists.get('kinds') ?? [undefined])].every(isPrivate))) return undefined
  if (keys.size === 0) return 'auth-required: private messages are served to their receiver only'
  const own = filters.some(({ lists }) =>
    [...keys].some((key) => lists.get('#p')?.has(key) || lists.get('authors')?.has(key)),
  )
  return own ? undefined : 'restricted: these private messages are not for the key that authenticated'
}

/**
 * Why an AUTH is refused, undefined where it is not (NIP-42, "Signed Event Verification"). `url`: the relay's; only its host counts, unless
 * `exact` gives the address that must be named letter for letter. `now`: unix seconds.
 */
export function whyNotAuthentic(
  event: Event,
  challenge: string,
  { url, exact, now }: { url: string; exact?: string | undefined; now: number },
): string | undefined {
  if (event.kind !== 22242) return 'invalid: an AUTH is of kind 22242'
  if (Math.abs(now - event.created_at) > authWindow) return 'invalid: created_at is not now'
  if (!tagValues(event, 'challenge').includes(challenge)) return 'invalid: wrong challenge'
  // The attack: another relay hands its client our challenge, then uses the answer here.
  const isOurs = (relay: string) => (exact === undefined ? hostOf(relay) === hostOf(url) : relay === exact)
  if (!tagValues(event, 'relay').some(isOurs)) return 'invalid: made for another relay'
  return verifyEvent(event) ? undefined : 'invalid: wrong id or signature'
}

function isPrivate(kind: unknown): boolean {
  return kind === 4 || kind === 1059
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}

/** Why a client may not have another question open; undefined where it may. */
export function whyOneTooMany({ policy, faults }: Relay, client: Client): string | undefined {
  const most = faults.fewer?.most ?? policy.subscriptions
  const isRoom = client.subscriptions.size + client.negSessions.size < most
  return isRoom ? undefined : (faults.fewer?.words ?? `error: more than ${most} subscriptions`)
}
