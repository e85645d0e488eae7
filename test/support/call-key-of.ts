// The key of a call, as whoever has an agent's folder finds it.
import { readFileSync } from 'node:fs'
import { parseLog } from '../../src/call/log-codec.ts'
import { secrecyIn } from '../../src/call/secrecy.ts'
import { loadIdentity } from '../../src/io/home/identity.ts'
import { homeOf } from '../../src/io/home/paths.ts'
import { readCallKey } from '../../src/io/store/call-keys.ts'
import { logPath } from '../../src/io/store/load.ts'
import { type CallKey, deriveCallKey } from '../../src/nostr/call-key.ts'
import { must } from './must.ts'

/** @param folder what is HOME for the agent. Undefined where the agent has no key for the call. */
export function callKeyIn(folder: string, call: string): CallKey | undefined {
  const home = homeOf(undefined, { HOME: folder })
  const own = readCallKey(home, call)
  if (own === undefined || own === 'damaged') return undefined
  const log = parseLog(JSON.parse(readFileSync(logPath(home, call), 'utf8')))
  if (log === undefined || log === 'newer') throw new Error('the call cannot be read')
  const bound = must(secrecyIn(log))
  return bound.sealedWith === 'call' ? deriveCallKey(own, bound.binding, loadIdentity(home, {}).pubkey) : undefined
}
