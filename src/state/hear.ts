// What came in, merged into the book. Pure, and the same whatever the order and however often: it is applied to what was
// loaded, and once more under the lock to what is newest.
import { precedes } from '../call/call.ts'
import type { Opened } from '../call/envelope.ts'
import { contest } from '../call/glare.ts'
import { emptied, type Log, signalOf } from '../call/log.ts'
import { CHAT, callId, FILE, read, readRemote, type Signal, soleReceiver } from '../call/signal.ts'
import type { Rumor } from '../nostr/event.ts'
import { crowdedOut, type Gate, mayCall, meterFor, overBounds, unworked } from './admit.ts'
import { type Book, callOf, rivals, summarise } from './book.ts'
import { type Draft, editBook } from './edit.ts'

/** A relay's complete replay: where its cursor goes, and when we asked, by our clock. */
export type Replayed = { relay: string; cursor: number; began: number }

export type Hearing = {
  me: string
  now: number
  replayed: Replayed[]
  /** Our clock and the relays' differ so much that a deadline says nothing. */
  clockWrong: boolean
  gate: Gate
}

/** NIP-59's two days of backdating, and a quarter of an hour for clocks. */
export const WINDOW = 2 * 24 * 3600 + 900

/** The first look into a mailbox, and `inbox --deep`. */
export const DEEP = 7 * 24 * 3600

const MOST = { strays: 100, dms: 200 }

/** @returns the book, and the calls in which something numbered was new. */
export function hear(book: Book, opened: readonly Opened[], hearing: Hearing): { book: Book; touched: string[] } {
  const edit = editBook(book)
  const touched = new Set<string>()
  edit.index.meter = meterFor(edit.index.meter, hearing.now)
  for (const { wrap, stamp, bits, rumor, reason } of opened) {
    if (edit.index.seen[wrap] !== undefined) continue
    edit.index.seen[wrap] = stamp
    const dropped = rumor === undefined ? reason : admit(edit, rumor, bits, hearing, touched)
    if (dropped !== undefined) edit.index.dropped[dropped] = (edit.index.dropped[dropped] ?? 0) + 1
  }
  for (const id of Object.keys(edit.book.logs)) lapse(edit, id, hearing)
  for (const { relay, cursor } of hearing.replayed) {
    edit.index.relays[relay] = {
      ...edit.index.relays[relay],
      cursor: Math.max(cursor, edit.index.relays[relay]?.cursor ?? 0),
    }
  }
  makeRoom(edit, hearing)
  prune(edit, hearing)
  refresh(edit, hearing)
  return { book: edit.book, touched: [...touched] }
}

/** Brings the index up to date with the logs that were changed. */
export function refresh(edit: Draft, { me, now }: Pick<Hearing, 'me' | 'now'>): void {
  for (const id of edit.changed()) {
    const log = edit.book.logs[id]
    const call = log === undefined ? undefined : callOf(edit.book, log, me, now)
    if (log !== undefined && call !== undefined)
      edit.index.calls[id] = summarise(call, log, now, edit.index.calls[id]?.rival)
  }
}

// The attack: anybody can fill a mailbox. What the gate stops costs a count and nothing else.
function admit(edit: Draft, rumor: Rumor, bits: number, hearing: Hearing, touched: Set<string>): string | undefined {
  const trust = hearing.gate.trust(rumor.pubkey)
  if (trust === 'blocked') return 'blocked'
  const first = callId(rumor) === undefined
  const dropped = first ? unworked(bits, trust, hearing.gate) : undefined
  return dropped ?? overBounds(edit.index.meter, rumor, first, hearing.gate) ?? receive(edit, rumor, hearing, touched)
}

/** Takes in one rumor; why it was dropped, if it was. */
function receive(edit: Draft, rumor: Rumor, hearing: Hearing, touched: Set<string>): string | undefined {
  if (rumor.pubkey === hearing.me) return 'own-copy'
  const signal = read(rumor)
  if (signal === undefined) return receiveOther(edit, rumor, hearing)
  if (signal.to !== hearing.me) return 'not-for-us'
  if (signal.body.type === 'request') return receiveRequest(edit, signal, rumor, hearing, touched)
  const log = edit.book.logs[signal.call]
  if (log === undefined)
    return edit.index.calls[signal.call] === undefined ? stray(edit, rumor, hearing.now) : 'call-not-loaded'
  return receiveInCall(edit, log, signal, rumor, hearing, touched)
}

