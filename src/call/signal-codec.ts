// How a signal is written into a rumor (kinds 14, 15 and 1410), and read from it.
import { isHex32 } from '../nostr/crypto.ts'
import { type Rumor, type Template, tag, tags } from '../nostr/event.ts'
import { relayUrl } from '../nostr/relay-url.ts'
import { fileTags, parseRemote, readChunk } from './file-codec.ts'
import {
  type Body,
  type CallOutcome,
  CHAT,
  CONTROL,
  FILE,
  LIMIT,
  type Link,
  NOTHING,
  type RejectReason,
  type SeqRange,
  type Signal,
  type SignalPosition,
} from './signal.ts'
import { count } from './tag-values.ts'

/**
 * The rumor of a signal, without author and id. A request names no call: its own id becomes the call's. Receipts carry no number
 * and no `prev`. Source: docs/PROTOCOL.md, "Signals".
 */
export function signalTemplate(body: Body, position: SignalPosition, at: number): Template {
  const { call, to, seq, prev, read, re } = position
  const kind = kindOf(body)
  const isFaultReceipt = body.type === 'receipt' && (body.fork !== undefined || body.lost === true)
  return {
    kind,
    created_at: at,
    tags: [
      ['p', to],
      ...(kind === CONTROL ? [['op', body.type]] : []),
      ...(call === undefined ? [] : [['call-id', call]]),
      ...(body.type === 'receipt' ? [] : [['seq', String(seq)]]),
      ...(prev === undefined || body.type === 'receipt' ? [] : [['prev', prev]]),
      ...(isFaultReceipt ? [] : [ackTag(position.ack)]),
      ...(read === undefined || read === 0 || isFaultReceipt ? [] : [['read', String(read)]]),
      ...(re === undefined ? [] : [['e', re, '', 'reply']]),
      ...bodyTags(body),
    ],
    content: body.text,
  }
}

/**
 * Reads a rumor as a signal of a call; undefined when it is none, or its number or links are unsound. A signal that has a sound place and
 * is not understood is `opaque`: dropped, it would leave a gap forever.
 */
export function parseSignal(rumor: Rumor): Signal | undefined {
  const to = onlyRecipient(rumor)
  const isControl = rumor.kind === CONTROL
  const op = isControl ? tag(rumor, 'op') : undefined
  const named = tag(rumor, 'call-id')
  if (to === undefined) return undefined
  if (op === 'request' && named === undefined) return parseRequest(rumor, to)
  // The request's own id names the call, so nobody can ring into a call that exists.
  const call = callId(rumor)
  if (call === undefined) return undefined
  const common = { id: rumor.id, from: rumor.pubkey, to, at: rumor.created_at, call, ...readMark(rumor) }
  if (op === 'receipt') return parseReceipt(rumor, common)
  const seq = count(tag(rumor, 'seq'))
  const prev = tag(rumor, 'prev')
  const ack = parseAck(rumor)
  if (seq === undefined || ack === undefined) return undefined
  if (seq === 1 ? prev !== undefined : prev === undefined || !isHex32(prev)) return undefined
  const body = parseBody(rumor) ?? { type: 'opaque', text: '', op: opaqueName(rumor) }
  const re = parseReply(rumor)
  return { ...common, seq, prev, ack, ...(re !== undefined && { re }), body }
}

function parseRequest(rumor: Rumor, to: string): Signal | undefined {
  const body = parseBody(rumor)
  const ack = parseAck(rumor)
  if (body?.type !== 'request' || tag(rumor, 'seq') !== '1' || tag(rumor, 'prev') !== undefined) return undefined
  if (ack?.seq !== 0) return undefined
  const { id, pubkey: from, created_at: at } = rumor
  return { id, from, to, at, call: id, seq: 1, prev: undefined, ack, body }
}

type Common = Pick<Signal, 'id' | 'from' | 'to' | 'at' | 'call' | 'read'>

function parseReceipt(rumor: Rumor, common: Common): Signal | undefined {
  const base = { ...common, seq: 0, prev: undefined }
  const missing = readMissing(rumor)
  const forked = tags(rumor, 'fork')[0]
  if (forked !== undefined) {
    const fork = parseLink(forked)
    return fork === undefined
      ? undefined
      : { ...base, ack: NOTHING, body: { type: 'receipt', text: '', missing: [], fork } }
  }
  if (tag(rumor, 'lost') !== undefined) {
    return { ...base, ack: NOTHING, body: { type: 'receipt', text: '', missing: [], lost: true } }
  }
  const ack = parseAck(rumor)
  return ack === undefined ? undefined : { ...base, ack, body: { type: 'receipt', text: '', missing } }
}

function ackTag({ seq, id }: Link): string[] {
  return id === undefined ? ['ack', '0'] : ['ack', String(seq), id]
}

function parseAck(rumor: Rumor): Link | undefined {
  const entry = tags(rumor, 'ack')[0]
  return entry === undefined ? undefined : parseLink(entry)
}

/** `[name, "0"]` for nothing, else `[name, n, id]`. */
function parseLink([, word, id]: readonly string[]): Link | undefined {
  if (word === '0') return id === undefined || id === '' ? NOTHING : undefined
  const seq = count(word)
  return seq === undefined || id === undefined || !isHex32(id) ? undefined : { seq, id }
}

