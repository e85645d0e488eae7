// Fuzzes what strangers publish about themselves: presence and relay lists.
import { listingOf } from '../../src/call/listing.ts'
import { readInboxList, readPresences, readReadRelays } from '../../src/call/presence.ts'
import { unsafeTextOf } from '../../src/call/wording.ts'
import { type Event, finalize, type Template } from '../../src/nostr/event.ts'
import { relayUrl } from '../../src/nostr/relay-url.ts'
import { randomText, spoiledJson } from './mutate.ts'
import type { SeededChoices } from './random.ts'
import { mustBe, NOW, presences, stranger } from './samples.ts'
import { faultOf, isCleanText, target } from './target.ts'

const presence = target(
  'presence',
  10,
  (chance) => published(chance, mustBe(presences[0]).tags, 30315),
  (event) => {
    const found = readPresences([...presences, event], NOW)
    const mine = found.find((p) => p.pubkey === stranger.pubkey)
    const rules = { now: NOW, me: '', known: new Map(), work: 0, wish: { limit: 9 } }
    const { agents } = listingOf([{ relay: 'a', events: [...presences, event] }], rules)
    return faultOf({
      'it hides nobody': found.some((p) => p.pubkey === mustBe(presences[0]).pubkey),
      'who is listed is on line': agents.every(({ pubkey }) => found.some((p) => p.pubkey === pubkey)),
      'its words are tame':
        mine === undefined ||
        [mine.name, mine.about, ...mine.capabilities].every((words) => isCleanText(unsafeTextOf(words))),
      'its words are short':
        mine === undefined || (unsafeTextOf(mine.name).length <= 65 && unsafeTextOf(mine.about).length <= 281),
      'its lists are short': mine === undefined || (mine.capabilities.length <= 20 && mine.relays.length <= 5),
      'its relays are addresses': mine === undefined || mine.relays.every((url) => relayUrl(url) === url),
      'its work is a number': mine === undefined || (Number.isInteger(mine.pow) && mine.pow >= 0 && mine.pow < 100),
    })
  },
)

const LISTS = [
  ['relay', 'wss://relay.example'],
  ['r', 'wss://nos.lol', 'read'],
  ['r', 'wss://a.example', 'write'],
]

const lists = target(
  'relay lists',
  10,
  (chance) => published(chance, LISTS, chance.pick([10_050, 10_002])),
  (event) => {
    const inbox = readInboxList([event], stranger.pubkey)
    const found = [...(inbox?.relays ?? []), ...(readReadRelays([event], stranger.pubkey) ?? [])]
    return faultOf({
      'they are addresses': found.every((url) => relayUrl(url) === url),
      'they are few': found.length <= 20,
    })
  },
)

function published(chance: SeededChoices, tags: string[][], kind: number): Event {
  const made = spoiledJson(chance, { tags, content: 'Reviews APIs', created_at: NOW - chance.int(600) })
  const good = { kind, tags, content: '', created_at: NOW }
  const { tags: spoiled, content, created_at } = { ...good, ...Object(made) }
  const isGood =
    Array.isArray(spoiled) && spoiled.every((t) => Array.isArray(t) && t.every((x) => typeof x === 'string'))
  const template: Template = {
    kind,
    tags: isGood ? spoiled : tags,
    content: typeof content === 'string' ? content : randomText(chance),
    created_at: Number.isSafeInteger(created_at) && created_at >= 0 ? created_at : NOW,
  }
  const event = finalize(template, stranger)
  return chance.often(90) ? event : { ...event, content: `${event.content}!` }
}

export const presenceTargets = [presence, lists]
