// A whole environment in memory, for a run without a process, a socket, a disk or a timer: relays, a disk and a clock that belong
// to the world around it. Wherever a real one would wait, it asks the world whether it goes on.

import type { Contact } from '../../src/call/agents.ts'
import type { Log } from '../../src/call/log.ts'
import type { Environment } from '../../src/io/environment.ts'
import { readConfig } from '../../src/io/home/config.ts'
import { homeOf } from '../../src/io/home/paths.ts'
import type { NamedAnswer, Pool, PoolFetchOptions, RelayQuery } from '../../src/io/relay/pool.ts'
import type { Keys } from '../../src/nostr/crypto.ts'
import { type Event, finalize, type Rumor } from '../../src/nostr/event.ts'
import { type GiftWrapOptions, giftWrap, WRAP_KIND } from '../../src/nostr/nip59.ts'
import { type Unwrapped, unwrapAll } from '../../src/nostr/nip59-unwrap.ts'
import { foreign } from '../../src/sanitize.ts'
import type { Index, LetterLog } from '../../src/state/state.ts'
import { type Disk, type DiskHost, openSimStore, type SimCodec } from './disk.ts'
import { askRelay, envelope, type Network, ONCE, publishTo } from './relays.ts'

/** A machine with an agent on it. */
export type Machine = {
  name: string
  keys: Keys
  contacts: readonly Contact[]
  disk: Disk
  /** Seconds by which its clock is ahead, and whether the relays tell it. */
  ahead: number
  told: boolean
  /** The processes that live. */
  running: Set<number>
}

/** What a process meets. `now`: the true time, unix ms. */
export type Host = DiskHost & {
  now: () => number
  random: () => number
  /** Resolves so many ms later, and never when the process dies meanwhile. */
  sleep: (ms: number) => Promise<void>
  /** Calls back so many ms later, unless what it gives is called before. */
  later: (ms: number, act: () => void) => () => void
}

export type SimOptions = {
  machine: Machine
  network: Network
  codec: SimCodec
  host: Host
  pid: number
  /** Whether envelopes are sealed and opened for real. */
  sealed: boolean
  ring?: number
  stopped?: AbortSignal
}

const HOME = homeOf('/nowhere/of/a/simulation', {})
const DEFAULTS = readConfig(HOME)

const NEVER = new AbortController().signal

/** Milliseconds that the network has. */
const BUDGET = 8_000

export function simEnvironment(options: SimOptions): Environment<Index, Log, LetterLog> {
  const { machine, network, codec, host, pid, ring = DEFAULTS.call.ring } = options
  const { keys, disk, name } = machine
  const urls = network.relays.map(({ url }) => url)
  const clock = () => host.now() + machine.ahead * 1000
  const { wrapRumor, unwrapAll, signEvent } = options.sealed ? realEnvelopes(keys) : bareEnvelopes(network)
  const { stopped = NEVER } = options
  return {
    keys,
    home: HOME,
    config: { ...DEFAULTS, name, contacts: [...machine.contacts], call: { ...DEFAULTS.call, ring } },
    relays: { inbox: urls, presence: urls, lookup: [] },
    ownerKey: undefined,
    store: openSimStore(disk, codec, host),
    pool: simPool(options, clock),
    unwrapAll,
    wrapRumor,
    signEvent,
    lookUpNip05: async () => ({ why: foreign`there is no web` }),
    fetchRelayInfo: async () => undefined,
    clock,
    random: host.random,
    isScheduled: () => false,
    async pause(ms) {
      await host.sleep(ms)
      return !stopped.aborted
    },
    setTimer: host.later,
    budget: BUDGET,
    claimant: { pid, where: machine.name, mark: 'alive' },
    isAlive: ({ pid: other, where }) => (where === machine.name ? machine.running.has(other) : undefined),
    placeFile(call, file, bytes) {
      const path = `${call.slice(0, 8)}/${file}`
      disk.files.set(path, bytes)
      return path
    },
    remoteStorage: {
      put: () => Promise.reject(new Error('there is no server')),
      fetch: async () => ({ type: 'failed', why: 'there is no server', have: 0 }),
    },
    refuseSecrets: async () => undefined,
    transcripts: () => disk.transcripts,
    saveTranscript(call) {
      const path = `transcripts/${call}.md`
      disk.transcripts = { ...disk.transcripts, [call]: path }
      return path
    },
    exportSecret: (path) => path,
    setAsideLegacyCalls: async () => [],
    owner: { channels: [], tell: async () => ({}), log: () => undefined },
    runHook: async () => undefined,
    settings: {
      list: () => [],
      set: async () => {},
      unset: async () => {},
      editContacts: async (edit) => edit(machine.contacts),
    },
    say: () => {},
    stopped,
  }
}

