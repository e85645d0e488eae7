// Relay addresses: one spelling for each relay, and which of them a stranger may send us to.

/** Hosts reported shut down; never used, also when a peer's list names them. */
const DECOMMISSIONED: readonly string[] = ['relay.damus.io', 'relay.nostr.band']

/** Most characters of a relay's address. */
const LONGEST = 256

/** Most relays that one peer can make us contact. */
const MOST = 3

/**
 * One spelling per relay: ws or wss, lower-case host, no default port, no lone slash, no credentials, no fragment.
 * Undefined for anything else.
 */
export function relayUrl(text: string): string | undefined {
  if (text.length > LONGEST) return undefined
  const url = parse(text.trim())
  if (url === undefined || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) return undefined
  if (url.username !== '' || url.password !== '') return undefined
  const host = bare(url.hostname)
  if (host === '' || host.endsWith('.')) return undefined
  const path = url.pathname.replace(/\/+$/, '')
  const spelled = `${url.protocol}//${host}${url.port === '' ? '' : `:${url.port}`}${path}${url.search}`
  // What is not ASCII has become longer.
  return spelled.length > LONGEST ? undefined : spelled
}

/** Whether a relay was shut down, whatever the spelling of its address. */
export function isDecommissioned(address: string): boolean {
  return DECOMMISSIONED.includes(bare(parse(address)?.hostname ?? ''))
}

/** Whether the host of an URL is this machine by its spelling: a name that a resolver could lead elsewhere is not. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Whether an address points into this machine or a private network, by its spelling. */
export function isPrivate(address: string): boolean {
  return isPrivateHost(parse(address)?.hostname ?? '')
}

/** The same of a host: a name, or an IP address in any spelling, with or without brackets. What nobody can read is private. */
export function isPrivateHost(text: string): boolean {
  const inner = text.replace(/^\[|\]$/g, '')
  // WHATWG URLs write every spelling of an IPv4 address (0x7f.1, 2130706433) as four decimals, and IPv6 in one way.
  const host = bare(parse(`ws://${inner.includes(':') ? `[${inner}]` : inner}`)?.hostname ?? '').replace(/^\[|\]$/g, '')
  if (host === 'localhost' || /\.(localhost|local|internal|lan|home|arpa)$/.test(host)) return true
  if (host.includes(':')) return isPrivateV6(host)
  const parts = /^(\d+)\.(\d+)\.(\d+)\.\d+$/.exec(host)?.slice(1).map(Number)
  if (parts === undefined) return !host.includes('.')
  return isPrivateV4(parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0)
}

/**
 * The relays of a peer's list that we are ready to contact. A list is a stranger's word: it must not make us talk to
 * services inside our own network, so private addresses are left out unless they are our own relays or allowed.
 */
export function usable(urls: readonly string[], own: readonly string[], allowPrivate: boolean, most = MOST): string[] {
  const known = urls.flatMap((url) => relayUrl(url) ?? []).filter((url) => !isDecommissioned(url))
  const safe = known.filter((url) => allowPrivate || own.includes(url) || !isPrivate(url))
  return [...new Set(safe)].slice(0, most)
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

// A host may be written with the root's dot behind it: "localhost." is localhost.
function bare(host: string): string {
  return host.replace(/\.$/, '')
}

// IANA's special-purpose registry for IPv4: this network, private, shared, loopback, link-local, protocol assignments,
// benchmarking, multicast and reserved.
function isPrivateV4(a: number, b: number, c: number): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true
  return (
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && (b === 168 || (b === 0 && c === 0))) ||
    (a === 198 && (b === 18 || b === 19))
  )
}

// Only 2000::/3 is out in the world. An address that stands for an IPv4 one (mapped, NAT64, 6to4) is as private as that.
function isPrivateV6(host: string): boolean {
  const carried =
    /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(host) ??
    /^64:ff9b::([0-9a-f]+):([0-9a-f]+)$/.exec(host) ??
    /^2002:([0-9a-f]+):([0-9a-f]+):/.exec(host)
  if (carried === null) return !/^[23][0-9a-f]{3}:/.test(host)
  const [high, low] = carried.slice(1).map((part) => Number.parseInt(part, 16))
  return isPrivateV4((high ?? 0) >> 8, (high ?? 0) & 255, (low ?? 0) >> 8)
}
