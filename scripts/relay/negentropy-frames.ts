// The relay's answers to the frames of NIP-77: NEG-OPEN with a filter and a message, NEG-MSG with a message, NEG-CLOSE.

import { mayRead, whyNotServed, whyOneTooMany } from './access.ts'
import { fitsFilter, readFilter } from './filter.ts'
import { answerNegMessage } from './negentropy.ts'
import type { Client, Relay } from './session.ts'

/** The frames with which the relay answers one. `rest`: what follows the subscription id. */
export function answerNegFrame(relay: Relay, client: Client, verb: string, id: string, rest: unknown[]): unknown[][] {
  if (verb === 'NEG-CLOSE') {
    client.negSessions.delete(id)
    return []
  }
  // NIP-77, for an id that is open already: "the existing subscription is first closed".
  if (verb === 'NEG-OPEN') client.negSessions.delete(id)
  const crowd = verb === 'NEG-OPEN' ? whyOneTooMany(relay, client) : undefined
  if (crowd !== undefined && relay.faults.fewer?.notice) return [['NOTICE', crowd]]
  const denial = crowd ?? (verb === 'NEG-OPEN' ? openNegSession(relay, client, id, rest[0]) : undefined)
  const items = client.negSessions.get(id)
  const answer = items === undefined ? undefined : answerNegMessage(items, String(rest.at(-1)))
  if (answer !== undefined) return [['NEG-MSG', id, answer]]
  const reason = denial ?? (items === undefined ? 'closed: there is no such session' : 'invalid: that is no message')
  const asks = relay.policy.auth === 'late' && reason.startsWith('auth-required')
  return [['NEG-ERR', id, reason], ...(asks ? [['AUTH', client.challenge]] : [])]
}

/** Opens a session about the events that the filter finds. Gives why not, undefined where it is open. */
function openNegSession({ policy, store }: Relay, client: Client, id: string, value: unknown): string | undefined {
  const filter = readFilter(value)
  if (filter === undefined) return 'invalid: that is no filter'
  if (policy.negentropy === 'refused') return 'blocked: this query is too big'
  const denial = whyNotServed(policy.auth, client.keys, [filter])
  if (denial !== undefined) return denial
  const found = store.find(
    (event) => fitsFilter(filter, event) && mayRead(policy.auth, client.keys, event),
    policy.now(),
  )
  // Oldest first, which is the order of the protocol: then there is little left to sort.
  const items = found.toReversed().map((event) => ({ id: event.id, stamp: event.created_at }))
  client.negSessions.set(id, items)
  return undefined
}
