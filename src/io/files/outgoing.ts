// What may not go out: our secret key in any form, the secret of a call, and copies of files that never leave this machine.
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import type { Keys } from '../../nostr/crypto.ts'
import { holdsSecret } from '../../nostr/secret-search.ts'
import type { Home } from '../home/paths.ts'
import { listCallKeys, readCallKey } from '../store/call-keys.ts'
import { isKeptCopy } from './kept-files.ts'

/** SECRET where one of the contents may not go out, undefined where all may. `what`: what they are, for a sentence. */
export function refuseSecrets(
  contents: readonly (string | Uint8Array)[],
  { home, secret, what }: { home: Home; secret: Uint8Array; what: string },
): Failure | undefined {
  if (holdsSecret(secret, contents)) return secretFailure(what)
  const call = callWhoseKeyIs(home, contents)
  if (call !== undefined) return callSecretFailure(what, call)
  const isCopy = contents.map(bytesOf).some((bytes) => looksKept(bytes) && isKeptCopy(home, bytes))
  return isCopy ? keptFileFailure(what) : undefined
}

/** The refusal of something that holds our secret key. */
export function secretFailure(what: string): Failure {
  const hint = `nobody needs it: whoever has it is this agent from then on; \`${P2P} whoami\` shows what others may know`
  return new Failure('SECRET', `${what} holds the secret key of this agent, which never leaves`, hint)
}

/** The refusal of something that holds the secret of a call. */
function callSecretFailure(what: string, call: string): Failure {
  const hint = `nobody needs it: whoever has it reads all that was said in that call; \`${P2P} transcript ${call.slice(0, 8)}\` shows the words`
  return new Failure('SECRET', `${what} holds the secret of the call ${call.slice(0, 8)}, which never leaves`, hint)
}

// The attack: an agent is talked into passing the secret of a call on, in a letter that a later thief of the identity can read.
function callWhoseKeyIs(home: Home, contents: readonly (string | Uint8Array)[]): string | undefined {
  const likely = contents.filter(mayHoldKey)
  if (likely.length === 0) return undefined
  return listCallKeys(home).find(({ call }) => {
    const keys = soundKey(home, call)
    return keys !== undefined && holdsSecret(keys.secret, likely)
  })?.call
}

// There may be many calls, and most texts hold nothing that looks like a key: for those no key file is read.
function mayHoldKey(content: string | Uint8Array): boolean {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1')
  return (content instanceof Uint8Array && content.length <= MAX_RAW) || KEY_LIKE.test(text)
}

/** Most bytes that may hold a secret as raw bytes; longer contents are searched only for secrets as text. */
const MAX_RAW = 4096

/** Hex with anything between its digits, a key that is written letter by letter, and base64. */
const KEY_LIKE = /(?:[0-9a-f][^0-9a-z]{0,8}){60}|(?:[0-9a-z][^0-9a-z]{1,8}){40}|[A-Za-z0-9+/_-]{40}/i

function soundKey(home: Home, call: string): Keys | undefined {
  try {
    const keys = readCallKey(home, call)
    return keys === 'damaged' ? undefined : keys
  } catch {
    // The command that needs this file says what is wrong with it.
    return undefined
  }
}

/** The refusal of a file of this agent's own, or of a copy. */
export function keptFileFailure(what: string): Failure {
  const hint = 'nobody else needs it; what was received and what was said may be sent: p2p/files, p2p/transcripts'
  return new Failure('SECRET', `${what} is a file of this agent itself, which never leaves`, hint)
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : content
}

// All of our own files are JSON objects: for other contents no folder is read.
function looksKept(content: Uint8Array): boolean {
  return content[0] === '{'.charCodeAt(0)
}
