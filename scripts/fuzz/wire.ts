// Fuzzes what comes off the wire: frames, refusals, events, rumors, answers, and keys as text (NIP-19).
import { bech32 } from '@scure/base'
import { unsafeTextOf } from '../../src/call/wording.ts'
import { ANSWER_BOUNDS, openCollector } from '../../src/io/relay/collector.ts'
import { isHex32, isPubkey } from '../../src/nostr/crypto.ts'
import { eventId, MAX_TAGS, parseEvent, parseRumor, verifyEvent } from '../../src/nostr/event.ts'
import { type Filter, matchesFilter } from '../../src/nostr/filter.ts'
import { parseRefusal, parseRelayFrame } from '../../src/nostr/messages.ts'
import { decodeNip19, npubEncode } from '../../src/nostr/nip19.ts'
import { anyValue, spoiledBytes, spoiledJson, spoiledText } from './mutate.ts'
import type { SeededChoices } from './random.ts'
import { FRAMES, KEYS, NOW, rumors, signed, stranger } from './samples.ts'
import { type Fault, faultOf, isCleanText, target } from './target.ts'

const frames = target(
  'frames',
  150,
  (chance) =>
    chance.often(60)
      ? spoiledText(chance, FRAMES)
      : JSON.stringify(spoiledJson(chance, JSON.parse(chance.pick(FRAMES)))),
  (frame) => {
    const read = parseRelayFrame(frame)
    if (read === undefined) return undefined
    const said = 'text' in read ? unsafeTextOf(read.text) : ''
    return faultOf({
      'its text is tame and short': isCleanText(said) && said.length <= 201,
      'its id is one': !('id' in read) || isHex32(read.id),
      'its message is bytes': !('message' in read) || /^([0-9a-f]{2})+$/.test(read.message),
      'its subscription is named': !('sub' in read) || (read.sub.length > 0 && read.sub.length <= 64),
    })
  },
)

const refusals = target(
  'refusals',
  30,
  (chance) =>
    chance.often(90)
      ? spoiledText(chance, ['auth-required: x', 'invalid: created_at too late', 'pow:'])
      : anyValue(chance, 2),
  (message) => {
    const { reason, text } = parseRefusal(message)
    const said = unsafeTextOf(text)
    return faultOf({
      'it has a reason': /^[a-z-]+$/.test(reason),
      'it is tame': isCleanText(said) && said.length <= 201,
    })
  },
)

const events = target(
  'events',
  110,
  (chance) => spoiledJson(chance, chance.pick(signed)),
  (value) => {
    const event = parseEvent(value)
    if (event === undefined) return undefined
    return faultOf({
      'it has seven fields': Object.keys(event).join() === 'id,pubkey,created_at,kind,tags,content,sig',
      'it is a plain object': Object.getPrototypeOf(event) === Object.prototype,
      'its tags are strings': event.tags.every((t) => t.length > 0 && t.every((part) => typeof part === 'string')),
      'its tags are bounded': event.tags.length <= MAX_TAGS,
      'its numbers are whole': Number.isSafeInteger(event.created_at) && event.kind >= 0 && event.kind <= 65_535,
      'it is read the same again': sameAgain(event, parseEvent),
    })
  },
)

// Few cases, since verifying is slow.
const signatures = target(
  'signatures',
  6,
  (chance) => spoiledJson(chance, chance.pick(signed)),
  (value) => {
    const event = parseEvent(value)
    const known = signed.some((one) => JSON.stringify(one) === JSON.stringify(event))
    return event !== undefined && verifyEvent(event) !== known ? 'a signature holds for what was not signed' : undefined
  },
)

const unsigned = target(
  'rumors',
  60,
  (chance) => {
    const made = spoiledJson(chance, chance.pick(rumors))
    // A rumor without an id may be read, and gets the id of its content.
    if (typeof made === 'object' && made !== null && chance.often(60)) delete Object(made).id
    return made
  },
  (value) => {
    const rumor = parseRumor(value)
    return rumor === undefined
      ? undefined
      : faultOf({
          'its id is its hash': rumor.id === eventId(rumor),
          'it is read the same again': sameAgain(rumor, parseRumor),
        })
  },
)

type Answer = { filter: Filter; frames: unknown[]; live: boolean }

const answers = target(
  'answers',
  50,
  (chance): Answer => ({
    filter: chance.pick<Filter>([
      { kinds: [1059] },
      { kinds: [30315], since: NOW - 10 },
      { authors: [stranger.pubkey] },
    ]),
    frames: Array.from({ length: 1 + chance.int(5) }, () =>
      chance.often(40) ? chance.pick(signed) : spoiledJson(chance, chance.pick(signed)),
    ),
    live: chance.often(30),
  }),
  ({ filter, frames: values, live }) => {
    const came: string[] = []
    const gathering = openCollector(
      { onEvent: (event) => came.push(event.id) },
      { bounds: ANSWER_BOUNDS, now: Date.now, hold: () => {} },
    )
    const { page, take } = gathering.page(filter)
    if (live) page.open = false
    for (const value of values) {
      const frame = parseRelayFrame(JSON.stringify(['EVENT', 'sub', value]))
      if (frame?.type === 'EVENT') take(frame, 100)
    }
    const { events: taken } = gathering.finish()
    return faultOf({
      'what is taken was asked for': taken.every((event) => matchesFilter(event, filter)),
      'each is taken once': new Set(taken.map((event) => event.id)).size === taken.length,
      'each is what its id says': taken.every((event) => eventId(event) === event.id),
      'nothing comes twice': came.length === 0 || !taken.some((event) => came.includes(event.id)),
    })
  },
)

const keys = target('nip19', 60, keyText, (word): Fault => {
  const decoded = decodeNip19(word)
  if (decoded === undefined || decoded.type === 'nsec') return undefined
  const relays = decoded.type === 'nprofile' ? decoded.relays : []
  return faultOf({
    'it is a key': isPubkey(decoded.pubkey),
    'it is written as it is read': decoded.type !== 'npub' || npubEncode(decoded.pubkey) === word.toLowerCase(),
    'its relays are ASCII': relays.every((url) => /^[\x20-\x7e]+$/.test(url)),
  })
})

const CODED = KEYS.slice(0, 3).flatMap((word) => bech32.decodeUnsafe(word, 5_000) ?? [])

// Mostly with a right checksum, since without one nothing else is looked at.
function keyText(chance: SeededChoices): string {
  if (chance.often(40)) return spoiledText(chance, KEYS)
  const sample = chance.pick(CODED)
  const prefix = chance.often(80) ? sample.prefix : chance.pick(['npub', 'nprofile', 'nsec', 'note', 'nevent'])
  return bech32.encode(prefix, bech32.toWords(spoiledBytes(chance, bech32.fromWords(sample.words))), 5_000)
}

function sameAgain<T>(value: T, read: (value: unknown) => T | undefined): boolean {
  return JSON.stringify(read(JSON.parse(JSON.stringify(value)))) === JSON.stringify(value)
}

export const wireTargets = [frames, refusals, events, signatures, unsigned, answers, keys]
