// What must hold after every write of an honest program, whoever the other side is.

import type { InboxItem } from '../../src/call/inbox-items.ts'
import { refOf } from '../../src/call/inbox-items.ts'
import { type Log, parsedSignal, signalOf } from '../../src/call/log.ts'
import { type Call, type Line, lastSignal, replay } from '../../src/call/replay.ts'
import type { State } from '../../src/state/state.ts'
import { type Agent, type Sim, wholeLog } from './agent.ts'
import { ackOf } from './relays.ts'

type ShownLine = { id: string; text: string }

/** What has been seen so far, by whoever looks at all disks at once. */
export type Witness = {
  /** What each agent may have read of a call, line by line. */
  shown: Map<Agent, Map<string, ShownLine[]>>
  /** Which rumors of others the programs of a key have taken. */
  taken: Map<string, Set<string>>
  verified: Map<Agent, Map<string, string>>
  /** Keys whose words are not all their program's. */
  liars: ReadonlySet<string>
}

/** Somebody who has seen nothing yet. @param liars public keys of agents that are not honest */
export function newWitness(liars: Iterable<string> = []): Witness {
  return { shown: new Map(), taken: new Map(), verified: new Map(), liars: new Set(liars) }
}

/** An agent begins anew, from a copy: what it has read since is not there. */
export function forgetShown({ shown, verified }: Witness, agent: Agent): void {
  shown.delete(agent)
  verified.delete(agent)
}

/** Looks at every call that a write has changed. Throws where something does not hold. */
export function watch(sim: Sim, witness: Witness, agent: Agent, before: State, after: State): void {
  for (const [id, log] of Object.entries(after.logs)) {
    if (before.logs[id] === log) continue
    noteTaken(witness, agent, log)
    const whole = log.archive === undefined ? log : wholeLog(sim, agent, id)
    const call = whole && replay(whole, agent.key, sim.world.at / 1000)
    if (whole === undefined || call === undefined) continue
    linked(agent, whole, call)
    lowered(agent, whole, call)
    counted(agent, whole, call)
    stands(witness, agent, whole, call)
    binds(sim, witness, agent, whole, call)
  }
}

/** "No item without the policy's leave": nobody whom it refuses is heard of, and nobody speaks in a call that was not taken. */
export function permitted(sim: Sim, agent: Agent, item: InboxItem): void {
  const { from, type, call } = item
  const contact = agent.contacts.find(({ pubkey }) => pubkey === from.pubkey)
  const trust = contact?.trust ?? 'unknown'
  const what = `${agent.name} was shown ${type} of ${trust}`
  if (trust === 'blocked' && type !== 'undelivered') throw new Error(`${what}, whom it has blocked`)
  const calls = agent.calls ?? 'anyone'
  const isWelcome = calls === 'anyone' || (calls === 'contacts' && trust !== 'unknown')
  if ((type === 'request' || type === 'missed') && !isWelcome) {
    const log = agent.disk.logs[call]
    if (log === undefined || signalOf(log, log.id)?.from !== agent.key) throw new Error(`${what}, who may not call`)
  }
  // Whoever may call may also hang up before an answer, and that is told.
  if (!SPOKEN.includes(type) && (isWelcome || type !== 'end')) return
  const log = wholeLog(sim, agent, call)
  const own = Object.keys(log?.entries ?? {}).flatMap((id) => (log && signalOf(log, id)) ?? [])
  if (!own.some(({ from: author, body }) => author === agent.key && body.type !== 'reject'))
    throw new Error(`${what} in a call that it never answered`)
}

const SPOKEN: readonly string[] = ['message', 'progress', 'propose', 'agree', 'decline', 'file', 'escalate']

// All of them: a run that died after the call's file has taken what is in it.
function noteTaken({ taken }: Witness, { key }: Agent, log: Log): void {
  const ids = taken.get(key) ?? new Set()
  for (const [id, { rumor }] of Object.entries(log.entries)) if (rumor.pubkey !== key) ids.add(id)
  taken.set(key, ids)
}

/** "No line that our agent was shown ever changes or moves above what was shown before it without a mark." */
function stands({ shown }: Witness, agent: Agent, log: Log, call: Call): void {
  const lines = call.lines.map(({ signal, effective, late, unseen }) => {
    // The bytes of a file that was delivered are not kept.
    const text = (effective || late) && signal.body.type !== 'file' ? signal.body.text : ''
    return { id: signal.id, from: signal.from, seq: signal.seq, text, unseen }
  })
  const calls = shown.get(agent) ?? new Map<string, ShownLine[]>()
  shown.set(agent, calls)
  const before = calls.get(log.id) ?? []
  const places = new Map(lines.map(({ id }, n) => [id, n]))
  const what = (id: string) => `${agent.name}: ${refOf(log, id, call)} of ${log.id.slice(0, 8)} (${call.phase})`
  let last = -1
  for (const { id, text } of before) {
    const at = places.get(id)
    if (at === undefined) throw new Error(`${what(id)} was shown and is gone`)
    if (at <= last) throw new Error(`${what(id)} was shown and has moved`)
    if (text !== '' && lines[at]?.text !== text) throw new Error(`${what(id)} was shown and says "${lines[at]?.text}"`)
    last = at
  }
  const known = new Set(before.map(({ id }) => id))
  if (known.size > 0)
    for (const [n, line] of lines.entries()) {
      if (known.has(line.id)) continue
      for (const below of lines.slice(n + 1)) {
        if (!known.has(below.id) || below.from === line.from) continue
        const isMarked = below.unseen !== undefined && below.unseen[0] <= line.seq && line.seq <= below.unseen[1]
        if (!isMarked) throw new Error(`${what(line.id)} was put above ${what(below.id)} without a mark`)
      }
    }
  calls.set(
    log.id,
    lines.map(({ id, text }) => ({ id, text })),
  )
}

