// What went wrong, in one line, of whatever was thrown.

/** A host with several addresses that all fail gives an error with a code and no message. */
export function errorCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}
