// JSON of files and of other programs: what it holds is unknown until it has been looked at.

/** Whether a value is an object with fields, neither null nor a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object's own value under a key; undefined for what it inherits, since every object has a "constructor". */
export function ownValue(value: unknown, key: string): unknown {
  return isRecord(value) ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined
}

/** Whether a value is a whole number from 0 to `max`. */
export function isWhole(value: unknown, max = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

/** The value that a text stands for; undefined when it is no JSON. Never throws. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads a value about which nothing is known: gives it as a T, or undefined where it is something else. Never throws. */
export type Decoder<T> = (value: unknown) => T | undefined

/** Any text. */
export const text: Decoder<string> = (value) => (typeof value === 'string' ? value : undefined)

/** True or false. */
export const flag: Decoder<boolean> = (value) => (typeof value === 'boolean' ? value : undefined)

/** True: a mark that is written only where it holds. */
export const yes: Decoder<true> = (value) => (value === true ? value : undefined)

/** A number that is neither infinite nor NaN. */
export const finite: Decoder<number> = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined

/** A whole number from 0 to `max`. */
export function whole(max = Number.MAX_SAFE_INTEGER): Decoder<number> {
  return (value) => (isWhole(value, max) ? value : undefined)
}

/** One of a few words or numbers. */
export function oneOf<const T extends string | number>(...known: readonly T[]): Decoder<T> {
  return (value) => known.find((one) => one === value)
}

/** What `of` gives, where `isGood` holds of it too. */
export function where<T>(of: Decoder<T>, isGood: (value: T) => boolean): Decoder<T> {
  return (value) => {
    const found = of(value)
    return found !== undefined && isGood(found) ? found : undefined
  }
}

/** What the first decoder that fits gives. */
export function either<T, U>(one: Decoder<T>, other: Decoder<U>): Decoder<T | U> {
  return (value) => one(value) ?? other(value)
}

/** A list of at most `max` items, all of which fit. */
export function list<T>(of: Decoder<T>, max = Number.POSITIVE_INFINITY): Decoder<T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > max) return undefined
    const items: T[] = []
    for (const item of value) {
      const found = of(item)
      if (found === undefined) return undefined
      items.push(found)
    }
    return items
  }
}

/** An object whose keys anybody may have chosen: every key and every value fits. */
export function table<T>(of: Decoder<T>, key: Decoder<string> = text): Decoder<Record<string, T>> {
  return (value) => {
    if (!isRecord(value)) return undefined
    const rows: Record<string, T> = {}
    for (const name of Object.keys(value)) {
      const found = key(name) === undefined ? undefined : of(value[name])
      if (found === undefined) return undefined
      // The attack: an assignment to "__proto__" makes no row, and replaces the prototype of the table.
      if (name === '__proto__')
        Object.defineProperty(rows, name, { value: found, enumerable: true, writable: true, configurable: true })
      else rows[name] = found
    }
    return rows
  }
}

type MayKey<T> = { [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? K : never }[keyof T]
type MustKey<T> = Exclude<keyof T, MayKey<T>>
type Must<T> = { readonly [K in MustKey<T>]: Decoder<T[K]> }
type May<T> = { readonly [K in MayKey<T>]-?: Decoder<Exclude<T[K], undefined>> }

/**
 * An object of a type, field by field: tsc refuses a list of decoders in which a field of the type is missing. `must`: the fields
 * that are always there; `may`: those that may be absent, and fit where they are there. Any other field is left out.
 */
export function fields<T extends object>(
  must: Must<T>,
  ...[may]: [MayKey<T>] extends [never] ? [] : [may: May<T>]
): Decoder<T> {
  const needed = Object.entries<Decoder<unknown>>(must)
  const optional = Object.entries<Decoder<unknown>>(may ?? {})
  return (value) => {
    if (!isRecord(value)) return undefined
    const found: Record<string, unknown> = {}
    for (const [name, decode] of needed) {
      const field = decode(value[name])
      if (field === undefined) return undefined
      found[name] = field
    }
    for (const [name, decode] of optional) {
      const given = value[name]
      if (given === undefined) continue
      const field = decode(given)
      if (field === undefined) return undefined
      found[name] = field
    }
    // Each of the fields has come out of its own decoder.
    return found as T
  }
}
