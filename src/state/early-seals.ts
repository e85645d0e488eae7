// What a peer has sealed with a call key before its accept is here. Relays keep no order, so such seals are kept, and opened once the accept
// has come.
import { type EarlySeal, type Log, signalOf } from '../call/log.ts'
import type { Call } from '../call/replay.ts'
import type { OpenedWrap, UnopenedSeal } from '../nostr/nip59-unwrap.ts'
import { isToBeTriedAgain, KEPT_SEALS, rememberTries, sizeOf } from './call-keyring.ts'
import { isKeyOver } from './retention.ts'
import type { Index, State } from './state.ts'
import type { Transaction } from './transaction.ts'

/** Seconds after the ring of a call for which they are kept. */
const KEPT_AFTER_RING = 7 * 24 * 3600

/**
 * Until when seals are kept for the accept of a call, unix seconds by our own clock; undefined where none is awaited: the request is not
 * ours, has no call key, or is answered.
 */
export function awaitsUntil({ role, phase, deadline }: Pick<Call, 'role' | 'phase' | 'deadline'>, log: Log) {
  if (role !== 'caller' || !AWAITING.includes(phase)) return undefined
  const request = signalOf(log, log.id)?.body
  if (request?.type !== 'request' || request.ek === undefined) return undefined
  const isAnswered = Object.keys(log.entries).some((id) => signalOf(log, id)?.body.type === 'accept')
  return isAnswered ? undefined : (log.ringsUntil ?? deadline) + KEPT_AFTER_RING
}

// A peer may have accepted before it heard that we hung up.
const AWAITING: readonly Call['phase'][] = ['ringing', 'missed', 'cancelled']

/** How many seals are kept, and their bytes, as the bounds count them. */
export function amountOf(early: Readonly<Record<string, EarlySeal>>): { count: number; bytes: number } {
  const seals = Object.values(early)
  return { count: seals.length, bytes: seals.reduce((sum, { seal }) => sum + sizeOf(seal), 0) }
}

/** The peers whose accepts are awaited, and how much is kept of each peer. */
export function awaitedPeers({ calls }: Index, now: number) {
  const awaited = new Set<string>()
  const kept: Record<string, { count: number; bytes: number }> = {}
  for (const { peer, awaitsAcceptUntil, earlySeals } of Object.values(calls)) {
    if (awaitsAcceptUntil !== undefined && awaitsAcceptUntil >= now) awaited.add(peer)
    if (earlySeals === undefined) continue
    const before = kept[peer] ?? { count: 0, bytes: 0 }
    kept[peer] = { count: before.count + earlySeals.count, bytes: before.bytes + earlySeals.bytes }
  }
  return { awaited: [...awaited], kept }
}

/** The call with which a peer's early seals are kept: the latest that awaits its accept. */
export function awaitingCall({ calls }: Index, peer: string, now: number): string | undefined {
  let latest: string | undefined
  for (const [id, call] of Object.entries(calls)) {
    if (call.peer !== peer || call.awaitsAcceptUntil === undefined || call.awaitsAcceptUntil < now) continue
    if (latest === undefined || call.createdAt > (calls[latest]?.createdAt ?? 0)) latest = id
  }
  return latest
}

/** Keeps the seal of a wrap that nothing opens yet. @returns whether it is kept */
export function keepEarly(edit: Transaction, { id: wrap, stamp, unopened }: OpenedWrap, now: number): boolean {
  if (unopened?.seal === undefined) return false
  const id = awaitingCall(edit.index, unopened.from, now) ?? untriedCall(edit.index, unopened, now)
  if (id === undefined || edit.state.logs[id] === undefined) return false
  const log = edit.log(id)
  // The bounds were checked when the wrap was opened, but a parallel run may have kept as much since.
  if (Object.keys(log.earlySeals ?? {}).length >= KEPT_SEALS.count) return false
  const tried = [...new Set([...(log.earlySeals?.[wrap]?.tried ?? []), ...unopened.tried])]
  log.earlySeals = { ...log.earlySeals, [wrap]: { seal: unopened.seal, stamp, tried } }
  return true
}

