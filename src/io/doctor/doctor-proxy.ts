// Whether the proxies that the environment names can be reached.
import { connect } from 'node:net'
import type { Env } from '../home/paths.ts'
import { type ProxySetting, proxyFor, proxyName } from '../http/proxy-env.ts'
import { errno } from '../store/disk-errors.ts'
import type { DoctorCheck } from './doctor.ts'

/** One check for each proxy on the way to these addresses, or one that says that there is none. */
export async function examineProxies(addresses: readonly string[], env: Env, ms: number): Promise<DoctorCheck[]> {
  const ways = addresses.flatMap((address) => proxyFor(address, env) ?? [])
  const proxies = [...new Map(ways.map((gateway) => [`${gateway.variable} ${proxyName(gateway)}`, gateway])).values()]
  if (proxies.length > 0) return await Promise.all(proxies.map((gateway) => examineGateway(gateway, ms)))
  const set = addresses.some((address) => proxyFor(address, { ...env, no_proxy: '', NO_PROXY: '' }) !== undefined)
  return [{ name: 'proxy', ok: true, detail: set ? 'NO_PROXY lets everything go around it' : 'none is set' }]
}

async function examineGateway(gateway: ProxySetting, ms: number): Promise<DoctorCheck> {
  const { variable, url } = gateway
  const hint = `correct or unset ${variable}; NO_PROXY names what goes around it`
  if (url === undefined) {
    return { name: 'proxy', ok: false, detail: `${variable} is no http, https, socks5 or socks5h address`, hint }
  }
  const port = Number(url.port) || { 'http:': 80, 'https:': 443 }[url.protocol] || 1080
  const why = await tryConnect(url.hostname.replace(/^\[|\]$/g, ''), port, ms)
  const named = `${proxyName(gateway)} (${variable})`
  if (why === undefined) return { name: 'proxy', ok: true, detail: `${named} can be reached` }
  return { name: 'proxy', ok: false, detail: `${named} cannot be reached: ${why}`, hint }
}

function tryConnect(host: string, port: number, ms: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (why: string | undefined) => {
      socket.destroy()
      resolve(why)
    }
    socket.setTimeout(ms, () => end('no answer in time'))
    socket.once('connect', () => end(undefined))
    socket.once('error', (error) => end(errno(error) || 'the connection failed'))
  })
}