function receiveRequest(
  edit: Draft,
  signal: Signal,
  rumor: Rumor,
  hearing: Hearing,
  touched: Set<string>,
): string | undefined {
  if (edit.index.calls[signal.id] !== undefined || edit.book.logs[signal.id] !== undefined) return 'duplicate'
  const { gate, now } = hearing
  const welcome = mayCall(gate, gate.trust(signal.from))
  // A refused call is answered at most once per sender and day; the rest is dropped without a word.
  if (!welcome && (gate.silent || edit.index.meter.refused[signal.from])) return 'policy'
  if (!welcome) edit.index.meter.refused = { ...edit.index.meter.refused, [signal.from]: true }
  const log = edit.log(signal.id)
  log.entries[signal.id] = { rumor, heard: now }
  if (welcome) log.unread.push(signal.id)
  touched.add(signal.id)
  meetRival(edit, signal, hearing)
  const early = edit.index.strays.filter((s) => callId(s.rumor) === signal.id)
  edit.index.strays = edit.index.strays.filter((s) => callId(s.rumor) !== signal.id)
  for (const { rumor: waiting } of early) receive(edit, waiting, hearing, touched)
  return undefined
}

// Both called at once: remember which two, so that each is always read with the other.
function meetRival(edit: Draft, signal: Signal, { me, now }: Hearing): void {
  const log = edit.book.logs[signal.id]
  const call = log === undefined ? undefined : callOf(edit.book, log, me, now)
  if (log === undefined || call === undefined) return
  const direction = call.mine === 'caller' ? 'outgoing' : 'incoming'
  for (const id of rivals(edit.index, {
    peer: call.peer,
    direction,
    createdAt: call.createdAt,
    deadline: call.deadline,
  })) {
    const other = edit.book.logs[id]
    if (other === undefined || contest(log, other) === undefined) continue
    edit.index.calls[log.id] = summarise(call, log, now, id)
    const rival = callOf(edit.book, edit.log(id), me, now)
    if (rival !== undefined) edit.index.calls[id] = summarise(rival, edit.log(id), now, log.id)
    return
  }
}

function receiveInCall(
  edit: Draft,
  log: Log,
  signal: Signal,
  rumor: Rumor,
  hearing: Hearing,
  touched: Set<string>,
): string | undefined {
  // A third party that knows a call's id (a former relay operator, a leaked log) is not part of it.
  if (signal.from !== peerOf(log, hearing.me)) return 'third-party'
  const mine = edit.log(log.id)
  acknowledge(mine, signal)
  if (signal.body.type === 'receipt') return undefined
  if (mine.entries[signal.id] !== undefined) return 'duplicate'
  const taken = edit.said(mine).get(`${signal.from} ${signal.seq}`)
  if (taken !== undefined) {
    if (!precedes(signal, taken)) return 'seq-taken'
    delete mine.entries[taken.id]
    mine.unread = mine.unread.filter((id) => id !== taken.id)
  }
  mine.entries[signal.id] = { rumor, heard: hearing.now }
  if (isNews(edit, mine, signal, hearing.me)) mine.unread.push(signal.id)
  edit.said(mine).set(`${signal.from} ${signal.seq}`, signal)
  touched.add(log.id)
  return taken === undefined ? undefined : 'seq-taken'
}

// What the peer says it has is delivered; what it says it misses is wrapped anew by the outbox. Whatever is not in the
// outbox has been acked before.
function acknowledge(log: Log, signal: Signal): void {
  const waiting = Object.keys(log.outbox).flatMap((id) => signalOf(log, id) ?? [])
  // An ack beyond what we have said is a lie or another device's: it confirms nothing.
  if (signal.ack <= Math.max(log.acked, ...waiting.map((s) => s.seq))) log.acked = Math.max(log.acked, signal.ack)
  const missing = signal.body.type === 'receipt' ? signal.body.missing : []
  for (const { id, seq } of waiting) {
    const posting = log.outbox[id]
    if (seq <= log.acked) settleOwn(log, id)
    else if (posting !== undefined && missing.some(([first, last]) => seq >= first && seq <= last))
      log.outbox[id] = { ...posting, wanted: true }
  }
}

// The peer has it: nothing is owed, and the bytes of a file need not be kept for another try.
function settleOwn(log: Log, id: string): void {
  delete log.outbox[id]
  const body = signalOf(log, id)?.body
  const entry = log.entries[id]
  if (body?.type === 'file' && body.remote === undefined && entry !== undefined) log.entries[id] = emptied(entry)
}

