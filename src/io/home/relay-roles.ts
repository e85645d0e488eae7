// Which relays play which role: the configured ones, or those of --relay or P2P_RELAYS in every role.
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import { inputText } from '../../input-text.ts'
import { isDecommissioned, relayUrl } from '../../nostr/relay-url.ts'
import type { Config } from './config.ts'
import type { Env } from './paths.ts'
import { SETTINGS } from './settings.ts'

export type RelayRoles = { presence: readonly string[]; inbox: readonly string[]; lookup: readonly string[] }

/**
 * The relays of each role. `typed`: --relay, as typed. `say` is told of configured relays that were shut down, and are left out. Throws
 * BAD_RELAY.
 */
export function rolesOf(config: Config, typed: readonly string[], env: Env, say: (line: string) => void): RelayRoles {
  const named = namedRoles(typed, env)
  if (named !== undefined) return named
  const usableRelays = (role: keyof RelayRoles) => {
    const alive = config.relays[role].filter((url) => !isDecommissioned(url))
    const gone = config.relays[role].filter(isDecommissioned)
    for (const url of gone)
      say(`${url} in relays.${role} was shut down and is not used; \`${P2P} config unset relays.${role}\``)
    // Not an error where none is left: that would stop the very command that mends it.
    return alive.length > 0 ? alive : SETTINGS[`relays.${role}`].defaultValue
  }
  return { presence: usableRelays('presence'), inbox: usableRelays('inbox'), lookup: usableRelays('lookup') }
}

/** The relays of --relay or P2P_RELAYS, in every role; undefined where neither names any. Throws BAD_RELAY. */
export function namedRoles(typed: readonly string[], env: Env): RelayRoles | undefined {
  const named = typed.length > 0 ? typed : readRelayVariable(env.P2P_RELAYS ?? '')
  const urls = [...new Set(named.map(checkedUrl))]
  return urls.length === 0 ? undefined : { presence: urls, inbox: urls, lookup: urls }
}

function readRelayVariable(variable: string): string[] {
  const { text, wrong } = inputText('variable', variable)
  if (text === undefined) throw new Failure('BAD_RELAY', `P2P_RELAYS ${wrong}`, 'type the addresses again')
  return text.split(',').filter((url) => url.trim() !== '')
}

function checkedUrl(text: string): string {
  const url = relayUrl(text)
  const shown = JSON.stringify(text.slice(0, 100))
  if (url === undefined) {
    throw new Failure('BAD_RELAY', `${shown} is no relay address`, 'a relay is named like wss://nos.lol')
  }
  if (!isDecommissioned(url)) return url
  throw new Failure('BAD_RELAY', `the relay ${shown} was shut down`, 'name another one, like wss://nos.lol')
}
