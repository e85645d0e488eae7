// The gate for everything outgoing: our secret key in any form, and copies of files that never leave.
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import { holdsSecret } from '../../nostr/secret-search.ts'
import type { Home } from '../home/paths.ts'
import { isKeptCopy } from './kept-files.ts'

/** Why none of these may go out; undefined when there is no reason. `what`: what they are, for a sentence. */
export function refuseSecrets(
  contents: readonly (string | Uint8Array)[],
  { home, secret, what }: { home: Home; secret: Uint8Array; what: string },
): Failure | undefined {
  if (holdsSecret(secret, contents)) return secretFailure(what)
  const isCopy = contents.map(bytesOf).some((bytes) => looksKept(bytes) && isKeptCopy(home, bytes))
  return isCopy ? keptFileFailure(what) : undefined
}

/** Of something that holds our secret key. */
export function secretFailure(what: string): Failure {
  const hint = `nobody needs it: whoever has it is this agent from then on; \`${P2P} whoami\` shows what others may know`
  return new Failure('SECRET', `${what} holds the secret key of this agent, which never leaves`, hint)
}

/** Of a file of this agent's own, or a copy of one. */
export function keptFileFailure(what: string): Failure {
  const hint = 'nobody else needs it; what was received and what was said may be sent: p2p/files, p2p/transcripts'
  return new Failure('SECRET', `${what} is a file of this agent itself, which never leaves`, hint)
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content
}

// All of our own files are JSON: for most texts no folder is read.
function looksKept(content: Uint8Array): boolean {
  return content[0] === '{'.charCodeAt(0)
}
