// NIP-05: names that look like an e-mail address, and the document that says whose key has such a name.
import { ownValue, parseJson } from '../json.ts'
import { isPubkey } from './crypto.ts'
import { relayUrl } from './relay-url.ts'

/** `domain` is a host, with its port if it is not 443. */
export type Nip05Address = { name: string; domain: string }

export type Nip05Entry = { pubkey: string; relays: string[] }

/** Most relays that are taken from a document. */
const MAX_RELAYS = 5

/** Reads "name@domain", and "domain" for "_@domain"; undefined for anything else. */
export function parseAddress(text: string): Nip05Address | undefined {
  const [, name = '_', host = ''] = /^(?:([^@]*)@)?([^@]+)$/.exec(text.toLowerCase()) ?? []
  // NIP-05: "the <local-part> part MUST only use characters a-z0-9-_."
  if (!/^[a-z0-9_.-]{1,64}$/.test(name) || /[\s/?#\\%]/.test(host) || host.length > 253) return undefined
  const url = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : undefined
  if (url === undefined || url.hostname === '' || url.pathname !== '/') return undefined
  // A domain alone must look like one: a name for a computer such as "gpt-4.1" does not.
  if (!text.includes('@') && !/^([a-z0-9-]+\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(url.hostname)) return undefined
  return { name, domain: url.host }
}

/** An address as people write it, for `parseAddress`: the domain alone where it names nobody and looks like one. */
export function addressText({ name, domain }: Nip05Address): string {
  return name === '_' && parseAddress(domain) !== undefined ? domain : `${name}@${domain}`
}

/** Where the document of an address is. */
export function nip05Url({ name, domain }: Nip05Address): string {
  return `https://${domain}/.well-known/nostr.json?name=${encodeURIComponent(name)}`
}

/** Whom a document gives that name, and where they may be found; undefined when it does not, or is no such document. */
export function parseNip05Document(json: string, name: string): Nip05Entry | undefined {
  const document = parseJson(json)
  const pubkey = ownValue(ownValue(document, 'names'), name)
  // NIP-05: "Keys must be returned in hex format, in lowercase."
  if (typeof pubkey !== 'string' || !isPubkey(pubkey)) return undefined
  const listed = ownValue(ownValue(document, 'relays'), pubkey)
  const urls = Array.isArray(listed) ? listed.slice(0, 100) : []
  const relays = urls.flatMap((url: unknown) => (typeof url === 'string' ? (relayUrl(url) ?? []) : []))
  return { pubkey, relays: [...new Set(relays)].slice(0, MAX_RELAYS) }
}