/** Characters of a wrap, for whoever counts them. */
const WRAP_SIZE = 1_500

/** How often a process that waits looks at its relays, in ms. */
const LOOKS_EVERY = 250

function simPool({ machine, network, host }: SimOptions, clock: () => number): Pool {
  const at = () => Math.floor(host.now() / 1000)
  const live: RelayQuery[] = []
  const given = new Set<string>()
  const asked = new Map<string, boolean>()

  async function ask(query: RelayQuery, { skip = () => false, take }: PoolFetchOptions): Promise<NamedAnswer> {
    const { relay, name, filter, streams } = query
    const { complete, events } = askRelay(network, relay, filter, at())
    // Some send what was asked not to be looked at, and what is known does no harm.
    const fresh = events.filter(({ id }) => !skip(id) || network.dice.chance(0.05))
    if (query.live) live.push(query)
    for (const { id } of events) given.add(id)
    asked.set(relay, complete)
    const streamed = streams === true && take !== undefined
    if (streamed) for (const event of fresh) await take(event, WRAP_SIZE)
    const left = streamed ? [] : fresh
    const answer = { relay, name, events: left, dropped: 0, known: events.length - fresh.length }
    return complete ? { ...answer, complete } : { ...answer, complete, reason: 'silent', text: foreign`no answer` }
  }

  return {
    warm: async () => {},
    learn: () => {},
    observed: () => [],
    async fetch(asks, options) {
      await host.turn()
      const answers: NamedAnswer[] = []
      for (const query of asks) answers.push(await ask(query, options))
      return answers
    },
    async publish(jobs) {
      await host.turn()
      return jobs.flatMap(({ event, relays }) => relays.map((url) => publishTo(network, url, event, at())))
    },
    async next(deadline) {
      for (;;) {
        const came = live.flatMap(({ relay, filter }) => {
          return askRelay(network, relay, filter, at()).events.map((event) => ({ event, relay }))
        })
        const fresh = came.filter(({ event }) => !given.has(event.id))
        for (const { event } of fresh) given.add(event.id)
        if (fresh.length > 0 || clock() >= deadline) return fresh
        await host.sleep(Math.min(LOOKS_EVERY, deadline - clock()))
      }
    },
    relays: () =>
      network.relays.map(({ url }) => {
        const ok = asked.get(url) === true
        return { url, ok, ...(ok && machine.told && { clockAhead: machine.ahead }) }
      }),
    close: () => {},
  }
}

type Envelopes = Pick<Environment<Index, Log, LetterLog>, 'unwrapAll' | 'wrapRumor' | 'signEvent'>

function realEnvelopes(keys: Keys): Envelopes {
  return {
    wrapRumor: (rumor, to, options) => giftWrap(rumor, to, keys, options),
    unwrapAll: async (wraps) => unwrapAll(wraps.splice(0), keys),
    signEvent: (template) => finalize(template, keys),
  }
}

function bareEnvelopes(network: Network): Envelopes {
  return {
    wrapRumor: (rumor: Rumor, to: string, { now }: GiftWrapOptions) => envelope(network, rumor, to, now),
    unwrapAll: async (wraps) => wraps.splice(0).map((event) => inside(network, event)),
    // A signature is dear, and nobody here forges what everybody may read: such events are taken and shown to nobody.
    signEvent: (template) => ({ ...template, id: ONCE, pubkey: ONCE, sig: ONCE + ONCE }),
  }
}

function inside(network: Network, { id, kind }: Event): Unwrapped {
  const rumor = network.inside.get(id)
  if (kind !== WRAP_KIND || rumor === undefined) return { ok: false, reason: 'undecryptable' }
  return { ok: true, rumor, from: rumor.pubkey, key: 'identity' }
}