// A file is news once it is whole. The end that confirms our own is not news, unless it says something.
function isNews(edit: Draft, log: Log, signal: Signal, me: string): boolean {
  if (signal.body.type === 'file') return false
  if (signal.body.type !== 'end' || signal.body.text !== '') return true
  return ![...edit.said(log).values()].some((s) => s.from === me && s.body.type === 'end')
}

/** A rumor that is no signal of a call: a direct message, or nothing that we know. */
function receiveOther(edit: Draft, rumor: Rumor, { me, now }: Hearing): string | undefined {
  if (rumor.kind !== CHAT && rumor.kind !== FILE) return 'unknown'
  if (rumor.kind === FILE && readRemote(rumor) === undefined) return 'malformed'
  if (callId(rumor) !== undefined) return 'malformed'
  if (soleReceiver(rumor) !== me) return 'not-for-us'
  if (edit.index.dms[rumor.id] !== undefined) return 'duplicate'
  edit.index.dms = { ...edit.index.dms, [rumor.id]: { rumor, heard: now, unread: true } }
  return undefined
}

function stray(edit: Draft, rumor: Rumor, now: number): string | undefined {
  if (edit.index.strays.some((s) => s.rumor.id === rumor.id)) return 'duplicate'
  // Bounded: a stranger can make up calls without end.
  edit.index.strays = [...edit.index.strays, { rumor, heard: now }].slice(-MOST.strays)
  return undefined
}

// Ringing strangers are bounded: the oldest unanswered one is missed without being news.
function makeRoom(edit: Draft, { me, now, gate }: Hearing): void {
  const ringing = Object.values(edit.book.logs).flatMap((log) => {
    const call = callOf(edit.book, log, me, now)
    const stranger = call?.phase === 'ringing' && call.mine === 'callee' && gate.trust(call.peer) === 'unknown'
    return stranger ? [{ id: log.id, at: call.createdAt }] : []
  })
  for (const id of crowdedOut(ringing)) {
    const log = edit.log(id)
    log.missed = now
    log.unread = []
    edit.index.dropped.ringing = (edit.index.dropped.ringing ?? 0) + 1
  }
}

/** A ring that nobody answered in time. The caller says so only when a complete replay since then shows no answer. */
function lapse(edit: Draft, id: string, hearing: Hearing): void {
  const log = edit.book.logs[id]
  const call = log === undefined ? undefined : callOf(edit.book, log, hearing.me, hearing.now)
  if (log === undefined || call === undefined || call.phase !== 'ringing') return
  if (log.missed !== undefined || hearing.now <= call.deadline || hearing.clockWrong) return
  const looked = hearing.replayed.some((r) => r.began > call.deadline)
  if (call.mine === 'caller' && !looked) return
  const mine = edit.log(id)
  mine.missed = hearing.now
  mine.unread = [...mine.unread.filter((item) => item !== id), 'missed']
}

function peerOf(log: Log, me: string): string | undefined {
  const request = log.entries[log.id]?.rumor
  if (request === undefined) return undefined
  return request.pubkey === me ? soleReceiver(request) : request.pubkey
}

function prune(edit: Draft, { now, gate }: Hearing): void {
  const cursors = Object.values(edit.index.relays).flatMap((r) => r.cursor ?? [])
  // The oldest window that can be asked for again; a wrap below it can come back only by a deep look, and its rumor is known.
  const floor = Math.min(now, ...cursors) - WINDOW - 3600
  const kept = Object.entries(edit.index.seen).filter(([, stamp]) => stamp >= floor)
  if (kept.length < Object.keys(edit.index.seen).length) edit.index.seen = Object.fromEntries(kept)
  edit.index.strays = edit.index.strays.filter((s) => now - s.heard < DEEP)
  const dms = Object.entries(edit.index.dms)
  if (dms.length > MOST.dms) {
    // The attack: strangers write so much that the owner's word falls out before anybody has read it.
    const weight = ({ unread, rumor }: (typeof edit.index.dms)[string]) =>
      !unread ? 0 : gate.trust(rumor.pubkey) === 'owner' ? 2 : 1
    const recent = dms.sort(([, a], [, b]) => weight(b) - weight(a) || b.heard - a.heard).slice(0, MOST.dms)
    edit.index.dms = Object.fromEntries(recent)
  }
}
