// Relay addresses: one spelling for each relay, and which relays a stranger may send us to.

/** Hosts that are reported shut down. They are never used, even where a peer's list names them. */
const DECOMMISSIONED: readonly string[] = ['relay.damus.io', 'relay.nostr.band']

/** Most characters of a relay's address. */
const MAX_LENGTH = 256

/** Most relays that one peer can make us contact. */
const MAX_RELAYS = 3

/**
 * One spelling per relay: ws or wss, lower-case host, no default port, no lone slash, no credentials, no fragment. The path stays
 * as it is: where `/nostr/` is a relay, `/nostr` may be a redirect. Undefined for anything else.
 */
export function relayUrl(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const url = parseUrl(text.trim())
  if (url === undefined || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) return undefined
  if (url.username !== '' || url.password !== '') return undefined
  const host = withoutRootDot(url.hostname)
  if (host === '' || host.endsWith('.')) return undefined
  const path = /^\/*$/.test(url.pathname) ? '' : url.pathname
  // A query may hold a backtick, which begins and ends a command where we name one.
  const query = url.search.replace(/`/g, '%60')
  const spelled = `${url.protocol}//${host}${url.port === '' ? '' : `:${url.port}`}${path}${query}`
  // A path that is not ASCII has become longer.
  return spelled.length > MAX_LENGTH ? undefined : spelled
}

/** The same address with a slash at the end of its path, or without the one that is there. */
export function otherSpelling(url: string): string {
  const [, address = url, query = ''] = /^([^?]*)(.*)$/s.exec(url) ?? []
  return address.endsWith('/') ? `${address.slice(0, -1)}${query}` : `${address}/${query}`
}

/** Most characters of a relay's scheme, host and port (an onion address has 67), and of what follows them. */
const MAX_ORIGIN = 80
const MAX_PATH = 16

/** A relay's address as it is shown in a line of ours, cut. The attack: an address that is a sentence. --json has the whole of it. */
export function shortRelayUrl(url: string): string {
  const [, origin = '', path = ''] = /^([^/]*\/\/[^/?]*)(.*)$/s.exec(url) ?? []
  const host = origin.length > MAX_ORIGIN ? `${origin.slice(0, MAX_ORIGIN)}…` : origin
  return path.length > MAX_PATH ? `${host}/…` : `${host}${path}`
}

/** Whether a relay was shut down, whatever the spelling of its address. */
export function isDecommissioned(address: string): boolean {
  return DECOMMISSIONED.includes(withoutRootDot(parseUrl(address)?.hostname ?? ''))
}

/** Whether the host of a URL is spelled as this machine. A name that a resolver could lead elsewhere is not. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Whether an address points into this machine or a private network, by its spelling. */
export function isPrivate(address: string): boolean {
  return isPrivateHost(parseUrl(address)?.hostname ?? '')
}

/** `isPrivate` of a host: a name, or an IP address in any spelling, with or without brackets. One that cannot be parsed is private. */
export function isPrivateHost(text: string): boolean {
  const inner = text.replace(/^\[|\]$/g, '')
  // WHATWG URLs write every spelling of an IPv4 address (0x7f.1, 2130706433) as four decimals, and IPv6 in one way.
  const host = withoutRootDot(parseUrl(`ws://${inner.includes(':') ? `[${inner}]` : inner}`)?.hostname ?? '').replace(
    /^\[|\]$/g,
    '',
  )
  if (host === 'localhost' || PRIVATE_NAME.test(host)) return true
  if (host.includes(':')) return isPrivateV6(host)
  return carriesSpecialV4(host) || !host.includes('.')
}

// The attack: behind a proxy we see no address, and 10.0.0.1.nip.io or 10-0-0-1.sslip.io lead to the one that they spell.
function carriesSpecialV4(host: string): boolean {
  const spelled = /(?:^|[.-])(\d{1,3}[.-]\d{1,3}[.-]\d{1,3}[.-]\d{1,3})(?=[.-]|$)/g
  return [...host.matchAll(spelled)].some(([, address = '']) => isSpecialV4(numberV4(address.replace(/-/g, '.'))))
}

// IANA's special-use names, `internal` (ICANN, 2024), and those that RFC 6762, appendix G, found in use in networks at home and
// at work. `onion` is left out: what reaches it leads out of every network.
const PRIVATE_NAME = /\.(localhost|local|internal|arpa|test|invalid|alt|lan|home|corp|intranet|private)$/

/**
 * The relays of a peer's list that we are ready to contact, each once, `max` at the most. A list is a stranger's word: it must not make
 * us talk to services inside our own network, so private addresses are left out unless they are our own relays or allowed.
 */
export function usable(
  urls: readonly string[],
  own: readonly string[],
  allowPrivate: boolean,
  max = MAX_RELAYS,
): string[] {
  // One of our own relays with a slash more or less at its end is that relay.
  const spelled = (url: string) => (!own.includes(url) && own.includes(otherSpelling(url)) ? otherSpelling(url) : url)
  const known = urls
    .flatMap((url) => spelled(relayUrl(url) ?? ''))
    .filter((url) => url !== '' && !isDecommissioned(url))
  const safe = known.filter((url) => allowPrivate || own.includes(url) || !isPrivate(url))
  return [...new Set(safe)].slice(0, max)
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

// A host may end with the dot of the root: "localhost." is localhost.
function withoutRootDot(host: string): string {
  return host.replace(/\.$/, '')
}

// IANA's IPv4 Special-Purpose Address Registry, all of it, and multicast. Some of these are reachable from anywhere (AS112,
// AMT), but nobody's relay or file server is there.
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]

function isSpecialV4(address: number): boolean {
  return SPECIAL_V4.some((range) => {
    const [start = '', bits = ''] = range.split('/')
    const shift = 32 - Number(bits)
    return address >>> shift === numberV4(start) >>> shift
  })
}

function numberV4(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

// What IANA's IPv6 Special-Purpose Address Registry sets apart within 2000::/3: protocol assignments (Teredo, benchmarking,
// ORCHID, AMT), documentation, 6to4, AS112, and documentation again.
const SPECIAL_V6: readonly ((groups: readonly number[]) => boolean)[] = [
  ([a = 0, b = 0]) => a === 0x2001 && b < 0x0200,
  ([a, b]) => a === 0x2001 && b === 0x0db8,
  ([a]) => a === 0x2002,
  ([a, b, c]) => a === 0x2620 && b === 0x004f && c === 0x8000,
  ([a, b = 0]) => a === 0x3fff && b < 0x1000,
]

// Only 2000::/3 is in public use. An address that stands for an IPv4 one (mapped, NAT64) is as private as that.
function isPrivateV6(host: string): boolean {
  const carried =
    /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(host) ?? /^64:ff9b::([0-9a-f]+):([0-9a-f]+)$/.exec(host) ?? undefined
  if (carried !== undefined) {
    const [high = 0, low = 0] = carried.slice(1).map((part) => Number.parseInt(part, 16))
    return isSpecialV4(high * 65_536 + low)
  }
  if (!/^[23][0-9a-f]{3}:/.test(host)) return true
  const groups = groupsOf(host)
  return SPECIAL_V6.some((isIn) => isIn(groups))
}

/** The eight groups of an IPv6 address in the one spelling that URLs give it. */
function groupsOf(host: string): number[] {
  const [before = [], after = []] = host.split('::').map((side) => side.split(':').filter((group) => group !== ''))
  const gap = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...gap, ...after].map((group) => Number.parseInt(group, 16))
}
