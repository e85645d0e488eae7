// Fetches a file that lies encrypted on a server: downloaded, checked, decrypted, checked again, and only then put under its name.
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createDecryption, createSha256, TAG } from '../../nostr/aes-gcm.ts'
import { isHex32 } from '../../nostr/crypto.ts'
import type { Home } from '../home/paths.ts'
import { makeFolder } from '../store/atomic.ts'
import { removeLeftovers } from '../store/discard.ts'
import { errno, withDiskErrors, withDiskErrorsLater } from '../store/disk-errors.ts'
import { syncFile } from '../store/sync.ts'
import { type DownloadOptions, download, sizeOf } from './download.ts'
import { openPendingFile } from './received.ts'

/** What a file message says of its file. Keys and hashes are hex; `sha256` is "" where it does not say. */
export type WantedFile = {
  /** Where it lies; each is tried when the ones before it did not bring it. */
  urls: readonly string[]
  aesKey: string
  nonce: string
  /** SHA-256 of the encrypted bytes, and of the file in them. */
  ciphertextSha256: string
  sha256: string
  /** 64 hex digits (a call id or a pubkey), the first eight of which name its folder; and a name that is safe. */
  folder: string
  name: string
}

/** `announcedSize`: the encrypted bytes on the server, as their sender says; 0 where it does not say. */
export type FileFetchOptions = Omit<DownloadOptions, 'maxBytes'> & { announcedSize: number; fetchMax: number }

/**
 * `refused` is final. `have`: bytes that are kept for the next time. `wrong`: all of it came, and it was something else, which after a few
 * times is final too.
 */
export type FetchResult =
  | { type: 'done'; path: string; size: number; sha256: string }
  | { type: 'refused'; why: string }
  | { type: 'failed'; why: string; have: number; wrong?: true }
  | { type: 'paused'; have: number }

/** Ms for which a part of a file is kept that nobody goes on with. */
const PARTS_KEPT_MS = 8 * 24 * 3600 * 1000

/**
 * Fetches a file from the first of its servers that has it, decrypts it and puts it in its place. Throws what is wrong with the disk. The
 * same file must not be fetched by two at once.
 */
export async function fetchFile(home: Home, wanted: WantedFile, asked: FileFetchOptions): Promise<FetchResult> {
  const { urls, ciphertextSha256, folder } = wanted
  if (!isHex32(ciphertextSha256) || !isHex32(folder)) throw new Error('no safe place for a file that is fetched')
  const partsFolder = join(home.files, '.fetched')
  makeFolder(partsFolder)
  removeLeftovers(partsFolder, '', PARTS_KEPT_MS)
  const part = join(partsFolder, `${folder.slice(0, 8)}-${ciphertextSha256}`)
  const { announcedSize, fetchMax } = asked
  const maxBytes = Math.min(fetchMax, announcedSize === 0 ? fetchMax : announcedSize) + TAG
  const options = { ...asked, maxBytes }
  const results: FetchResult[] = []
  for (const url of urls) {
    const before = await sizeOf(part)
    const got = await download(url, part, options)
    const fetched =
      got.type === 'whole'
        ? await decryptPart(home, { ...wanted, announcedSize }, part)
        : { ...got, have: await sizeOf(part) }
    if (got.type === 'whole' || got.type === 'refused') await withDiskErrorsLater(part, () => rm(part, { force: true }))
    if (fetched.type === 'done' || fetched.type === 'paused') return fetched
    // Bytes of two answers that do not fit together may be the fault of either: the download begins anew.
    if (got.type === 'whole' && before > 0)
      results.push({ type: 'failed', why: 'its parts did not fit together', have: 0 })
    else results.push(fetched)
  }
  // One server may lie and another one have the file: `wrong` counts only where every one was wrong.
  const failed = results.filter((result) => result.type === 'failed')
  const open = failed.findLast((result) => !result.wrong) ?? failed.at(-1)
  return open ?? results.at(-1) ?? { type: 'refused', why: 'no address is named' }
}

// Some clients announce the size of the file instead of that of its ciphertext, which is longer by the tag.
function isPlausible(size: number, announced: number): boolean {
  return announced === 0 || size === announced || size === announced + TAG
}

async function decryptPart(
  home: Home,
  wanted: WantedFile & { announcedSize: number },
  part: string,
): Promise<FetchResult> {
  const outer = createSha256()
  const size = await sizeOf(part)
  for await (const piece of piecesOf(part, 0, size)) outer.update(piece)
  // The attack: bytes that were chosen to harm whoever decrypts them. Only those that our peer has announced are decrypted.
  if (size < TAG || outer.hex() !== wanted.ciphertextSha256)
    return await unlikeAnnounced(part, size, wanted.announcedSize)
  const pending = openPendingFile(home, wanted.folder, wanted.name)
  try {
    const sha256 = await decryptFile(part, size, pending.temp, wanted)
    if (sha256 === undefined) return { type: 'refused', why: 'it does not open with the key that was announced' }
    if (wanted.sha256 !== '' && sha256 !== wanted.sha256)
      return { type: 'refused', why: 'its contents are not what was announced' }
    return { type: 'done', path: pending.place({ size: size - TAG, digest: sha256 }), size: size - TAG, sha256 }
  } catch (error) {
    // That the disk has no room for a peer's file must not make the command fail.
    if (errno(error) === 'ENOSPC' || errno(error) === 'EDQUOT')
      return { type: 'failed', why: 'the disk is full', have: 0 }
    return withDiskErrors(pending.path, () => {
      throw error
    })
  } finally {
    pending.cleanUp()
  }
}

// A captive portal's page, or half a file, says nothing about what the server will send tomorrow.
async function unlikeAnnounced(part: string, size: number, announced: number): Promise<FetchResult> {
  const failed = (why: string) => ({ type: 'failed', why, have: 0 }) as const
  if (!isPlausible(size, announced)) return failed(`${size} bytes came instead of ${announced}`)
  for await (const piece of piecesOf(part, 0, Math.min(size, 64)))
    if (/^\s*</.test(Buffer.from(piece).toString('latin1'))) return failed('a page came instead of the file')
  return { ...failed('what lies there is not what was announced'), wrong: true }
}

/** Decrypts one file into another, and gives the SHA-256 of that; undefined where the tag is wrong. */
async function decryptFile(
  from: string,
  size: number,
  to: string,
  { aesKey, nonce }: WantedFile,
): Promise<string | undefined> {
  const tag = new Uint8Array(TAG)
  for await (const piece of piecesOf(from, size - TAG, size)) tag.set(piece)
  const cipher = createDecryption(Buffer.from(aesKey, 'hex'), Buffer.from(nonce, 'hex'), tag)
  const inner = createSha256()
  const file = await open(to, 'wx', 0o600)
  try {
    for await (const piece of piecesOf(from, 0, size - TAG)) {
      const bytes = cipher.update(piece)
      inner.update(bytes)
      await file.appendFile(bytes)
    }
    syncFile(file.fd)
    return cipher.final() ? inner.hex() : undefined
  } finally {
    await file.close()
  }
}

async function* piecesOf(path: string, from: number, to: number): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r')
  const buffer = new Uint8Array(65_536)
  try {
    for (let at = from; at < to; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
