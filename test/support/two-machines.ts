// Two machines and one relay in memory, on which commands run as the program runs them, with real envelopes and a clock that is set by hand.
import type { IntentOf, IntentType } from '../../src/call/intent.ts'
import { keysFrom, sha256 } from '../../src/nostr/crypto.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import { runCommand } from '../simulation/command.ts'
import { diceOf } from '../simulation/dice.ts'
import { emptyDisk } from '../simulation/disk.ts'
import { type Machine, simEnvironment } from '../simulation/environment.ts'
import { openNetwork, publishTo } from '../simulation/relays.ts'
import { must } from './must.ts'

/**
 * Ada and ben, who know nothing of each other yet. What is in a mailbox can be held back.
 * @param slept told of every pause of a command, when it is over: with the true time, unix ms; `stopped`: ends commands that stay;
 *   `publishing`: told until when relays have to take something, unix ms
 */
export function twoMachines({
  slept = () => {},
  stopped,
  publishing = () => {},
}: {
  slept?: (ms: number) => void | Promise<void>
  stopped?: AbortSignal
  publishing?: (deadline: number) => void
} = {}) {
  const network = openNetwork(diceOf(1), 1, true)
  const relay = must(network.relays[0])
  const said: string[] = []
  let [ms, pids] = [1_800_000_000_000, 0]
  const host = {
    turn: async () => {},
    dies: () => false,
    saved: () => {},
    now: () => ms,
    random: () => 0.5,
    async sleep(pause: number) {
      ms += pause
      await slept(ms)
    },
    later: () => () => {},
  }
  const machine = (name: string): Machine => {
    const keys = must(keysFrom(sha256(Buffer.from(name))))
    return { name, keys, contacts: [], disk: emptyDisk(), ahead: 0, told: true, running: new Set() }
  }
  const at = (who: Machine) => {
    return async <T extends IntentType>(type: T, intent: IntentOf<T>) => {
      ms += 1_000
      const options = { machine: who, network, codec: stateCodec, host, pid: ++pids }
      const environment = simEnvironment({ ...options, ...(stopped && { stopped }) })
      const { pool } = environment
      const publish: typeof pool.publish = (jobs, until) => {
        publishing(until.deadline)
        return pool.publish(jobs, until)
      }
      const say = (line: string) => void said.push(line)
      return await runCommand(type, intent, { ...environment, pool: { ...pool, publish }, say })
    }
  }
  const [ada, ben] = [machine('ada'), machine('ben')]
  const boxOf = (who: Machine) => relay.stored.get(who.keys.pubkey) ?? []
  return {
    ...{ ada, ben, asAda: at(ada), asBen: at(ben), boxOf, said },
    pass(pause: number) {
      ms += pause
    },
    publish: (wrap: Parameters<typeof publishTo>[2]) => publishTo(network, relay.url, wrap, ms / 1000),
    seconds: () => Math.floor(ms / 1000),
    /** Takes everything out of a mailbox; what it gives puts it back. */
    holdBack(who: Machine) {
      const held = boxOf(who).splice(0)
      return () => void boxOf(who).push(...held)
    },
  }
}
