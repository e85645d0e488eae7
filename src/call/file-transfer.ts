// Files in a call: cut into chunks that fit a wrap, and put together again in whatever order they come.

import { TAG } from '../nostr/aes-gcm.ts'
import { sha256, toHex } from '../nostr/crypto.ts'
import type { FileState, Log } from './log.ts'
import type { Call, Line } from './replay.ts'
import { type FileBody, LIMIT, type RemoteFile, type Signal } from './signal.ts'

/** Raw bytes of one chunk: as base64, sealed and wrapped, it stays below the 65,536 bytes that relays take. */
export const CHUNK = 20 * 1024

/**
 * What we take from a peer: `bytes` of one file through relays, and how many of its files may be on their way, through relays (`open`)
 * and from servers (`stored`).
 */
export const INLINE_LIMITS = { bytes: 16 * 1024 * 1024, open: 8, stored: 32 }

/** A file on its way, in either direction. `have`: chunks that are here (received) or acked (sent). */
export type Transfer = {
  transferKey: string
  /** The id of the rumor that came first in the transcript, by which an item of this file is known. */
  id: string
  /** What its sender calls it: the same on both sides. */
  transferId: string
  /** For a file that lies on a server; it has one chunk, which says where. */
  remote: RemoteFile | undefined
  name: string
  size: number
  sha256: string
  of: number
  have: number
  chunks: Signal[]
}

/** The signals that carry a file: one a chunk, numbered from 1. `salt` tells two transfers of the same bytes apart. */
export function chunksOf(name: string, mime: string, bytes: Uint8Array, salt: string): FileBody[] {
  const digest = toHex(sha256(bytes))
  const of = Math.max(1, Math.ceil(bytes.length / CHUNK))
  const transferId = toHex(sha256(Buffer.from(`${digest} ${salt}`))).slice(0, 16)
  return Array.from({ length: of }, (_, i) => ({
    type: 'file',
    text: Buffer.from(bytes.subarray(i * CHUNK, (i + 1) * CHUNK)).toString('base64'),
    transferId,
    name,
    mime,
    size: bytes.length,
    sha256: digest,
    chunk: [i + 1, of] as const,
    remote: undefined,
  }))
}

/** Where a file lies and how it is opened: key and nonce, SHA-256 of what lies there and of the file, all hex. */
export type StoredFile = {
  url: string
  aesKey: string
  nonce: string
  ciphertextSha256: string
  sha256: string
  size: number
}

/** The body of the signal that announces a file on a server. */
export function remoteFileBody(
  name: string,
  { url, aesKey, nonce, ciphertextSha256, sha256, size }: StoredFile,
): FileBody {
  return {
    type: 'file',
    text: url,
    transferId: ciphertextSha256.slice(0, 16),
    name,
    mime: mimeOf(name),
    size,
    sha256,
    chunk: [1, 1],
    remote: { aesKey, nonce, ciphertextSha256, fallbacks: [] },
  }
}

/** A stored file whose announcement is as long as any can be, whatever a server answers. */
export const LONGEST_STORED: StoredFile = {
  url: 'x'.repeat(LIMIT.url),
  aesKey: '0'.repeat(64),
  nonce: '0'.repeat(24),
  ciphertextSha256: '0'.repeat(64),
  sha256: '0'.repeat(64),
  size: 1e12,
}

/** What a transfer is known by: its sender's id for it, and the hash of the file. */
export function transferKey({ transferId, sha256 }: FileBody): string {
  return `${transferId} ${sha256}`
}

/** `fileFactsOf` a file that the peer has sent in a call. */
export function receivedFile(log: Log, body: FileBody): FileFacts {
  return fileFactsOf(body, log.files[transferKey(body)])
}

/** Bytes of a file once it is encrypted; 0 where its size was not told. */
export function encryptedSize({ size }: Pick<FileBody, 'size'>): number {
  return size === 0 ? 0 : size + TAG
}

/** What is known of a file: where it lies, or why it was refused; neither while it is on its way. */
export type FileFacts = { size: number; sha256: string; path?: string; refused?: string }

