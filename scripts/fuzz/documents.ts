// Fuzzes what servers answer, and their addresses: NIP-05 names and documents, NIP-11, relay addresses, Blossom.
import { unsafeTextOf } from '../../src/call/wording.ts'
import { addressIn, reasonIn } from '../../src/io/files/blossom.ts'
import { isPubkey } from '../../src/nostr/crypto.ts'
import { nip05Url, parseAddress, parseNip05Document } from '../../src/nostr/nip05.ts'
import { parseRelayInfo } from '../../src/nostr/nip11.ts'
import { isDecommissioned, isPrivate, isPrivateHost, relayUrl, usable } from '../../src/nostr/relay-url.ts'
import { NASTY, spoiledJson, spoiledText } from './mutate.ts'
import type { SeededChoices } from './random.ts'
import { NIP05, NIP11, URLS } from './samples.ts'
import { faultOf, isCleanText, target } from './target.ts'

const NAMES = [
  'bob@example.com',
  'example.com',
  '_@example.com:8443',
  'BOB@EXAMPLE.COM',
  'a@[::1]',
  'x@bücher.example',
  'gpt-4.1',
]

const addresses = target(
  'addresses',
  60,
  (chance) => spoiledText(chance, NAMES),
  (word) => {
    const address = parseAddress(word)
    if (address === undefined) return undefined
    const url = new URL(nip05Url(address))
    return faultOf({
      'its name is plain': /^[a-z0-9_.-]{1,64}$/.test(address.name),
      'it is asked over HTTPS': url.protocol === 'https:' && url.username === '' && url.password === '',
      'nobody else is asked': url.host === address.domain && url.pathname === '/.well-known/nostr.json',
      'nothing else is asked': [...url.searchParams].join() === `name,${address.name}`,
    })
  },
)

const people = target(
  'nip05',
  60,
  (chance) => [spoiledDocument(chance, NIP05), chance.pick(['bob', '_', ...NASTY])] as const,
  ([document, name]) => {
    const entry = parseNip05Document(document, name)
    return entry === undefined
      ? undefined
      : faultOf({
          'it is a key': isPubkey(entry.pubkey),
          'its relays are few addresses':
            entry.relays.length <= 5 && entry.relays.every((url) => relayUrl(url) === url),
        })
  },
)

const information = target(
  'nip11',
  50,
  (chance) => spoiledDocument(chance, NIP11),
  (document) => {
    const info = parseRelayInfo(document)
    if (info === undefined) return undefined
    const { limits, software, nips } = info
    return faultOf({
      'its limits are numbers': Object.values(limits).every((v) => typeof v === 'boolean' || Number.isSafeInteger(v)),
      'its words are tame': isCleanText(unsafeTextOf(software)) && unsafeTextOf(software).length <= 201,
      'its lists are short': nips.length <= 500 && nips.every(Number.isSafeInteger),
    })
  },
)

const urls = target(
  'urls',
  110,
  (chance) => spoiledText(chance, URLS),
  (word) => {
    const url = relayUrl(word)
    const host = (url === undefined ? undefined : new URL(url).hostname) ?? ''
    isDecommissioned(word)
    isPrivateHost(word)
    const used = usable([word, ...URLS], [], false)
    return faultOf({
      'it has one spelling': url === undefined || relayUrl(url) === url,
      'it is a relay': url === undefined || /^wss?:\/\/[^/@#\s]+(\/[^#\s]*|\?[^#\s]*)?$/.test(url),
      'nobody is sent into our network': used.every((one) => !isPrivate(one)) && used.length <= 3,
      'an address and its host are as private': url === undefined || isPrivate(url) === isPrivateHost(host),
    })
  },
)

const HASH = 'ab'.repeat(32)
const BLOB = JSON.stringify({
  url: `https://cdn.example/${HASH}`,
  sha256: HASH,
  size: 5,
  type: 'text/plain',
  uploaded: 1,
})

const blobs = target(
  'blobs',
  40,
  (chance) => spoiledDocument(chance, BLOB),
  (descriptor) => {
    const address = addressIn(descriptor, HASH)
    const why = unsafeTextOf(reasonIn(headerIn(descriptor), descriptor))
    return faultOf({
      'it is a safe address': address === undefined || /^https:|^http:\/\/(localhost|127\.|\[::1\])/.test(address),
      'its reason is tame': isCleanText(why) && why.length <= 210,
    })
  },
)

// A header is a part of the same noise, or there is none.
function headerIn(text: string): string | undefined {
  return text.length % 2 === 0 ? undefined : text.slice(0, 300)
}

function spoiledDocument(chance: SeededChoices, sample: string): string {
  return chance.often(40) ? spoiledText(chance, [sample]) : JSON.stringify(spoiledJson(chance, JSON.parse(sample)))
}

export const documentTargets = [addresses, people, information, urls, blobs]
