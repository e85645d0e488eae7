// Which proxy leads to an address: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, read as curl reads them.
import sockets from 'node:net'
import { inputText } from '../../input-text.ts'
import type { Env } from '../home/paths.ts'

/**
 * The proxy that a variable names. `url` is undefined where we cannot use its value: then addresses behind it are not contacted at all,
 * since whoever set a proxy may have a reason not to be seen without it.
 */
export type ProxySetting = { variable: string; url: URL | undefined }

/** The proxy for a ws, wss, http or https address; undefined where none is set. Loopback is no exception. */
export function proxyFor(address: string, env: Env): ProxySetting | undefined {
  const { protocol, hostname, port } = new URL(address)
  const secure = protocol === 'wss:' || protocol === 'https:'
  const variable = [secure ? 'https_proxy' : 'http_proxy', 'all_proxy']
    .flatMap((name) => [name, name.toUpperCase()])
    .find((name) => (env[name] ?? '').trim() !== '')
  if (variable === undefined) return undefined
  const target = { host: withoutBrackets(hostname), port: port === '' ? (secure ? '443' : '80') : port }
  if (isExempt(target, inputText('variable', env.no_proxy ?? env.NO_PROXY ?? '').text ?? '')) return undefined
  return { variable, url: parseProxyUrl(inputText('variable', env[variable] ?? '').text ?? '') }
}

/** What a proxy is called in messages: without the user name and the password in its address. */
export function proxyName({ variable, url }: ProxySetting): string {
  return url === undefined ? variable : `${url.protocol}//${url.host}`
}

const SCHEMES = ['http:', 'https:', 'socks:', 'socks5:', 'socks5h:']

function parseProxyUrl(text: string): URL | undefined {
  // curl's rule: without a scheme it is an HTTP proxy. "localhost:3128" alone would be taken for a scheme "localhost".
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  return url !== undefined && url.hostname !== '' && SCHEMES.includes(url.protocol) ? url : undefined
}

type ProxyTarget = { host: string; port: string }

// "*" is everything; a name is itself and what is below it, with or without a dot or "*." in front; an IP address is
// itself; a block of them is written 10.0.0.0/8. A port behind it narrows any of these.
function isExempt(target: ProxyTarget, list: string): boolean {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry === '*' || (entry !== '' && entryCovers(entry, target)))
}

function entryCovers(entry: string, { host, port }: ProxyTarget): boolean {
  const [, bracketed, plain, wanted] = /^(?:\[(.*)\]|([^:]*|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? []
  if (wanted !== undefined && wanted !== port) return false
  const name = (bracketed ?? plain ?? '').replace(/^\*?\./, '').replace(/\.$/, '')
  if (name.includes('/')) return inBlock(host, name)
  return name !== '' && (host === name || (sockets.isIP(host) === 0 && host.endsWith(`.${name}`)))
}

function inBlock(host: string, block: string): boolean {
  const [net = '', bits = ''] = block.split('/')
  const family = sockets.isIP(net) === 6 ? 'ipv6' : 'ipv4'
  const maxBits = family === 'ipv6' ? 128 : 32
  if (
    sockets.isIP(net) === 0 ||
    sockets.isIP(host) !== sockets.isIP(net) ||
    !/^\d{1,3}$/.test(bits) ||
    Number(bits) > maxBits
  )
    return false
  const blocks = new sockets.BlockList()
  blocks.addSubnet(net, Number(bits), family)
  return blocks.check(host, family)
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}