/** "A signal takes its number when everything of its sender before it is taken and its `prev` is the id taken there." */
function linked(agent: Agent, log: Log, { caller, callee }: Call): void {
  const signals = Object.keys(log.entries).flatMap((id) => signalOf(log, id) ?? [])
  for (const author of [caller, callee]) {
    const theirs = signals.filter(({ from }) => from === author).sort((a, b) => a.seq - b.seq)
    for (const [n, { seq, prev }] of theirs.entries())
      if (seq !== n + 1 || prev !== theirs[n - 1]?.id)
        throw new Error(`${agent.name} in ${log.id.slice(0, 8)}: ${seq} is taken and does not follow ${n}`)
  }
}

/** "A receiver reads one that is lower as that of `prev`, marks the line": nobody takes back that it has seen something. */
function lowered(agent: Agent, log: Log, { peer }: Call): void {
  const signals = Object.keys(log.entries).flatMap((id) => signalOf(log, id) ?? [])
  let before = 0
  for (const { id, seq, ack } of signals.filter(({ from }) => from === peer).sort((a, b) => a.seq - b.seq)) {
    if (ack.seq < before && (log.entries[id]?.hadAcked ?? 0) < before)
      throw new Error(`${agent.name} in ${log.id.slice(0, 8)}: ${seq} takes back its acknowledgement without a mark`)
    before = Math.max(before, ack.seq)
  }
}

/** "Acks of waiting and kept-aside signals count on arrival", where they name what is held; but of what shows a fork nothing counts. */
function counted(agent: Agent, log: Log, { peer }: Call): void {
  const aside = Object.values(log.aside).flatMap(({ rumor, why }) => (why === 'fork' ? [] : [rumor]))
  const rumors = [...Object.values(log.entries), ...Object.values(log.waiting)].map(({ rumor }) => rumor)
  for (const rumor of [...rumors, ...aside]) {
    const signal = rumor.pubkey === peer ? parsedSignal(rumor) : undefined
    const named = signal && signalOf(log, signal.ack.id ?? '')
    if (named?.from !== agent.key || named.seq !== signal?.ack.seq || named.seq <= log.peerAcked.seq) continue
    throw new Error(`${agent.name} in ${log.id.slice(0, 8)}: ${named.seq} is acknowledged and does not count`)
  }
}

/** What is acknowledged was acknowledged by its id, and "verified" is said of what the other side is bound to. */
function binds(sim: Sim, witness: Witness, agent: Agent, log: Log, call: Call): void {
  const { peer } = call
  const what = `${agent.name} in ${log.id.slice(0, 8)}`
  const { peerAcked: acked, verified } = log
  if (acked.id !== undefined) {
    if (signalOf(log, acked.id)?.from !== agent.key) throw new Error(`${what}: what is acked is not ours`)
    if (!sim.network.acked.has(ackOf(peer, acked.id))) throw new Error(`${what}: acked by nobody`)
    if (!witness.liars.has(peer) && witness.taken.get(peer)?.has(acked.id) !== true)
      throw new Error(`${what}: ${acked.seq} counts as delivered and was never taken`)
  }
  const earlier = witness.verified.get(agent)?.get(log.id)
  const now = verified && JSON.stringify([verified, call.phase, call.verified, call.digest, call.lines.map(frozenLine)])
  if (earlier !== undefined && earlier !== now) throw new Error(`${what}: what was verified has changed`)
  if (now === undefined || earlier !== undefined) return
  const calls = witness.verified.get(agent) ?? new Map<string, string>()
  witness.verified.set(agent, calls.set(log.id, now))
  const own = lastSignal(log, agent.key)
  if (signalOf(log, own.id ?? '')?.body.type !== 'end' || !sim.network.acked.has(ackOf(peer, own.id ?? '')))
    throw new Error(`${what}: verified, and the other side has not bound itself to all of ours`)
}

/** "It is stored when the call is verified; from then on lines, order, digest and `verified` are frozen": all that is said of a line. */
function frozenLine({ signal, clock, late, effective, unseen, hadAcked }: Line): unknown[] {
  // The bytes of a file that was delivered are not kept.
  const text = signal.body.type === 'file' ? '' : signal.body.text
  return [signal.id, text, clock, late, effective, unseen, hadAcked]
}
