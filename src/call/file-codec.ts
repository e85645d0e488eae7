// How a file is written in the tags of a rumor: in chunks (kind 1410), or as NIP-17's file message (kind 15).
import { TAG } from '../nostr/aes-gcm.ts'
import { isHex32 } from '../nostr/crypto.ts'
import { type Rumor, tag, tags } from '../nostr/event.ts'
import { type FileBody, LIMIT, type RemoteFile } from './signal.ts'
import { count } from './tag-values.ts'

/** The tags of a chunk, or of a file that lies on a server. Source: docs/PROTOCOL.md, "Files". */
export function fileTags(body: FileBody): string[][] {
  if (body.remote !== undefined) return remoteTags(body, body.remote)
  return [
    ['file', body.transferId],
    ['name', body.name],
    ['m', body.mime],
    ['size', String(body.size)],
    ['x', body.sha256],
    ['chunk', String(body.chunk[0]), String(body.chunk[1])],
    ...(body.note === undefined || body.chunk[0] > 1 ? [] : [['note', body.note]]),
  ]
}

// NIP-17's names, so that any of its clients can fetch and open the file.
function remoteTags(
  { name, mime, size, sha256, note }: Pick<FileBody, 'name' | 'mime' | 'size' | 'sha256' | 'note'>,
  { aesKey, nonce, ciphertextSha256, fallbacks }: RemoteFile,
): string[][] {
  return [
    ['file-type', mime],
    ['encryption-algorithm', 'aes-gcm'],
    ['decryption-key', aesKey],
    ['decryption-nonce', nonce],
    ['x', ciphertextSha256],
    ['ox', sha256],
    // NIP-17: "size of the encrypted file in bytes".
    ['size', String(size + TAG)],
    ['name', name],
    ...fallbacks.map((url) => ['fallback', url]),
    ...(note === undefined ? [] : [['note', note]]),
  ]
}

/** One chunk of a file, as it is in a control rumor; undefined when any of its tags is unsound. */
export function readChunk(rumor: Rumor): FileBody | undefined {
  const [, i, of] = tags(rumor, 'chunk')[0] ?? []
  const chunk: [number | undefined, number | undefined] = [count(i), count(of)]
  const transferId = tag(rumor, 'file') ?? ''
  const sha256 = tag(rumor, 'x') ?? ''
  const size = tag(rumor, 'size') ?? ''
  if (chunk[0] === undefined || chunk[1] === undefined || chunk[0] > chunk[1] || chunk[1] > LIMIT.chunks)
    return undefined
  if (!isHex32(sha256) || transferId === '' || transferId.length > 64 || !/^\d{1,12}$/.test(size)) return undefined
  const name = (tag(rumor, 'name') ?? 'file').slice(0, 255)
  const mime = (tag(rumor, 'm') ?? 'application/octet-stream').slice(0, 100)
  return {
    type: 'file',
    text: rumor.content,
    transferId,
    name,
    mime,
    size: Number(size),
    sha256,
    chunk: [chunk[0], chunk[1]],
    ...(chunk[0] === 1 && readNote(rumor)),
    remote: undefined,
  }
}

/** A file message of NIP-17, of any client; undefined when it lacks what is needed to fetch and check it. */
export function parseRemote(rumor: Rumor): FileBody | undefined {
  const [aesKey = '', nonce = ''] = [tag(rumor, 'decryption-key'), tag(rumor, 'decryption-nonce')]
  const [ciphertextSha256 = '', sha256 = ''] = [tag(rumor, 'x'), tag(rumor, 'ox')]
  if (
    tag(rumor, 'encryption-algorithm') !== 'aes-gcm' ||
    !isHex32(aesKey) ||
    !/^([0-9a-f]{24}|[0-9a-f]{32})$/.test(nonce)
  )
    return undefined
  // "x" is required; "ox" came later and old clients leave it out.
  if (!isHex32(ciphertextSha256) || (sha256 !== '' && !isHex32(sha256)) || rumor.content.length > LIMIT.url)
    return undefined
  const sealed = /^\d{1,12}$/.test(tag(rumor, 'size') ?? '') ? Number(tag(rumor, 'size')) : 0
  const fallbacks = tags(rumor, 'fallback').flatMap(([, url = '']) => (url.length <= LIMIT.url ? url : []))
  const mime = (tag(rumor, 'file-type') ?? 'application/octet-stream').slice(0, 100)
  const name = (tag(rumor, 'name') ?? lastPart(rumor.content)).slice(0, 255)
  return {
    type: 'file',
    text: rumor.content,
    transferId: ciphertextSha256.slice(0, 16),
    name,
    mime,
    size: Math.max(0, sealed - TAG),
    sha256,
    chunk: [1, 1],
    ...readNote(rumor),
    remote: { aesKey, nonce, ciphertextSha256, fallbacks: fallbacks.slice(0, LIMIT.fallbacks) },
  }
}

function readNote(rumor: Rumor): { note?: string } {
  const note = tag(rumor, 'note') ?? ''
  return note === '' ? {} : { note: note.slice(0, LIMIT.note) }
}

function lastPart(url: string): string {
  return url.split(/[/?#]/).findLast((part) => part !== '') ?? 'file'
}
