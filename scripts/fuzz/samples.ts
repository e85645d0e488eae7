// Good samples, which targets spoil: the protocol's vectors, a whole call, and documents as others write them.
import { nprofileEncode } from 'nostr-tools/nip19'
import { keysFrom } from '../../src/nostr/crypto.ts'
import { type Event, parseEvent, parseRumor, type Rumor } from '../../src/nostr/event.ts'
import { npubEncode, nsecEncode } from '../../src/nostr/nip19.ts'
import vectors from '../../test/vectors/protocol.json' with { type: 'json' }
import { agents, aWholeCall, NOW } from '../vectors/call.ts'
import { rareSignals } from './rare-signals.ts'

export { agents, NOW }

export const call = aWholeCall()

const events = (values: readonly unknown[]): Event[] => values.flatMap((value) => parseEvent(value) ?? [])

export const wraps = events(vectors.signals.map((s) => s.wrap))
export const seals = events(vectors.signals.map((s) => s.seal))
export const rumors: Rumor[] = [...vectors.signals.flatMap((s) => parseRumor(s.rumor) ?? []), ...rareSignals(call.id)]
export const presences = events([vectors.presence])

/** All events of the vectors. */
export const signed: readonly Event[] = [...wraps, ...seals, ...presences]

export const stranger = mustBe(keysFrom(Buffer.alloc(32, 7)))

const relays = ['wss://relay.example', 'wss://nos.lol/path?x=1', 'ws://[2001:db8::1]:7777']

export const URLS: readonly string[] = [
  ...relays,
  ...[
    'WSS://Relay.Example:443/',
    'ws://127.0.0.1:7777',
    'wss://user:pass@host',
    'https://x.y',
    'ws://0x7f.1',
    'ws://[::1]',
  ],
  ...['wss://xn--bcher-kva.example', 'wss://bücher.example', 'ws://2130706433', 'wss://relay.example./#frag', 'ws://a'],
  ...[
    'wss://[::ffff:10.0.0.1]/',
    'wss://[64:ff9b::a00:1]',
    'wss://localhost.',
    'wss://169.254.169.254/latest/meta-data',
  ],
]

export const KEYS: readonly string[] = [
  npubEncode(stranger.pubkey),
  nsecEncode(stranger.secret),
  nprofileEncode({ pubkey: stranger.pubkey, relays: relays.slice(0, 1) }),
  npubEncode(stranger.pubkey).toUpperCase(),
  stranger.pubkey,
]

export const FRAMES: readonly string[] = [
  ...signed.slice(0, 4).map((event) => JSON.stringify(['EVENT', 'sub', event])),
  JSON.stringify(['OK', stranger.pubkey, true, '']),
  JSON.stringify(['OK', stranger.pubkey, false, 'auth-required: who are you?']),
  '["EOSE","sub",["finish"]]',
  '["CLOSED","sub","restricted: not for you"]',
  '["NOTICE","rate-limited: slow down"]',
  '["AUTH","challenge"]',
  `["NEG-MSG","neg1","6100000201${stranger.pubkey}"]`,
  '["NEG-ERR","neg1","blocked: this query is too big",500]',
]

export const NIP05 = JSON.stringify({
  names: { bob: stranger.pubkey, _: stranger.pubkey },
  relays: { [stranger.pubkey]: relays },
})

export const NIP11 = JSON.stringify({
  ...{ name: 'a relay', software: 'git+https://relay.example', version: '1.2', supported_nips: [1, 11, 42, 59, 77] },
  limitation: { max_message_length: 131_072, max_limit: 500, auth_required: true, created_at_lower_limit: 94_608_000 },
})

/** The value; throws where there is none. */
export function mustBe<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a sample is missing')
  return value
}
