// Who we are: the secret key in p2p-identity.json, made on the first run, or the one in P2P_SECRET_KEY.

import { lstatSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import { inputText } from '../../input-text.ts'
import { fields, isRecord, parseJson, text } from '../../json.ts'
import { type Upgrade, upgraded, versionOf } from '../../migrate.ts'
import { fromHex, type Keys, keysFrom, type RandomBytes, randomBytes, randomKeys, toHex } from '../../nostr/crypto.ts'
import { decodeNip19, npubEncode } from '../../nostr/nip19.ts'
import { linkNew, makeFolder, type OnStep, writeNew } from '../store/atomic.ts'
import { discard, removeLeftovers } from '../store/discard.ts'
import { errno, withDiskErrors } from '../store/disk-errors.ts'
import { newerFailure } from '../store/load.ts'
import { checkHome } from '../store/ownership.ts'
import { readSecretFile } from '../store/secret-file.ts'
import { syncFolder } from '../store/sync.ts'
import type { Env, Home } from './paths.ts'

/** `randomBytes`: where a new key comes from; `now`: Unix ms; `step`: as in atomic.ts. */
export type IdentityOptions = { readonly randomBytes?: RandomBytes; readonly now?: number; readonly step?: OnStep }

/**
 * The identity: P2P_SECRET_KEY (nsec or 64 hex digits) where that is set, and then no file is touched; else the identity file, which is
 * made where there is none. Throws BAD_SECRET, IDENTITY_UNSAFE, IDENTITY_DAMAGED, STATE_NEWER, HOME_UNSAFE, HOME_UNWRITABLE, DISK_FULL.
 * No message holds any part of a secret: not what was typed, not what was in the file, not a parser's quotation of it.
 */
export function loadIdentity(home: Home, env: Env, making: IdentityOptions = {}): Keys {
  if (env.P2P_SECRET_KEY !== undefined) return fromEnvironment(env.P2P_SECRET_KEY)
  checkHome(home)
  const there = lstat(home.identity)
  if (there === undefined) createIdentity(home, randomKeys(making.randomBytes), making)
  // A first run that was killed has left a second name of the file, or a key that nobody uses.
  else if (there.nlink > 1) removeLeftovers(home.root, IDENTITY_TEMP)
  return parseIdentity(home.identity, readGuarded(home.identity))
}

/**
 * Makes a key from elsewhere (nsec or 64 hex digits) the identity. Where there is an identity already it must be the same one. Throws what
 * `loadIdentity` throws, and IDENTITY_EXISTS.
 */
export function importIdentity(home: Home, bytes: Uint8Array, making: IdentityOptions = {}): Keys {
  const keys = secretKeys(valueText(inputText('file', bytes).text))
  if (keys === undefined) {
    const hint = `give it an nsec or 64 hex digits on stdin: \`${P2P} whoami --import - < FILE\``
    throw new Failure('BAD_SECRET', 'what came on stdin is no secret key', hint)
  }
  checkHome(home)
  if (lstat(home.identity) === undefined) createIdentity(home, keys, making)
  const held = parseIdentity(home.identity, readGuarded(home.identity))
  if (held.pubkey === keys.pubkey) return held
  const hint = 'give the other key a folder of its own: --home DIR'
  throw new Failure('IDENTITY_EXISTS', `${home.identity} holds another identity, which stays`, hint)
}

function fromEnvironment(text: string): Keys {
  const keys = secretKeys(valueText(text))
  if (keys !== undefined) return keys
  // Empty ones are refused too: with a secret that CI failed to fill in, the run would be that of another agent.
  const hint = 'set it to an nsec or to 64 hex digits, or unset it to use the identity file'
  throw new Failure('BAD_SECRET', 'P2P_SECRET_KEY holds no secret key', hint)
}

// White space and quotes around a key are taken off; a text that is not UTF-8 is no key.
function valueText(text = ''): string {
  return inputText('variable', text).text ?? ''
}

/** The keys of an nsec or of 64 hex digits; undefined for anything else. */
export function secretKeys(text: string): Keys | undefined {
  const decoded = decodeNip19(text)
  const secret = decoded?.type === 'nsec' ? decoded.secret : fromHex(text)
  return secret === undefined ? undefined : keysFrom(secret)
}

// Written under another name and linked into place: of two first runs only one link succeeds, and nobody reads half a key.
function createIdentity(home: Home, keys: Keys, { now = Date.now(), step = () => {} }: IdentityOptions): void {
  const text = JSON.stringify(
    {
      version: VERSION,
      secretKey: toHex(keys.secret),
      pubkey: keys.pubkey,
      npub: npubEncode(keys.pubkey),
      createdAt: Math.floor(now / 1000),
    },
    null,
    2,
  )
  elseHere(() => makeFolder(home.root, step))
  const temp = join(home.root, `${IDENTITY_TEMP}${toHex(randomBytes(8))}`)
  try {
    elseHere(() => writeNew(temp, `${text}\n`, home.identity, step))
    linkNew(temp, home.identity, step)
    syncFolder(home.root)
  } catch (error) {
    // Another first run was faster and has swept our file away.
    if (errno(error) !== 'ENOENT' || lstat(home.identity) === undefined) throw error
  } finally {
    discard(temp)
  }
  step('sweep')
  removeLeftovers(home.root, IDENTITY_TEMP)
}

// There is no agent here yet, so the hint may name another folder.
function elseHere(make: () => void): void {
  try {
    make()
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'HOME_UNWRITABLE') throw error
    const hint = `${error.hint}; or name another folder for identity and state: --home DIR`
    throw new Failure(error.code, error.message, hint)
  }
}

/** What is in the identity file. Throws IDENTITY_UNSAFE where others than its owner could read or change it. */
function readGuarded(path: string): Uint8Array {
  const refuse = (what: string, hint = RESTORE) => new Failure('IDENTITY_UNSAFE', `${path} ${what}`, hint)
  return readSecretFile(path, refuse) ?? new Uint8Array(0)
}

function parseIdentity(path: string, bytes: Uint8Array): Keys {
  const written = parseJson(inputText('file', bytes).text ?? '')
  const value = isRecord(written) ? upgraded({ version: 1, ...written }, UPGRADES) : undefined
  if (value === 'newer') throw newerFailure(path, VERSION)
  const held = identityFile(value)
  const keys = held && secretKeys(held.secretKey)
  if (keys !== undefined && (held?.pubkey === undefined || held.pubkey === keys.pubkey)) return keys
  throw new Failure('IDENTITY_DAMAGED', `${path} is damaged: it holds no usable key`, RESTORE)
}

const identityFile = fields<{ secretKey: string; pubkey?: string }>({ secretKey: text }, { pubkey: text })

// The hint never suggests to begin as a new agent: everybody who knows this one would lose it.
const RESTORE = 'put a copy of the identity file in its place; where there is none, its key may still be in a backup'

/** From each version of the identity file to the next. */
const UPGRADES: readonly Upgrade[] = []
const VERSION = versionOf(UPGRADES)
const IDENTITY_TEMP = '.p2p-identity-'

function lstat(path: string): Stats | undefined {
  return withDiskErrors(path, () => lstatSync(path, { throwIfNoEntry: false }))
}
