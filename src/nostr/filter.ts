// NIP-01's filter: which events we ask a relay for, and whether what it sent is what we asked for.
import type { Event } from './event.ts'

/** Every condition that is there must hold; a list holds when one of its values does. Times are Unix seconds, inclusive. */
export type Filter = {
  ids?: readonly string[]
  authors?: readonly string[]
  kinds?: readonly number[]
  since?: number
  until?: number
  limit?: number
  /** `#p`, `#d`, `#t` …: values of single-letter tags. */
  [tag: `#${string}`]: readonly string[]
}

/** Whether an event is one that the filter asks for. `limit` says how many, not which. */
export function matchesFilter(event: Event, filter: Filter): boolean {
  if (filter.ids && !filter.ids.includes(event.id)) return false
  if (filter.authors && !filter.authors.includes(event.pubkey)) return false
  if (filter.kinds && !filter.kinds.includes(event.kind)) return false
  return (
    isWithin(event.created_at, filter) &&
    Object.entries(filter).every(([key, values]) => tagMatches(event, key, values))
  )
}

/** NIP-01: "an event matches a filter if since <= created_at <= until holds". */
export function isWithin(createdAt: number, { since = 0, until = Number.MAX_SAFE_INTEGER }: Filter): boolean {
  return since <= createdAt && createdAt <= until
}

function tagMatches(event: Event, key: string, values: Filter[keyof Filter]): boolean {
  if (!key.startsWith('#') || !Array.isArray(values)) return true
  const name = key.slice(1)
  // NIP-01, Tags: "Only the first value in any given tag is indexed."
  return event.tags.some((tag) => tag[0] === name && values.includes(tag[1]))
}
