// The secret of one call: p2p/calls/<call-id>.key, there before what carries its public half goes out, and read only where the call
// needs it. It stands in no other file, no output, no log and no message.
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT, Failure } from '../../errors.ts'
import { isRecord, parseJson } from '../../json.ts'
import { fromHex, isHex32, type Keys, keysFrom, toHex } from '../../nostr/crypto.ts'
import type { Home } from '../home/paths.ts'
import { type OnStep, writeNew } from './atomic.ts'
import { logPath, namesIn } from './load.ts'
import type { StagedFile } from './replace.ts'
import { readSecretFile } from './secret-file.ts'

/** The key pair that we have made for a call. */
export type CallSecret = { readonly call: string; readonly keys: Keys }

/** The file of a call's secret. Throws on what is no id: a name with a slash in it would reach outside the folder. */
export function callKeyPath(home: Home, call: string): string {
  return `${logPath(home, call).slice(0, -'.json'.length)}.key`
}

/**
 * The key pair of a call; undefined without a file, 'damaged' where it holds none or that of another call: it is left as it is.
 * Throws CALL_KEY_UNSAFE for a link, loose permissions and another user's file.
 */
export function readCallKey(home: Home, call: string): Keys | 'damaged' | undefined {
  const path = callKeyPath(home, call)
  const bytes = readSecretFile(path, (what, hint = GONE) => unsafeFailure(path, what, hint))
  if (bytes === undefined) return undefined
  const value = parseJson(Buffer.from(bytes).toString('utf8'))
  if (!isRecord(value) || value.call !== call || typeof value.secretKey !== 'string') return 'damaged'
  const secret = fromHex(value.secretKey)
  const keys = secret && keysFrom(secret)
  return keys === undefined || keys.pubkey !== value.pubkey ? 'damaged' : keys
}

/**
 * Writes the secret of a call in full beside where it is put in place by `commitFiles`, before the call itself; nothing where it is
 * there already. Needs the lock, whose folder is `own`. Throws CALL_KEY_UNSAFE where another one is there, which is never written over.
 */
export function stageCallKey(home: Home, { call, keys }: CallSecret, own: string, step: OnStep): StagedFile[] {
  const target = callKeyPath(home, call)
  const held = readCallKey(home, call)
  // What is damaged is nobody's key any more, and kept under another name it would outlive the rule that deletes it.
  if (held !== undefined && held !== 'damaged') {
    if (held.pubkey === keys.pubkey) return []
    throw unsafeFailure(target, 'holds another key', 'run it again')
  }
  const temp = join(own, `key-${call}`)
  const text = JSON.stringify({ version: 1, call, secretKey: toHex(keys.secret), pubkey: keys.pubkey })
  writeNew(temp, `${text}\n`, target, step)
  return [{ temp, target }]
}

/** All calls that have a secret here, and when its file was written, unix seconds. */
export function listCallKeys(home: Home): { call: string; changed: number }[] {
  return namesIn(home.calls).flatMap((name) => {
    const call = name.slice(0, -'.key'.length)
    if (!name.endsWith('.key') || !isHex32(call)) return []
    const stats = lstatSync(join(home.calls, name), { throwIfNoEntry: false })
    return [{ call, changed: Math.floor((stats?.mtimeMs ?? 0) / 1000) }]
  })
}

const GONE = 'move it away; without it nobody can read what was sealed in that call, and a new `p2p call` begins anew'

function unsafeFailure(path: string, what: string, hint: string): Failure {
  return new Failure('CALL_KEY_UNSAFE', EXIT.refused, `${path} ${what}`, hint)
}
