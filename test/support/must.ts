// A way to insist: what a test needs is there, or the test fails and says so.

/** The value, which must be there. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test needs a value here')
  return value
}

/** The error a call throws; undefined when it throws none. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return error
  }
}
