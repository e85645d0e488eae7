// Relay addresses: one spelling for each relay, and which of them a stranger may send us to.

/** Reported shut down; never used, also when a peer's list names them. */
export const DECOMMISSIONED: readonly string[] = ['wss://relay.damus.io', 'wss://relay.nostr.band']

/**
 * One spelling per relay: ws or wss, lower-case host, no default port, no lone slash, no credentials, no fragment.
 * Undefined for anything else.
 */
export function relayUrl(text: string): string | undefined {
  if (text.length > 256) return undefined
  const url = parse(text.trim())
  if (url === undefined || (url.protocol !== 'ws:' && url.protocol !== 'wss:') || url.hostname === '') return undefined
  if (url.username !== '' || url.password !== '') return undefined
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.protocol}//${url.host}${path}${url.search}`
}

/** Whether an address points into this machine or a private network, by its spelling. */
export function isPrivate(address: string): boolean {
  const host = parse(address)?.hostname.replace(/^\[|\]$/g, '') ?? ''
  if (host === 'localhost' || /\.(localhost|local|internal|lan|home|arpa)$/.test(host)) return true
  if (host.includes(':')) return isPrivateV6(host)
  // WHATWG URLs write every spelling of an IPv4 address (0x7f.1, 2130706433) as four decimals.
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number)
  if (parts === undefined) return !host.includes('.')
  return isPrivateV4(parts[0] ?? 0, parts[1] ?? 0)
}

/**
 * The relays of a peer's list that we are ready to contact. A list is a stranger's word: it must not make us talk to
 * services inside our own network, so private addresses are left out unless they are our own relays or allowed.
 */
export function usable(urls: readonly string[], own: readonly string[], allowPrivate: boolean, most = 3): string[] {
  const known = urls.flatMap((url) => relayUrl(url) ?? []).filter((url) => !DECOMMISSIONED.includes(url))
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

function isPrivateV4(a: number, b: number): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true
  if (a === 100 && b >= 64 && b < 128) return true
  return (
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && (b === 168 || b === 0)) ||
    (a === 198 && (b === 18 || b === 19))
  )
}

function isPrivateV6(host: string): boolean {
  if (host === '::' || host === '::1') return true
  const mapped = /^::ffff:([0-9a-f]{1,4}):[0-9a-f]{1,4}$/.exec(host)?.[1]
  if (mapped !== undefined) {
    const high = Number.parseInt(mapped, 16)
    return isPrivateV4(high >> 8, high & 255)
  }
  return /^(f[cd]|fe[89ab]|ff|64:ff9b|2002:)/.test(host)
}