function untriedCall({ calls }: Index, { from, tried }: UnopenedSeal, now: number): string | undefined {
  return keyedCalls(calls, now)
    .get(from)
    ?.find((id) => !tried.includes(id))
}

/**
 * Makes a test for wraps that nothing has opened: whether there is a call key that was not tried on them. A run loads its keys before it
 * opens its mail, and a parallel one may have said, or taken, an accept since.
 */
export function untriedIn({ calls, triedKeys = {} }: Index, now: number): (wrap: OpenedWrap) => boolean {
  let keyed: Map<string, string[]> | undefined
  return ({ id: wrap, unopened }) => {
    if (unopened === undefined) return false
    keyed ??= keyedCalls(calls, now)
    const done = [...(Object.hasOwn(triedKeys, wrap) ? (triedKeys[wrap] ?? []) : []), ...unopened.tried]
    return (keyed.get(unopened.from) ?? []).some((id) => !done.includes(id))
  }
}

/** The calls that have a key, by peer. */
function keyedCalls(calls: Index['calls'], now: number): Map<string, string[]> {
  const keyed = new Map<string, string[]>()
  for (const [id, call] of Object.entries(calls))
    if (hasKey(call, now)) keyed.set(call.peer, [...(keyed.get(call.peer) ?? []), id])
  return keyed
}

/** Remembers which keys were tried on the wraps on which a later run tries more. */
export function noteTries(edit: Transaction, opened: readonly OpenedWrap[]): void {
  const { triedKeys = {} } = edit.index
  if (!opened.some((wrap) => isToBeTriedAgain(wrap) || Object.hasOwn(triedKeys, wrap.id))) return
  edit.index.triedKeys = rememberTries(triedKeys, opened)
}

/** Seals that are kept with a call and may be opened by now. */
export type OpenableSeals = { call: string; seals: Readonly<Record<string, EarlySeal>> }

/** The kept seals for which there is a call key by now that was not tried on them. */
export function openableSeals({ index, logs }: State, now: number): OpenableSeals[] {
  return Object.values(logs).flatMap((log) => {
    if (log.earlySeals === undefined) return []
    const peer = index.calls[log.id]?.peer
    const keyed = Object.entries(index.calls).filter(([, call]) => call.peer === peer && hasKey(call, now))
    const seals = Object.entries(log.earlySeals).filter(([, { tried }]) => keyed.some(([id]) => !tried.includes(id)))
    return seals.length === 0 ? [] : [{ call: log.id, seals: Object.fromEntries(seals) }]
  })
}

/** Whether a call has a key that is not to be deleted yet. */
export function hasKey({ secrecy, overAt }: Pick<Index['calls'][string], 'secrecy' | 'overAt'>, now: number): boolean {
  return secrecy === 'call' && !isKeyOver(overAt, now)
}

/** Takes out what was opened, and remembers what was tried on the rest. */
export function recordEarlyOpened(edit: Transaction, call: string, opened: readonly OpenedWrap[]): void {
  if (edit.state.logs[call]?.earlySeals === undefined) return
  const log = edit.log(call)
  const early = { ...log.earlySeals }
  for (const { id: wrap, unopened } of opened) {
    const held = early[wrap]
    if (held === undefined) continue
    if (unopened === undefined) delete early[wrap]
    else early[wrap] = { ...held, tried: [...new Set([...held.tried, ...unopened.tried])] }
  }
  setEarly(log, early)
}

/** Drops the seals for which no accept has come in time, and counts them. */
export function expireEarly(edit: Transaction, now: number): void {
  for (const { id, earlySeals, ringsUntil = 0 } of Object.values(edit.state.logs)) {
    if (earlySeals === undefined || now <= ringsUntil + KEPT_AFTER_RING) continue
    edit.table('dropped').undecryptable = (edit.index.dropped.undecryptable ?? 0) + Object.keys(earlySeals).length
    setEarly(edit.log(id), {})
  }
}

function setEarly(log: Log, early: Record<string, EarlySeal>): void {
  if (Object.keys(early).length === 0) delete log.earlySeals
  else log.earlySeals = early
}
