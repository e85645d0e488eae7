// The route to an address: through the proxy that the environment names, and never into our own network by a name that somebody else gave
// us.
import dns, { type LookupAddress } from 'node:dns'
import type { Agent } from 'node:http'
import type { LookupFunction } from 'node:net'
import { isPrivateHost } from '../../nostr/relay-url.ts'
import type { Env } from '../home/paths.ts'
import { proxyFor } from './proxy-env.ts'

/** The route of one connection, in the form that http.request and ws take. Whoever uses it destroys the agent at the end. */
export type HttpRoute = { agent?: Agent | undefined; lookup?: LookupFunction | undefined }

/**
 * Gives a function that makes the route to an address, anew for each connection.
 * @param trusted whether an address is our own choice, so that it may lead anywhere
 */
export function openRoutes(env: Env, trusted: (address: string) => boolean): (address: string) => Promise<HttpRoute> {
  return async (address) => ({
    agent: await agentFor(address, env),
    lookup: trusted(address) ? undefined : publicOnly,
  })
}

/**
 * A new agent for one connection to a ws, wss, http or https address; undefined where no proxy is set. Its `destroy` ends the connection,
 * even one that is still being dialed. Its errors name the proxy, but never its password.
 */
export async function agentFor(address: string, env: Env): Promise<Agent | undefined> {
  const gateway = proxyFor(address, env)
  if (gateway === undefined) return undefined
  const { agentThrough } = await import('./tunnel.ts')
  return agentThrough(gateway, /^(wss|https):/.test(address))
}

/**
 * Looks a name up and keeps only public addresses; the error EPRIVATE where there are none. The attack: a public name in a peer's list
 * that resolves to 127.0.0.1 or 169.254.169.254, perhaps only the second time it is asked for. So the very address is judged that is
 * connected to. Behind an HTTP or socks5h proxy the proxy looks names up, and has to refuse its own network.
 */
export const publicOnly: LookupFunction = (host, options, done) => {
  dns.lookup(host, { ...options, all: true }, (error, found) =>
    answerPublicOnly(host, options.all === true, error, found, done),
  )
}

type LookupCallback = Parameters<LookupFunction>[2]

function answerPublicOnly(
  host: string,
  all: boolean,
  error: Error | null,
  found: readonly LookupAddress[],
  done: LookupCallback,
): void {
  const open = error === null ? found.filter(({ address }) => !isPrivateHost(address)) : []
  const [first] = open
  if (error !== null) done(error, '')
  else if (first === undefined)
    done(Object.assign(new Error(`${host} leads into a private network`), { code: 'EPRIVATE' }), '')
  else if (all) done(null, open)
  else done(null, first.address, first.family)
}
