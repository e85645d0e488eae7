// JSON that begins with the SHA-256 of the rest. A file whose sum is right is as this program wrote it, so the thousands of entries that it
// has after months need not be checked one by one at every start; in any other file they are.
import { sha256, toHex } from '../../nostr/crypto.ts'

const CHECKSUM_START = '{"sum":"'

const CHECKSUM_DIGITS = 64

const CHECKSUM_END = '",'

/** The text of a JSON object with at least one field, with its sum in front, as the field `sum`. */
export function withChecksum(json: string): string {
  const rest = json.slice(1)
  return `${CHECKSUM_START}${checksumOf(rest)}${CHECKSUM_END}${rest}`
}

/** Whether a text is what `withChecksum` gave. */
export function isUnchanged(text: string): boolean {
  const rest = text.slice(CHECKSUM_START.length + CHECKSUM_DIGITS + CHECKSUM_END.length)
  return (
    text.startsWith(CHECKSUM_START) &&
    text.slice(CHECKSUM_START.length, -rest.length) === checksumOf(rest) + CHECKSUM_END
  )
}

function checksumOf(text: string): string {
  return toHex(sha256(Buffer.from(text, 'utf8')))
}
