// How a signal stands in a rumor (kinds 14, 15 and 1410), and how it is read there.
import { TAG } from '../nostr/aes-gcm.ts'
import { type Rumor, type Template, tag, tags } from '../nostr/event.ts'
import { relayUrl } from '../nostr/relay-url.ts'
import {
  type Body,
  CHAT,
  CONTROL,
  FILE,
  LIMIT,
  type RejectReason,
  type RemoteFile,
  type SeqRange,
  type Signal,
  type SignalPosition,
} from './signal.ts'

/** The rumor of a signal, without author and id. A request names no call: its own id becomes the call's. */
export function signalTemplate(body: Body, place: SignalPosition, at: number): Template {
  const numbers = [
    ...(place.call === undefined ? [] : [['call-id', place.call]]),
    ...(body.type === 'receipt' ? [] : [['seq', String(place.seq)]]),
    ['lc', String(place.lc)],
    ['ack', String(place.ack)],
  ]
  const kind = kindOf(body)
  const head = [['p', place.to], ...(kind === CONTROL ? [['op', body.type]] : []), ...numbers]
  return {
    kind,
    created_at: at,
    tags: [...head, ...bodyTags(body)],
    content: body.text,
  }
}

/** Reads a rumor as a signal of a call; undefined when it is none or breaks a rule of the wire. */
export function parseSignal(rumor: Rumor): Signal | undefined {
  const body = parseBody(rumor)
  if (body === undefined) return undefined
  const to = onlyRecipient(rumor)
  // The request's own id names the call, so nobody can ring into a call that exists.
  const call = body.type === 'request' ? rumor.id : callId(rumor)
  const seq = body.type === 'receipt' ? 0 : count(tag(rumor, 'seq'))
  const lc = count(tag(rumor, 'lc'))
  const ack = reached(tag(rumor, 'ack'))
  if (to === undefined || call === undefined || seq === undefined || lc === undefined || ack === undefined)
    return undefined
  if (body.type === 'request' && (seq !== 1 || tag(rumor, 'call-id') !== undefined)) return undefined
  return { id: rumor.id, from: rumor.pubkey, to, at: rumor.created_at, call, seq, lc, ack, body }
}

/** The call that a rumor claims to belong to, if it claims one. */
export function callId(rumor: Rumor): string | undefined {
  const id = tag(rumor, 'call-id')
  return id !== undefined && /^[0-9a-f]{64}$/.test(id) ? id : undefined
}

/** The one receiver a rumor names; a rumor for a room of several is no part of a call. */
export function onlyRecipient(rumor: Rumor): string | undefined {
  let sole: string[] | undefined
  for (const entry of rumor.tags) {
    if (entry[0] !== 'p') continue
    if (sole !== undefined) return undefined
    sole = entry
  }
  return sole?.[1]
}

function kindOf(body: Body): number {
  if (body.type === 'message') return CHAT
  return body.type === 'file' && body.remote !== undefined ? FILE : CONTROL
}

function bodyTags(body: Body): string[][] {
  switch (body.type) {
    case 'request':
      return [
        ['expiration', String(body.deadline)],
        ...introduction(body),
        ...(body.after ?? []).map((id) => ['after', id]),
      ]
    case 'accept':
      return introduction(body)
    case 'reject':
      return [['reason', body.reason]]
    case 'end':
      return [
        ...(body.expired ? [['reason', 'expired']] : []),
        ...(body.cut === undefined ? [] : [['cut', String(body.cut[0]), String(body.cut[1])]]),
        ['digest', body.digest],
      ]
    case 'file':
      if (body.remote !== undefined) return remoteTags(body, body.remote)
      return [
        ['file', body.file],
        ['name', body.name],
        ['m', body.mime],
        ['size', String(body.size)],
        ['x', body.x],
        ['chunk', String(body.chunk[0]), String(body.chunk[1])],
      ]
    case 'receipt':
      return body.missing.length === 0 ? [] : [['missing', ...body.missing.map(writeRange)]]
    default:
      return []
  }
}

// NIP-17's names, so that any of its clients can fetch and open the file.
function remoteTags(
  { name, mime, size, x }: { name: string; mime: string; size: number; x: string },
  { key, nonce, x: sealed, fallbacks }: RemoteFile,
): string[][] {
  return [
    ['file-type', mime],
    ['encryption-algorithm', 'aes-gcm'],
    ['decryption-key', key],
    ['decryption-nonce', nonce],
    ['x', sealed],
    ['ox', x],
    // NIP-17: "size of the encrypted file in bytes".
    ['size', String(size + TAG)],
    ['name', name],
    ...fallbacks.map((url) => ['fallback', url]),
  ]
}

function introduction(body: { name: string; relays: string[] }): string[][] {
  return [...(body.name === '' ? [] : [['name', body.name]]), ...body.relays.map((url) => ['relay', url])]
}

function parseBody(rumor: Rumor): Body | undefined {
  const text = rumor.content
  if (rumor.kind === CHAT) return text === '' ? undefined : { type: 'message', text }
  if (rumor.kind === FILE) return parseRemote(rumor)
  if (rumor.kind !== CONTROL) return undefined
  switch (tag(rumor, 'op')) {
    case 'request': {
      const deadline = seconds(tag(rumor, 'expiration'))
      if (deadline === undefined || text === '') return undefined
      const after = tags(rumor, 'after').flatMap(([, id = '']) => (isHex(id, 64) ? id : []))
      return {
        type: 'request',
        text: text.slice(0, LIMIT.topic),
        deadline,
        ...readIntroduction(rumor),
        ...(after.length > 0 && { after: after.slice(0, LIMIT.after) }),
      }
    }
    case 'accept':
      return { type: 'accept', text, ...readIntroduction(rumor) }
    case 'reject':
      return { type: 'reject', text, reason: rejectReason(tag(rumor, 'reason')) }
    case 'escalate':
      return { type: 'escalate', text }
    case 'end':
      return {
        type: 'end',
        text,
        cut: readCut(rumor),
        digest: tag(rumor, 'digest') ?? '',
        expired: tag(rumor, 'reason') === 'expired',
      }
    case 'file':
      return readFile(rumor)
    case 'receipt':
      return { type: 'receipt', text: '', missing: readMissing(rumor) }
    default:
      return undefined
  }
}