/** What is known of a file: what was announced, and once it has come to its end what was received, which goes before, or why not. */
export function fileFactsOf({ size, sha256 }: FileBody, state: FileState | undefined): FileFacts {
  const told = { size, sha256 }
  return isFinished(state) ? { ...told, ...state } : told
}

/** Whether a file has been received or refused, so that nothing more is to come of it. */
export function isFinished(state: FileState | undefined): state is Exclude<FileState, { fetching: unknown }> {
  return state !== undefined && !('fetching' in state)
}

/** Whether a peer's file, announced in a line of a call, is still to come. */
export function isComing({ signal, effective }: Line, log: Log, peer: string): boolean {
  const { body, from } = signal
  return body.type === 'file' && from === peer && effective && !isFinished(log.files[transferKey(body)])
}

/** The files that `who` sends in a call, in the order in which they began. */
export function transfers(call: Call, log: Log, who: string): Transfer[] {
  const found = new Map<string, Transfer>()
  for (const { signal, effective } of call.lines) {
    const { body } = signal
    if (body.type !== 'file' || signal.from !== who || !effective) continue
    const key = transferKey(body)
    const transfer = found.get(key) ?? {
      transferKey: key,
      id: signal.id,
      transferId: body.transferId,
      remote: body.remote,
      name: body.name,
      size: body.size,
      sha256: body.sha256,
      of: body.chunk[1],
      have: 0,
      chunks: [],
    }
    // A chunk that contradicts the first one is not part of this file.
    if (body.chunk[1] !== transfer.of || transfer.chunks.some((c) => chunkNumber(c) === body.chunk[0])) continue
    transfer.chunks.push(signal)
    if (signal.from === call.peer || signal.seq <= log.peerAcked.seq) transfer.have++
    found.set(key, transfer)
  }
  return [...found.values()]
}

/**
 * Why a transfer is refused, if it is: a stranger must not fill our disk. `openBefore`: how many files of the same peer are on their
 * way already; a file whose chunks are all here is taken whatever their number.
 */
export function refusedFor({ size, of, chunks }: Transfer, openBefore: number): string | undefined {
  if (size > INLINE_LIMITS.bytes || of > Math.ceil(INLINE_LIMITS.bytes / CHUNK))
    return 'it is too large to come through relays'
  return chunks.length < of && openBefore >= INLINE_LIMITS.open ? TOO_MANY_FILES : undefined
}

/** Why a file on a server is not fetched, if it is not. `fetchMax`: most bytes that may be fetched. */
export function unfetchable({ size }: FileBody, openBefore: number, fetchMax: number): string | undefined {
  if (size > fetchMax) return `it is larger than ${fetchMax} bytes (file.fetchMax)`
  return openBefore >= INLINE_LIMITS.stored ? TOO_MANY_FILES : undefined
}

const TOO_MANY_FILES = 'too many files are on their way already'

/** The bytes of a transfer: undefined while chunks are missing, 'damaged' when they are not what was announced. */
export function assemble({ chunks, size, sha256: announced, of }: Transfer): Uint8Array | 'damaged' | undefined {
  if (chunks.length < of) return undefined
  const parts = chunks
    .toSorted((a, b) => chunkNumber(a) - chunkNumber(b))
    .map((c) => Buffer.from(c.body.text, 'base64'))
  const bytes = Buffer.concat(parts)
  return bytes.length === size && toHex(sha256(bytes)) === announced ? bytes : 'damaged'
}

/** The MIME type of a file by the end of its name, for the tag by which clients decide how to show it. */
export function mimeOf(name: string): string {
  return MIME[name.toLowerCase().split('.').at(-1) ?? ''] ?? 'application/octet-stream'
}

const MIME: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  gif: 'image/gif',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  md: 'text/markdown',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  webp: 'image/webp',
  zip: 'application/zip',
}

function chunkNumber({ body }: Signal): number {
  return body.type === 'file' ? body.chunk[0] : 0
}
