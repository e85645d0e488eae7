// Uploads a file to a Blossom server, encrypted as it is read, so that a file of any size needs little memory.

import type { StoredFile } from '../../call/file-transfer.ts'
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import { createEncryption, createSha256, TAG } from '../../nostr/aes-gcm.ts'
import type { Keys } from '../../nostr/crypto.ts'
import { type RandomBytes, randomBytes, toHex } from '../../nostr/crypto.ts'
import { openSecretSearch } from '../../nostr/secret-search.ts'
import type { Foreign } from '../../sanitize.ts'
import type { Home } from '../home/paths.ts'
import type { HttpRoute } from '../http/agent.ts'
import { put } from '../http/put.ts'
import { addressIn, authHeader, reasonIn, uploadAddress } from './blossom.ts'
import { hasOwnFormat, isKeptDigest } from './kept-files.ts'
import { keptFileFailure, secretFailure } from './outgoing.ts'
import { openSource, type Source } from './source.ts'

export type UploadOptions = {
  home: Home
  server: string
  keys: Keys
  /** Unix ms. */
  now: () => number
  stopped: AbortSignal
  routeTo: (address: string) => Promise<HttpRoute>
  /** Bytes that have gone out, of how many. */
  progress: (done: number, of: number) => void
  idleMs?: number
  randomBytes?: RandomBytes
}

/**
 * Puts a file on the server, encrypted with a key of its own. Throws UPLOAD_REFUSED and UPLOAD_FAILED, SECRET for what never leaves, and
 * what reading the file throws: FILE_CHANGED where the second reading differs from the first.
 */
export async function upload(path: string, options: UploadOptions): Promise<StoredFile> {
  const source = await openSource(path, options.home)
  try {
    const first = await tryUpload(path, source, options)
    const last = first instanceof Failure && !options.stopped.aborted ? await tryUpload(path, source, options) : first
    if (last instanceof Failure) throw last
    return last
  } finally {
    await source.close()
  }
}

// A broken connection is given back as a value, everything else is thrown. Each attempt has a key of its own: should the file change in
// between, two different files under one key and nonce would give both away.
async function tryUpload(path: string, source: Source, options: UploadOptions): Promise<StoredFile | Failure> {
  const { server, keys, now, randomBytes: random = randomBytes } = options
  const [key, nonce] = [random(32), random(12)]
  const { ciphertextSha256, sha256 } = await digestsOf(path, source, options, { key, nonce })
  const length = source.size + TAG
  const answer = await put(uploadAddress(server), encryptedPieces(path, source, key, nonce, ciphertextSha256), {
    ...options,
    length,
    headers: {
      Authorization: authHeader(keys, { sha256: ciphertextSha256, size: length }, Math.floor(now() / 1000)),
      'Content-Type': 'application/octet-stream',
      // BUD-02: "the lowercase hex-encoded sha256 of the request body".
      'X-SHA-256': ciphertextSha256,
    },
  })
  const host = new URL(server).host
  if ('broken' in answer) return uploadFailed(`the connection to ${host} broke`, answer.broken)
  const { status, body } = answer
  const why = reasonIn(answer.reason, body)
  if (status >= 500 || status === 429) throw uploadFailed(`${host} answered ${status}`, why)
  if (status < 200 || status >= 300) throw uploadRefused(`${host} answered ${status}`, why)
  const url = addressIn(body, ciphertextSha256)
  if (url === undefined) throw uploadRefused(`${host} does not say where it keeps the file`)
  return { url, aesKey: toHex(key), nonce: toHex(nonce), ciphertextSha256, sha256, size: source.size }
}

// Reads the whole file before a byte of it leaves: for its hashes, and to find what must not leave.
async function digestsOf(
  path: string,
  source: Source,
  { home, keys }: UploadOptions,
  { key, nonce }: { key: Uint8Array; nonce: Uint8Array },
): Promise<{ ciphertextSha256: string; sha256: string }> {
  const [outer, inner, cipher] = [createSha256(), createSha256(), createEncryption(key, nonce)]
  const search = openSecretSearch(keys.secret)
  let isFirst = true
  for await (const piece of source.pieces()) {
    if (search.sees(piece)) throw secretFailure(path)
    if (isFirst && hasOwnFormat(piece)) throw keptFileFailure(path)
    isFirst = false
    inner.update(piece)
    outer.update(cipher.update(piece))
  }
  outer.update(cipher.final())
  const sha256 = inner.hex()
  if (isKeptDigest(home, source.size, sha256)) throw keptFileFailure(path)
  return { ciphertextSha256: outer.hex(), sha256 }
}

// The tag, without which no server has the whole file, is held back until all that was sent has the announced hash.
async function* encryptedPieces(
  path: string,
  source: Source,
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertextSha256: string,
) {
  const [outer, cipher] = [createSha256(), createEncryption(key, nonce)]
  for await (const piece of source.pieces()) {
    const bytes = cipher.update(piece)
    outer.update(bytes)
    yield bytes
  }
  const last = cipher.final()
  outer.update(last)
  if (outer.hex() !== ciphertextSha256) {
    const hint = 'send it again once nobody writes to it, or send a copy'
    throw new Failure('FILE_CHANGED', `${path} was written to while it was read`, hint)
  }
  yield last
}

function uploadFailed(why: string, theirs: Foreign): Failure {
  const hint = `nothing was sent; try again, or name another server: \`${P2P} config set file.server https://…\``
  return new Failure('UPLOAD_FAILED', `the file could not be uploaded: ${why}`, hint, theirs)
}

function uploadRefused(why: string, theirs?: Foreign): Failure {
  const hint = `nothing was sent; \`${P2P} config set file.server https://…\` names another server`
  return new Failure('UPLOAD_REFUSED', `the file was not taken: ${why}`, hint, theirs)
}
