// A call that says that it is secret is so in every word, by what the network has seen of each envelope. It asks none of the program's own
// rules, nor what the program has written down of how a word came.
import type { Log } from '../../src/call/log.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { callOf } from '../../src/state/state.ts'
import { type Agent, type Sim, wholeLog } from './agent.ts'
import type { Network } from './relays.ts'

/** Said before there is a key, and the first that either side says: who reads them is no news. */
const INTRODUCTIONS: readonly (string | undefined)[] = ['request', 'accept', 'reject']

/** Phases in which nobody has spoken, so that nothing is said to be secret. */
const SILENT: readonly string[] = ['ringing', 'missed', 'rejected', 'cancelled', 'merged']

/** Throws where something that an agent has taken, or believes to be acknowledged, came under the identities' key alone. */
export function sealedAsSaid(sim: Sim, agents: readonly Agent[]): void {
  const keys = keysOfRumors(sim.network)
  const callOfKey = new Map<string, string>()
  for (const agent of agents)
    for (const id of Object.keys(agent.disk.logs)) {
      const log = wholeLog(sim, agent, id)
      const phase = log && callOf(log, agent.key, sim.world.at / 1000)?.phase
      if (log === undefined || phase === undefined || SILENT.includes(phase) || !hasKeys(log)) continue
      const what = `${agent.name}, in ${id.slice(0, 8)} (${phase}), has taken`
      for (const { rumor } of Object.values(log.entries)) {
        if (rumor.pubkey === agent.key || isIntroduction(rumor)) continue
        if (phase === 'forked' && isHangUp(rumor, log)) continue
        const used = keys.get(rumor.id) ?? new Set()
        if (used.size === 0) throw new Error(`${what} ${rumor.id.slice(0, 8)} in the open`)
        for (const key of used) {
          if ((callOfKey.get(key) ?? id) !== id) throw new Error(`${what} what is sealed with the key of another call`)
          callOfKey.set(key, id)
        }
      }
      const isCaller = log.entries[id]?.rumor.pubkey === agent.key
      // That it rings is acknowledged in the open, before there is a key.
      if (log.acked.seq > (isCaller ? 1 : 0) && !isAckedUnderKey(sim.network, log, agent.key))
        throw new Error(`${what} the acknowledgement of ${log.acked.seq} in the open`)
    }
}

// "Except … a caller's `end` … whose `ack` is 0": it has hung up before it had a key, which cancels the call. Where a copy of it goes
// on in that call, both find a fork instead.
function isHangUp(rumor: Rumor, { id, entries }: Log): boolean {
  if (tagOf(rumor, 'op') !== 'end' || rumor.pubkey !== entries[id]?.rumor.pubkey) return false
  return tagOf(rumor, 'seq') === '2' && tagOf(rumor, 'ack') === '0'
}

/** The call keys under which each rumor was ever put into an envelope. */
function keysOfRumors({ inside }: Network): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>()
  for (const { rumor, underKey } of inside.values())
    if (underKey !== undefined) keys.set(rumor.id, (keys.get(rumor.id) ?? new Set()).add(underKey))
  return keys
}

function isAckedUnderKey({ inside }: Network, { id, acked }: Log, me: string): boolean {
  for (const { rumor, underKey } of inside.values()) {
    if (underKey === undefined || rumor.pubkey === me || tagOf(rumor, 'call-id') !== id) continue
    if (rumor.tags.some(([name, , named]) => name === 'ack' && named === acked.id)) return true
  }
  return false
}

/** Whether the request and the first accept of a call each carry one key. */
function hasKeys({ id, entries }: Log): boolean {
  const accept = Object.values(entries).find(
    ({ rumor }) => tagOf(rumor, 'op') === 'accept' && tagOf(rumor, 'seq') === '1',
  )
  return [entries[id], accept].every((entry) => entry?.rumor.tags.filter(([name]) => name === 'ek').length === 1)
}

function isIntroduction(rumor: Rumor): boolean {
  return INTRODUCTIONS.includes(tagOf(rumor, 'op')) && tagOf(rumor, 'seq') === '1'
}

function tagOf({ tags }: Rumor, name: string): string | undefined {
  return tags.find((tag) => tag[0] === name)?.[1]
}
