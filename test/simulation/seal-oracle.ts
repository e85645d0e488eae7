// A call that says that it is secret is so in every word of both sides, wherever it is kept: among the lines, behind a gap, beside the call
// or for its accept; by what the network has seen of each envelope. It asks none of the program's own rules for sealing, nor what the program
// has written down of how a word came.

import { agentOf } from '../../src/call/agents.ts'
import type { Log } from '../../src/call/log.ts'
import { replay } from '../../src/call/replay.ts'
import { secrecyText } from '../../src/call/transcript/entry.ts'
import { transcriptOf } from '../../src/call/transcript/transcript.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import type { State } from '../../src/state/state.ts'
import { type Agent, type Sim, wholeLog } from './agent.ts'
import { STOLEN } from './hostile.ts'
import { type Network, OPEN } from './relays.ts'

/** Said before there is a key, and the first that either side says: who reads them is no news. */
const INTRODUCTIONS: readonly (string | undefined)[] = ['request', 'accept', 'reject']

/** Phases in which nobody has spoken, so that nothing is said to be secret. */
const SILENT: readonly string[] = ['ringing', 'missed', 'rejected', 'cancelled', 'merged']

/** The key of each call, by the call and the accept that it comes of, and the other way round. */
export type Seals = { keys: Map<string, string>; calls: Map<string, string> }

/** Nothing is known of any call yet. */
export function newSeals(): Seals {
  return { keys: new Map(), calls: new Map() }
}

/** Looks at every call that a write has changed. Throws where something is kept, or said, that is not as secret as its call. */
export function watchSeals(sim: Sim, seals: Seals, agent: Agent, before: State, after: State): void {
  // Of a run that dies between the two the index is older than its calls.
  const claims = after.index.calls === before.index.calls ? {} : after.index.calls
  for (const [id, log] of Object.entries(after.logs))
    if (log !== before.logs[id]) sealedAsSaid(sim, seals, agent, log, claims[id])
}

/** The same of all that an agent has in the end, with what lies in chapters, and what is said of it. */
export function sealedAtTheEnd(sim: Sim, seals: Seals, agent: Agent): void {
  for (const id of Object.keys(agent.disk.logs)) {
    const log = wholeLog(sim, agent, id)
    if (log === undefined) continue
    sealedAsSaid(sim, seals, agent, log, agent.disk.index.calls[id])
    if (!hasSpoken(sim, agent, log) || !hasKeys(log)) continue
    const isCaller = callerOf(log) === agent.key
    // That it rings is acknowledged in the open, before there is a key.
    if (log.peerAcked.seq > (isCaller ? 1 : 0) && !isAckedUnderKey(sim.network, log, agent.key))
      throw new Error(`${whatOf(agent, log)} believes the acknowledgement of ${log.peerAcked.seq} in the open`)
  }
}

/** Nothing that honest programs have said to each other, once they had a key, has ever been on its way without it. */
export function saidUnderKeys({ network }: Sim, agents: readonly Agent[]): void {
  const ours = new Set(agents.map(({ key }) => key))
  const rumors = new Map([...network.inside.values()].map(({ rumor }) => [rumor.id, rumor]))
  // Whoever was rejected has no key, and hangs up all the same where its own request was taken in by another one.
  const refused = new Set([...rumors.values()].flatMap((rumor) => (isRefusal(rumor) ? [tagOf(rumor, 'call-id')] : [])))
  for (const { rumor, underKey } of network.inside.values()) {
    const call = tagOf(rumor, 'call-id')
    const request = rumors.get(call ?? '')
    if (underKey !== undefined || request === undefined || refused.has(call) || rumor.content === STOLEN) continue
    if (![rumor.pubkey, tagOf(rumor, 'p') ?? ''].every((key) => ours.has(key)) || !isKeyed(request)) continue
    if (isIntroduction(rumor) || isHangUp(rumor, request.pubkey)) continue
    const acked = rumors.get(rumor.tags.find(([name]) => name === 'ack')?.[2] ?? '')
    if (tagOf(rumor, 'op') === 'receipt' && isSaidWithoutKey(rumor, acked, request.pubkey)) continue
    throw new Error(`${tagOf(rumor, 'op') ?? 'a message'} ${rumor.id.slice(0, 8)} has gone in the open`)
  }
}

function isRefusal(rumor: Rumor): boolean {
  return tagOf(rumor, 'op') === 'reject' && tagOf(rumor, 'seq') === '1'
}

/** What the index says of a call. */
type Claim = { secrecy?: string; hungUp?: boolean }

function sealedAsSaid(sim: Sim, seals: Seals, agent: Agent, log: Log, claim: Claim | undefined): void {
  if (!hasSpoken(sim, agent, log)) return
  const what = whatOf(agent, log)
  const accept = acceptIn(log)
  const caller = callerOf(log)
  const says = claim?.secrecy === 'call' && claim.hungUp !== true
  const taken = Object.values(log.entries).map(({ rumor }) => rumor)
  if (says && !hasKeys(log)) throw new Error(`${what} says that it is secret, and has no two keys`)
  if (says && taken.some((rumor) => isHangUp(rumor, caller)))
    throw new Error(`${what} says that it is secret, and was hung up in the open`)
  if (claim !== undefined) saysTheSame(sim, agent, log, says)
  if (!hasKeys(log) || accept === undefined) return
  const isForked = phaseOf(sim, agent, log) === 'forked'
  const sealed = (rumor: Rumor, where: string) =>
    sealedIn(sim, seals, rumor, `${log.id} ${accept.id}`, `${what} ${where}`)
  for (const rumor of taken)
    if (!isIntroduction(rumor) && !(isForked && isHangUp(rumor, caller))) {
      if (rumor.pubkey !== agent.key) sealed(rumor, 'has taken')
      else if (sim.network.sealedWith.get(rumor.id)?.has(OPEN))
        throw new Error(`${what} has said ${short(rumor)} in the open`)
    }
  // Of what is not of the call nothing is kept that may have been in the open, be it an answer to the request.
  for (const { rumor } of Object.values(log.aside)) sealed(rumor, 'keeps aside')
  for (const { rumor } of Object.values(log.waiting)) sealed(rumor, 'lets wait')
  for (const wrap of Object.keys(log.earlySeals ?? {}))
    if (sim.network.inside.get(wrap)?.underKey === undefined)
      throw new Error(`${what} keeps ${wrap} for a key that it has not`)
}

