// JSON that begins with the SHA-256 of what follows. A file that still fits it is as this program wrote it, so the thousands
// of entries that it has after months need not be looked at one by one at every start; whatever else has changed it, is.
import { sha256, toHex } from '../nostr/crypto.ts'

const START = '{"sum":"'
const DIGITS = 64
const END = '",'

/** The text of a JSON object that has at least one field, with its sum in front, as the field `sum`. */
export function summed(json: string): string {
  const rest = json.slice(1)
  return `${START}${sumOf(rest)}${END}${rest}`
}

/** Whether a text is what `summed` gave. */
export function isUnchanged(text: string): boolean {
  const rest = text.slice(START.length + DIGITS + END.length)
  return text.startsWith(START) && text.slice(START.length, -rest.length) === sumOf(rest) + END
}

function sumOf(text: string): string {
  return toHex(sha256(Buffer.from(text, 'utf8')))
}
