// A file of the user's that is to be sent: opened once and read as often as needed; a change meanwhile is noticed.

import { constants } from 'node:fs'
import files, { type FileHandle } from 'node:fs/promises'
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import type { Home } from '../home/paths.ts'
import { errno } from '../store/disk-errors.ts'
import { isKeptFile } from './kept-files.ts'
import { keptFileFailure } from './outgoing.ts'

/** Bytes that are read at a time. */
const PIECE_BYTES = 64 * 1024

export type Source = {
  /** Its size in bytes when it was opened. */
  size: number
  /** All of it, from the start. Each piece is overwritten by the next. Throws FILE_CHANGED and FILE_UNREADABLE. */
  pieces(): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

/** Opens a file to be sent; its caller closes it. Throws FILE_UNREADABLE, FILE_IS_FOLDER, FILE_EMPTY, and SECRET for what is never sent. */
export async function openSource(path: string, home: Home): Promise<Source> {
  const { file, at } = await openFile(path)
  try {
    // The open file is asked and not the path, which may be another file by now.
    const stats = await file.stat({ bigint: true })
    if (stats.isDirectory()) throw folderFailure(path)
    if (!stats.isFile())
      throw unreadableFailure(path, 'no regular file', `\`${P2P} sendfile <name> -\` sends what comes on stdin`)
    if (isKeptFile(home, at, stats)) throw keptFileFailure(path)
    if (stats.size === 0n) throw emptyFailure(path)
    return { size: Number(stats.size), pieces: () => piecesOf(file, path, stats), close: () => file.close() }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The bytes of a file; only its size where it has more than `maxBytes`. Throws what opening and reading throw. */
export async function readSource(
  path: string,
  maxBytes: number,
  home: Home,
): Promise<{ bytes: Uint8Array } | { size: number }> {
  const source = await openSource(path, home)
  try {
    if (source.size > maxBytes) return { size: source.size }
    const bytes = new Uint8Array(source.size)
    let at = 0
    for await (const piece of source.pieces()) {
      bytes.set(piece, at)
      at += piece.length
    }
    return { bytes }
  } finally {
    await source.close()
  }
}

/** All bytes of stdin; undefined, with the rest left unread, where they are more than `maxBytes`. Throws FILE_UNREADABLE. */
export async function readStream(stream: AsyncIterable<unknown>, maxBytes: number): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of stream) {
      const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part))
      size += bytes.length
      if (size > maxBytes) return undefined
      parts.push(bytes)
    }
    return Buffer.concat(parts)
  } catch (error) {
    // A terminal that belongs to another program by now says EIO.
    throw unreadableFailure('stdin', errno(error) || 'unreadable', 'give it a file: `< FILE`')
  }
}

type Stats = { size: bigint; mtimeNs: bigint; nlink: bigint }

async function* piecesOf(file: FileHandle, path: string, before: Stats): AsyncGenerator<Uint8Array> {
  const size = Number(before.size)
  const buffer = new Uint8Array(PIECE_BYTES)
  let at = 0
  while (at < size) {
    const { bytesRead } = await withReadErrors(path, file.read(buffer, 0, Math.min(PIECE_BYTES, size - at), at))
    if (bytesRead === 0) throw changedFailure(path, 'became shorter')
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
  const { bytesRead } = await withReadErrors(path, file.read(buffer, 0, 1, at))
  if (bytesRead > 0) throw changedFailure(path, 'became longer')
  const after = await file.stat({ bigint: true })
  if (after.mtimeNs !== before.mtimeNs) throw changedFailure(path, 'was written to')
  if (after.nlink === 0n && before.nlink > 0n) throw changedFailure(path, 'was removed or replaced')
}

async function openFile(path: string): Promise<{ file: FileHandle; at: string }> {
  // A name with an accent may be on the disk in another Unicode form than the one that was typed.
  const [typed = path, ...others] = new Set([path, path.normalize('NFC'), path.normalize('NFD')])
  const first = await tryOpen(typed)
  if (!(first instanceof Failure)) return { file: first, at: typed }
  for (const other of others) {
    const file = await tryOpen(other)
    if (!(file instanceof Failure)) return { file, at: other }
  }
  throw first
}

async function tryOpen(path: string): Promise<FileHandle | Failure> {
  try {
    // Without O_NONBLOCK a pipe that nobody writes to would hold us forever.
    return await files.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    return errno(error) === 'EISDIR' ? folderFailure(path) : unreadableFailure(path, errno(error) || 'unreadable')
  }
}

async function withReadErrors<T>(path: string, read: Promise<T>): Promise<T> {
  try {
    return await read
  } catch (error) {
    throw unreadableFailure(path, errno(error) || 'unreadable')
  }
}

function unreadableFailure(
  path: string,
  why: string,
  hint = `\`${P2P} sendfile <name> <base64>\` takes the bytes themselves`,
) {
  if (why === 'ENOENT') {
    const missing = 'nothing was sent; check the path, which begins at the working directory'
    return new Failure('FILE_UNREADABLE', `there is no file ${path} (ENOENT)`, missing)
  }
  return new Failure('FILE_UNREADABLE', `${path} cannot be read (${why})`, hint)
}

function folderFailure(path: string): Failure {
  const hint = `pack it first: \`tar czf folder.tgz folder\`, then \`${P2P} sendfile folder.tgz\``
  return new Failure('FILE_IS_FOLDER', `${path} is a folder`, hint)
}

function emptyFailure(path: string): Failure {
  return new Failure('FILE_EMPTY', `${path} is empty`, 'send a file with something in it')
}

function changedFailure(path: string, how: string): Failure {
  const hint = 'send it again once nobody writes to it, or send a copy'
  return new Failure('FILE_CHANGED', `${path} ${how} while it was read`, hint)
}