/** A word was put into an envelope under the key of its call, which is the key of no other one, nor of another accept. */
function sealedIn({ network }: Sim, { keys, calls }: Seals, rumor: Rumor, call: string, what: string): void {
  const used = [...(network.sealedWith.get(rumor.id) ?? [])].filter((key) => key !== OPEN)
  if (used.length === 0) throw new Error(`${what} ${short(rumor)} in the open`)
  const known = keys.get(call)
  const [only, second] = used
  if (known !== undefined && !used.includes(known)) throw new Error(`${what} ${short(rumor)} under another key`)
  if (known !== undefined || only === undefined || second !== undefined) return
  if ((calls.get(only) ?? call) !== call) throw new Error(`${what} ${short(rumor)} under the key of another call`)
  keys.set(call, only)
  calls.set(only, call)
}

// What a reader of the transcript is told.
function saysTheSame(sim: Sim, agent: Agent, log: Log, says: boolean): void {
  const call = replay(log, agent.key, seconds(sim))
  if (call === undefined) return
  const people = { contacts: [], owner: undefined, names: {} }
  // It is said of the call as a whole, above its lines, which are many.
  const head = transcriptOf(
    { ...call, lines: [], waiting: [] },
    { ...log, aside: {} },
    agentOf(people, agent.key),
    people,
  )
  const isSecret = secrecyText(head)?.startsWith('call') === true
  if (isSecret !== says)
    throw new Error(`${whatOf(agent, log)} is secret by ${says ? 'its index' : 'its transcript'} alone`)
}

function hasSpoken(sim: Sim, agent: Agent, log: Log): boolean {
  const phase = phaseOf(sim, agent, log)
  return phase !== undefined && !SILENT.includes(phase)
}

function phaseOf(sim: Sim, agent: Agent, log: Log): string | undefined {
  return replay(log, agent.key, seconds(sim))?.phase
}

// "Except … a caller's `end` … whose `ack` is 0": it has hung up before it had a key, which cancels the call. Where a copy of it goes
// on in that call, both find a fork instead.
function isHangUp(rumor: Rumor, caller: string | undefined): boolean {
  if (tagOf(rumor, 'op') !== 'end' || rumor.pubkey !== caller) return false
  return tagOf(rumor, 'seq') === '2' && tagOf(rumor, 'ack') === '0'
}

/** Receipts of who has lost its key, or has none yet: it acknowledges nothing, the request, or that its caller has hung up. */
function isSaidWithoutKey(receipt: Rumor, acked: Rumor | undefined, caller: string): boolean {
  if (tagOf(receipt, 'fork') !== undefined || tagOf(receipt, 'lost') !== undefined) return true
  return acked === undefined || tagOf(acked, 'op') === 'request' || isHangUp(acked, caller)
}

function isAckedUnderKey({ inside }: Network, { id, peerAcked: acked }: Log, me: string): boolean {
  for (const { rumor, underKey } of inside.values()) {
    if (underKey === undefined || rumor.pubkey === me || tagOf(rumor, 'call-id') !== id) continue
    if (rumor.tags.some(([name, , named]) => name === 'ack' && named === acked.id)) return true
  }
  return false
}

/** Whether the request and the accept of a call each carry one key. */
function hasKeys(log: Log): boolean {
  return [log.entries[log.id]?.rumor, acceptIn(log)].every((rumor) => rumor !== undefined && isKeyed(rumor))
}

function isKeyed({ tags }: Rumor): boolean {
  return tags.filter(([name]) => name === 'ek').length === 1
}

/** The one accept that answers the request. Two of them are told apart by their ids, whatever they say. */
function acceptIn(log: Log): Rumor | undefined {
  const answers = Object.values(log.entries).flatMap(({ rumor }) => (isAnswer(rumor, log) ? [rumor] : []))
  if (new Set(answers.map(({ id }) => id)).size > 1) throw new Error(`${log.id.slice(0, 8)} holds two accepts`)
  return answers[0]
}

function isAnswer(rumor: Rumor, log: Log): boolean {
  return rumor.pubkey !== callerOf(log) && tagOf(rumor, 'op') === 'accept' && tagOf(rumor, 'seq') === '1'
}

function callerOf({ id, entries }: Log): string | undefined {
  return entries[id]?.rumor.pubkey
}

function isIntroduction(rumor: Rumor): boolean {
  return INTRODUCTIONS.includes(tagOf(rumor, 'op')) && tagOf(rumor, 'seq') === '1'
}

function tagOf({ tags }: Rumor, name: string): string | undefined {
  return tags.find((tag) => tag[0] === name)?.[1]
}

function whatOf(agent: Agent, { id }: Log): string {
  return `${agent.name}, in ${id.slice(0, 8)},`
}

function short({ id }: Rumor): string {
  return id.slice(0, 8)
}

function seconds({ world }: Sim): number {
  return world.at / 1000
}