function readIntroduction(rumor: Rumor): { name: string; relays: string[] } {
  const urls = tags(rumor, 'relay').flatMap((t) => relayUrl(t[1] ?? '') ?? [])
  return { name: (tag(rumor, 'name') ?? '').slice(0, LIMIT.name), relays: urls.slice(0, LIMIT.relays) }
}

function readCut(rumor: Rumor): SeqRange | undefined {
  const [, own, peer] = tags(rumor, 'cut')[0] ?? []
  // Who hangs up, or confirms that the other has, may have said nothing before.
  const [first, last] = [reached(own), reached(peer)]
  return first === undefined || last === undefined ? undefined : [first, last]
}

function readFile(rumor: Rumor): Body | undefined {
  const [, i, of] = tags(rumor, 'chunk')[0] ?? []
  const chunk: [number | undefined, number | undefined] = [count(i), count(of)]
  const file = tag(rumor, 'file') ?? ''
  const x = tag(rumor, 'x') ?? ''
  const size = tag(rumor, 'size') ?? ''
  if (chunk[0] === undefined || chunk[1] === undefined || chunk[0] > chunk[1] || chunk[1] > LIMIT.chunks)
    return undefined
  if (!/^[0-9a-f]{64}$/.test(x) || file === '' || file.length > 64 || !/^\d{1,12}$/.test(size)) return undefined
  const name = (tag(rumor, 'name') ?? 'file').slice(0, 255)
  const mime = (tag(rumor, 'm') ?? 'application/octet-stream').slice(0, 100)
  return {
    type: 'file',
    text: rumor.content,
    file,
    name,
    mime,
    size: Number(size),
    x,
    chunk: [chunk[0], chunk[1]],
    remote: undefined,
  }
}

/** A file message of NIP-17, whoever sent it; undefined when it lacks what is needed to fetch and check it. */
export function parseRemote(rumor: Rumor): Extract<Body, { type: 'file' }> | undefined {
  const [key = '', nonce = ''] = [tag(rumor, 'decryption-key'), tag(rumor, 'decryption-nonce')]
  const [x = '', ox = ''] = [tag(rumor, 'x'), tag(rumor, 'ox')]
  if (
    tag(rumor, 'encryption-algorithm') !== 'aes-gcm' ||
    !isHex(key, 64) ||
    !/^([0-9a-f]{24}|[0-9a-f]{32})$/.test(nonce)
  )
    return undefined
  // "x" is required; "ox" came later and old clients leave it out.
  if (!isHex(x, 64) || (ox !== '' && !isHex(ox, 64)) || rumor.content.length > LIMIT.url) return undefined
  const sealed = /^\d{1,12}$/.test(tag(rumor, 'size') ?? '') ? Number(tag(rumor, 'size')) : 0
  const fallbacks = tags(rumor, 'fallback').flatMap(([, url = '']) => (url.length <= LIMIT.url ? url : []))
  const mime = (tag(rumor, 'file-type') ?? 'application/octet-stream').slice(0, 100)
  const name = (tag(rumor, 'name') ?? lastPart(rumor.content)).slice(0, 255)
  return {
    type: 'file',
    text: rumor.content,
    file: x.slice(0, 16),
    name,
    mime,
    size: Math.max(0, sealed - TAG),
    x: ox,
    chunk: [1, 1],
    remote: { key, nonce, x, fallbacks: fallbacks.slice(0, LIMIT.fallbacks) },
  }
}

function lastPart(url: string): string {
  return url.split(/[/?#]/).findLast((part) => part !== '') ?? 'file'
}

function isHex(text: string, length: number): boolean {
  return text.length === length && /^[0-9a-f]*$/.test(text)
}

function readMissing(rumor: Rumor): SeqRange[] {
  const words = tags(rumor, 'missing')[0]?.slice(1, 1 + LIMIT.missing) ?? []
  return words.flatMap((word) => {
    const [first, last] = word.split('-', 2).map(count)
    if (first === undefined) return []
    const end = word.includes('-') ? last : first
    return end === undefined || end < first ? [] : [[first, end] as const]
  })
}

function writeRange([first, last]: SeqRange): string {
  return first === last ? String(first) : `${first}-${last}`
}

function rejectReason(word: string | undefined): RejectReason {
  return word === 'busy' || word === 'policy' || word === 'expired' ? word : 'declined'
}

// A plain decimal from 1 to 1,000,000: "1e3", "0x10", "+1", " 1" and a number that would push our clock to the end of
// its range are not numbers of a call.
function count(word: string | undefined): number | undefined {
  if (word === undefined || !/^[1-9]\d{0,6}$/.test(word)) return undefined
  const n = Number(word)
  return n <= LIMIT.seq ? n : undefined
}

/** How far somebody has got: a seq, or 0 before the first. */
function reached(word: string | undefined): number | undefined {
  return word === '0' ? 0 : count(word)
}

function seconds(word: string | undefined): number | undefined {
  return word !== undefined && /^[1-9]\d{0,11}$/.test(word) ? Number(word) : undefined
}
