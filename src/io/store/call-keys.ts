// The secret of one call: p2p/calls/<call-id>.key, there before what carries its public half goes out, and read only where the call
// needs it. It stands in no other file, no output, no log and no message.

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
  const written = JSON.stringify({ version: 1, call, secretKey: toHex(keys.secret), pubkey: keys.pubkey })
  writeNew(temp, `${written}\n`, target, step)
  return [{ temp, target }]
}

/** All calls of which a secret is here, whole or left behind by a killed run, and when it was written, unix seconds. */
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

// The second one as `wholeCopy` names it.
const KEY_NAME = /^([0-9a-f]{64})\.key(?:\.next)?$/

const GONE = `put a copy of it in its place; without it nobody can read what was sealed in that call, and a new \`${P2P} call <agent> "<topic>"\` begins anew`

function unsafeFailure(path: string, what: string, hint: string): Failure {
  return new Failure('CALL_KEY_UNSAFE', `${path} ${what}`, hint)
}