function readMark(rumor: Rumor): { read?: number } {
  const read = reached(tag(rumor, 'read'))
  return read === undefined ? {} : { read }
}

// NIP-10: the marker says what an `e` tag is; the direct answer is marked "reply".
function parseReply(rumor: Rumor): string | undefined {
  const id = tags(rumor, 'e').find((entry) => entry[3] === 'reply')?.[1]
  return id !== undefined && isHex32(id) ? id : undefined
}

// An op's name is a stranger's word: it is shown only where it cannot be anything but a name.
function opaqueName(rumor: Rumor): string {
  const op = rumor.kind === CONTROL ? (tag(rumor, 'op') ?? '') : `kind-${rumor.kind}`
  return /^[a-z0-9-]{1,32}$/.test(op) ? op : 'unknown'
}

/** Whether a rumor is a receipt with `lost` that names no call. @param me our own key */
export function isLostReceipt(rumor: Rumor, me: string): boolean {
  const isReceipt = rumor.kind === CONTROL && tag(rumor, 'op') === 'receipt' && tag(rumor, 'call-id') === undefined
  return isReceipt && tag(rumor, 'lost') !== undefined && onlyRecipient(rumor) === me
}

/** The call that a rumor claims to belong to, by its `call-id`; undefined where that is missing or malformed. */
export function callId(rumor: Rumor): string | undefined {
  const id = tag(rumor, 'call-id')
  return id !== undefined && isHex32(id) ? id : undefined
}

/** The one receiver that a rumor names; undefined where it names several, as no part of a call does. */
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
        ...(body.ek ?? []).map((key) => ['ek', key]),
      ]
    case 'accept':
      return [
        ...introduction(body),
        ...(body.ek ?? []).map((key) => ['ek', key]),
        ...(body.merged === undefined ? [] : [['merged', body.merged]]),
      ]
    case 'reject':
      return [['reason', body.reason]]
    case 'end':
      return [
        ...(body.expired ? [['reason', 'expired']] : []),
        ...(body.outcome === undefined ? [] : [['outcome', body.outcome]]),
      ]
    case 'file':
      return fileTags(body)
    case 'receipt':
      if (body.fork !== undefined) return [['fork', String(body.fork.seq), body.fork.id ?? '']]
      if (body.lost === true) return [['lost', '1']]
      return body.missing.length === 0 ? [] : [['missing', ...body.missing.map(writeRange)]]
    default:
      return []
  }
}

function introduction(body: { name: string; relays: string[] }): string[][] {
  return [...(body.name === '' ? [] : [['name', body.name]]), ...body.relays.map((url) => ['relay', url])]
}

function parseBody(rumor: Rumor): Body | undefined {
  const text = rumor.content
  if (rumor.kind === CHAT) return text === '' ? undefined : { type: 'message', text }
  if (rumor.kind === FILE) return parseRemote(rumor)
  if (rumor.kind !== CONTROL) return undefined
  const op = tag(rumor, 'op')
  switch (op) {
    case 'request': {
      const deadline = seconds(tag(rumor, 'expiration'))
      if (tag(rumor, 'call-id') !== undefined || deadline === undefined || text === '') return undefined
      return { type: 'request', text: text.slice(0, LIMIT.topic), deadline, ...readIntroduction(rumor) }
    }
    case 'accept': {
      const merged = tag(rumor, 'merged')
      const glare = merged !== undefined && isHex32(merged) ? { merged } : {}
      return { type: 'accept', text, ...readIntroduction(rumor), ...glare }
    }
    case 'reject':
      return { type: 'reject', text, reason: rejectReason(tag(rumor, 'reason')) }
    case 'progress':
    case 'propose':
      return text === '' ? undefined : { type: op, text }
    case 'escalate':
    case 'agree':
    case 'decline':
      return { type: op, text }
    case 'end':
      return { type: 'end', text, ...readOutcome(rumor), expired: tag(rumor, 'reason') === 'expired' }
    case 'file':
      return readChunk(rumor)
    default:
      return undefined
  }
}

function readIntroduction(rumor: Rumor): { name: string; relays: string[]; ek?: string[] } {
  const urls = tags(rumor, 'relay').flatMap((t) => relayUrl(t[1] ?? '') ?? [])
  // Cut one character behind the length of a key: cut at that length, what is too long would be a key, on this side alone.
  const keys = tags(rumor, 'ek').map(([, key = '']) => key.slice(0, 65))
  return {
    name: (tag(rumor, 'name') ?? '').slice(0, LIMIT.name),
    relays: urls.slice(0, LIMIT.relays),
    // More than one count as none, and two show that: docs/PROTOCOL.md, "Calls that stay secret".
    ...(keys.length > 0 && { ek: keys.slice(0, 2) }),
  }
}

function readOutcome(rumor: Rumor): { outcome?: CallOutcome } {
  const word = tag(rumor, 'outcome')
  return word === 'done' || word === 'partial' || word === 'failed' ? { outcome: word } : {}
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

/** A seq, or 0 for before the first. */
function reached(word: string | undefined): number | undefined {
  return word === '0' ? 0 : count(word)
}

function seconds(word: string | undefined): number | undefined {
  return word !== undefined && /^[1-9]\d{0,11}$/.test(word) ? Number(word) : undefined
}
