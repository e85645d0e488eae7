// Filters (NIP-01), read strictly from the wire and matched against events. Written apart from the client's own code, so that neither hides
// a mistake of the other.
import type { Event } from '../../src/nostr/event.ts'

/** `lists`: by field, which is `ids`, `authors`, `kinds` or `#x`. `since` and `until`: unix seconds, both inclusive. */
export interface RelayFilter {
  readonly lists: ReadonlyMap<string, ReadonlySet<unknown>>
  readonly since: number
  readonly until: number
  readonly limit: number
}

/** Reads one filter of a REQ (NIP-01); undefined where a field is unknown or a value has the wrong type. */
export function readFilter(value: unknown): RelayFilter | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const lists = new Map<string, ReadonlySet<unknown>>()
  const bounds = { since: 0, until: Number.POSITIVE_INFINITY, limit: Number.POSITIVE_INFINITY }
  const fields: [string, unknown][] = Object.entries(value)
  for (const [field, asked] of fields) {
    if (field === 'since' || field === 'until' || field === 'limit') {
      if (!isNatural(asked)) return undefined
      bounds[field] = asked
    } else {
      const element = elementOf(field)
      if (element === undefined || !Array.isArray(asked) || !asked.every(element)) return undefined
      lists.set(field, new Set(asked))
    }
  }
  return { lists, ...bounds }
}

/** Whether an event matches a filter. NIP-01: all conditions must hold; within a list one common value is enough. */
export function fitsFilter(filter: RelayFilter, event: Event, ignoreUntil = false, ignoreTags = ''): boolean {
  if (event.created_at < filter.since) return false
  if (event.created_at > filter.until && !ignoreUntil) return false
  for (const [field, wanted] of filter.lists) {
    if (field.startsWith('#') && ignoreTags.includes(field.slice(1))) continue
    if (!valuesOf(event, field).some((value) => wanted.has(value))) return false
  }
  return true
}

/** The first values of an event's tags with that name; NIP-01: only the first value of a tag is indexed. */
export function tagValues(event: Event, name: string): string[] {
  return event.tags.flatMap(([key, value]) => (key === name && value !== undefined ? [value] : []))
}

function valuesOf(event: Event, field: string): (string | number)[] {
  if (field === 'ids') return [event.id]
  if (field === 'authors') return [event.pubkey]
  if (field === 'kinds') return [event.kind]
  return tagValues(event, field.slice(1))
}

function elementOf(field: string): ((value: unknown) => boolean) | undefined {
  if (field === 'kinds') return isNatural
  // NIP-01: "The ids, authors, #e and #p filter lists MUST contain exact 64-character lowercase hex values."
  if (['ids', 'authors', '#e', '#p'].includes(field)) return isHex64
  if (/^#[a-zA-Z]$/.test(field)) return (value) => typeof value === 'string'
  return undefined
}

function isNatural(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isHex64(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}
