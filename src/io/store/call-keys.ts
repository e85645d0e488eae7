// Our key pair for one call: p2p/calls/<call-id>.key. It is written before the signal with its public key goes out, and read only where the
// call needs it. The secret is in no other file, no output, no log and no message.

import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import { inputText } from '../../input-text.ts'
import { fields, parseJson, text } from '../../json.ts'
import { fromHex, type Keys, keysFrom, toHex } from '../../nostr/crypto.ts'
import type { Home } from '../home/paths.ts'
import { type OnStep, writeNew } from './atomic.ts'
import { logPath, namesIn } from './load.ts'
import type { StagedFile } from './replace.ts'
import { readSecretFile } from './secret-file.ts'

/** The key pair that we have made for a call. */
export type CallSecret = { readonly call: string; readonly keys: Keys }

/** The path of a call's key. Throws for what is no call id: a name with a slash in it would lead outside the folder. */
export function callKeyPath(home: Home, call: string): string {
  return `${logPath(home, call).slice(0, -'.json'.length)}.key`
}

/**
 * Our key pair for a call; undefined without a file, 'damaged' where the file holds no pair or one of another call; it is left as it is.
 * Throws CALL_KEY_UNSAFE for a link, what is no regular file, loose permissions and another user's file.
 */
export function readCallKey(home: Home, call: string): Keys | 'damaged' | undefined {
  const path = callKeyPath(home, call)
  const bytes = readSecretFile(path, (what, hint = GONE) => unsafeFailure(path, what, hint))
  if (bytes === undefined) return undefined
  const held = keyFile(parseJson(inputText('file', bytes).text ?? ''))
  const secret = held?.call === call ? fromHex(held.secretKey) : undefined
  const keys = secret && keysFrom(secret)
  return keys === undefined || keys.pubkey !== held?.pubkey ? 'damaged' : keys
}

const keyFile = fields<{ call: string; secretKey: string; pubkey: string }>({
  call: text,
  secretKey: text,
  pubkey: text,
})

/**
 * Writes a call's key into the lock's folder, for `commitFiles` to put it in place before the call itself; nothing where it is there
 * already. Needs the lock, whose folder is `own`. Throws CALL_KEY_UNSAFE where there is another key, which is never overwritten.
 */
export function stageCallKey(home: Home, { call, keys }: CallSecret, own: string, step: OnStep): StagedFile[] {
  const target = callKeyPath(home, call)
  const held = readCallKey(home, call)
  // A damaged key is overwritten, not set aside: under another name it would escape the rule that deletes keys.
  if (held !== undefined && held !== 'damaged') {
    if (held.pubkey === keys.pubkey) return []
    throw unsafeFailure(target, 'holds another key', 'run it again')
  }
  const temp = join(own, `key-${call}`)
  const written = JSON.stringify({ version: 1, call, secretKey: toHex(keys.secret), pubkey: keys.pubkey })
  writeNew(temp, `${written}\n`, target, step)
  return [{ temp, target }]
}

/** All calls whose key is here, even only as a copy that a killed run has left; `changed`: when it was written, unix seconds. */
export function listCallKeys(home: Home): { call: string; changed: number }[] {
  const written = new Map<string, number>()
  for (const name of namesIn(home.calls)) {
    const call = KEY_NAME.exec(name)?.[1]
    if (call === undefined) continue
    const stats = lstatSync(join(home.calls, name), { throwIfNoEntry: false })
    if (stats !== undefined) written.set(call, Math.max(written.get(call) ?? 0, Math.floor(stats.mtimeMs / 1000)))
  }
  return [...written].map(([call, changed]) => ({ call, changed }))
}

// With the suffix of `wholeCopy`, too.
const KEY_NAME = /^([0-9a-f]{64})\.key(?:\.next)?$/

const GONE = `put a copy of it in its place; without it nobody can read what was sealed in that call, and a new \`${P2P} call <agent> "<topic>"\` begins anew`

function unsafeFailure(path: string, what: string, hint: string): Failure {
  return new Failure('CALL_KEY_UNSAFE', `${path} ${what}`, hint)
}
