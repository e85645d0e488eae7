// JSON of files and of other programs: what it holds is unknown until it has been looked at.

/** Whether a value is an object with fields, neither null nor a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What an object has under a key of its own. Every object has a "constructor": nobody may vouch for such a key. */
export function ownValue(value: unknown, key: string): unknown {
  return isRecord(value) ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined
}

/** Whether a value is a whole number from 0 to `most`. */
export function isWhole(value: unknown, most = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}

/** The value that a text stands for; undefined when it is no JSON. Never throws. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
