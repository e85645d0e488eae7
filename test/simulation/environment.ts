// A whole environment in memory, for a run without a process, a socket, a disk or a timer: relays, a disk and a clock that belong
// to the world around it. Wherever a real one would wait, it asks the world whether it goes on.

import type { Contact } from '../../src/call/agents.ts'
import type { Log } from '../../src/call/log.ts'
import type { CallKeys, Environment } from '../../src/io/environment.ts'
import { readConfig } from '../../src/io/home/config.ts'
import { homeOf } from '../../src/io/home/paths.ts'
import type { NamedAnswer, Pool, PoolFetchOptions, RelayQuery } from '../../src/io/relay/pool.ts'
import type { CallKey } from '../../src/nostr/call-key.ts'
import { type Keys, sha256, toHex } from '../../src/nostr/crypto.ts'
import { type Event, finalize } from '../../src/nostr/event.ts'
import { WRAP_KIND } from '../../src/nostr/nip59.ts'
import { type CallKeyring, openKeptSeal, type Unwrapped, unwrapAll } from '../../src/nostr/nip59-unwrap.ts'
import { foreign } from '../../src/sanitize.ts'
import type { Index, LetterLog } from '../../src/state/state.ts'
import { simCallKey } from './call-key.ts'
import { type Disk, type DiskHost, openSimStore, type SimCodec } from './disk.ts'
import { askRelay, authorsEnvelope, isSignedInName, keysOf, type Network, ONCE, publishTo } from './relays.ts'

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
  /** Relays that it cannot reach. */
  cut?: Set<string>
  /** Whom its owner lets call; anybody unless said. */
  calls?: 'anyone' | 'contacts' | 'nobody'
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
  ring?: number
  stopped?: AbortSignal
}

const HOME = homeOf('/nowhere/of/a/simulation', {})
const DEFAULTS = readConfig(HOME)

const NEVER = new AbortController().signal

/** Milliseconds that the network has. */
const BUDGET = 8_000

/** All that a run touches outside, in memory: this machine's disk and clock, and the network. */
export function simEnvironment(options: SimOptions): Environment<Index, Log, LetterLog> {
  const { machine, network, codec, host, pid, ring = DEFAULTS.call.ring } = options
  const { keys, disk, name } = machine
  const urls = network.relays.map(({ url }) => url)
  const clock = () => host.now() + machine.ahead * 1000
  const envelopes = network.isSealed ? realEnvelopes(network, keys) : bareEnvelopes(network, keys)
  const { stopped = NEVER } = options
  return {
    keys,
    home: HOME,
    config: { ...DEFAULTS, name, contacts: [...machine.contacts], ...settings(machine, ring) },
    relays: { inbox: urls, presence: urls, lookup: [] },
    ownerKey: undefined,
    store: openSimStore(disk, codec, host),
    pool: simPool(options, clock),
    ...envelopes,
    callKeys: simCallKeys(options),
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
    claimant: { pid, host: machine.name, processStart: 'alive' },
    isAlive: ({ pid: other, host: where }) => (where === machine.name ? machine.running.has(other) : undefined),
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
    listKeptFiles: () => {
      const keys = [...disk.keys.keys()].map((call) => ({ call, changed: Math.floor(clock() / 1000) }))
      return { keys, transcripts: [], folders: [] }
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

function settings({ calls }: Machine, ring: number) {
  const policy = calls === undefined ? DEFAULTS.policy : { ...DEFAULTS.policy, calls }
  return { call: { ...DEFAULTS.call, ring }, policy }
}

/** Characters of a wrap, for whoever counts them. */
const WRAP_SIZE = 1_500

/** How often a process that waits looks at its relays, in ms. */
const LOOKS_EVERY = 250

function simPool({ machine, network, host }: SimOptions, clock: () => number): Pool {
  const at = () => Math.floor(host.now() / 1000)
  const isCut = (url: string) => machine.cut?.has(url) === true
  const live: RelayQuery[] = []
  const given = new Set<string>()
  const asked = new Map<string, boolean>()

  async function ask(query: RelayQuery, { skip = () => false, take }: PoolFetchOptions): Promise<NamedAnswer> {
    const { relay, name, filter, streams } = query
    const { complete, events } = isCut(relay) ? NO_ANSWER : askRelay(network, relay, filter, at())
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
    setKnownLimits: () => {},
    observed: () => [],
    async fetch(asks, options) {
      await host.turn()
      const answers: NamedAnswer[] = []
      for (const query of asks) answers.push(await ask(query, options))
      return answers
    },
    async publish(jobs) {
      await host.turn()
      return jobs.flatMap(({ event, relays }) => relays.map((url) => publishTo(network, url, event, at(), isCut(url))))
    },
    async next(deadline) {
      for (;;) {
        const came = live
          .filter(({ relay }) => !isCut(relay))
          .flatMap(({ relay, filter }) => {
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

const NO_ANSWER = { complete: false, events: [] }

type Envelopes = Pick<
  Environment<Index, Log, LetterLog>,
  'unwrapAll' | 'openSeal' | 'wrapRumor' | 'signEvent' | 'isWrapSigned'
>

function realEnvelopes(network: Network, keys: Keys): Envelopes {
  return {
    wrapRumor: (rumor, to, options) => authorsEnvelope(network, rumor, to, { ...options, keys }),
    unwrapAll: async (wraps, _until, keyring) => unwrapAll(wraps.splice(0), keys, { keyring }),
    openSeal: (seal, wrap, keyring) => openKeptSeal(seal, keys, { wrap, keyring }),
    signEvent: (template) => finalize(template, keys),
  }
}

function bareEnvelopes(network: Network, keys: Keys): Envelopes {
  const { pubkey: me } = keys
  return {
    isWrapSigned: isSignedInName,
    wrapRumor: (rumor, to, options) => authorsEnvelope(network, rumor, to, { ...options, keys }),
    unwrapAll: async (wraps, _until, keyring) => wraps.splice(0).map((event) => inside(network, event, me, keyring)),
    openSeal: (_, id, keyring) => inside(network, { id, kind: WRAP_KIND }, me, keyring),
    // A signature is dear, and nobody here forges what everybody may read: such events are taken and shown to nobody.
    signEvent: (template) => ({ ...template, id: ONCE, pubkey: ONCE, sig: ONCE + ONCE }),
  }
}

// As `openSeal` does it, for what is not sealed.
function inside(
  network: Network,
  { id, kind }: Pick<Event, 'id' | 'kind'>,
  me: string,
  keyring?: CallKeyring,
): Unwrapped {
  const held = network.inside.get(id)
  if (kind !== WRAP_KIND || held === undefined) return { ok: false, reason: 'undecryptable' }
  const { rumor, underKey } = held
  const from = rumor.pubkey
  const own = from === me
  const { calls, left } = (own ? undefined : keyring?.callsFor(from, id)) ?? { calls: [], left: 0 }
  for (const call of calls) {
    const key = keyring?.keyOf(call)
    if (key?.peer === from && toHex(key.key) === underKey) return { ok: true, rumor, from, key: 'call', call }
  }
  if (underKey === undefined) return { ok: true, rumor, from, key: 'identity' }
  const seal = { ...UNSEALED, id, pubkey: from }
  const kept = !own && keyring?.keeps(seal) === true ? { seal } : {}
  return { ok: false, reason: 'undecryptable', unopened: { from, tried: calls, left, ...kept } }
}

/** The outside of a seal. */
const UNSEALED: Event = { id: ONCE, pubkey: ONCE, created_at: 0, kind: 13, tags: [], content: '', sig: ONCE + ONCE }

/** Keys are dear: the same ones in every world, as many as a process may need. */
const pairs = new Map<string, Keys>()
const derived = new WeakMap<Keys, Map<string, CallKey | undefined>>()

function simCallKeys({ machine, network, pid }: SimOptions): CallKeys {
  const { disk, keys } = machine
  let made = 0
  const read = (call: string) => disk.keys.get(call)
  return {
    make() {
      const name = `${machine.name} ${pid} ${made++}`
      const pair = pairs.get(name) ?? keysOf(sha256(Buffer.from(name)))
      pairs.set(name, pair)
      return pair
    },
    read,
    keyOf(binding) {
      const own = read(binding.call)
      if (own === undefined) return undefined
      const known = derived.get(own) ?? new Map<string, CallKey | undefined>()
      derived.set(own, known)
      const name = `${keys.pubkey} ${binding.call} ${binding.callerEk} ${binding.calleeEk}`
      if (!known.has(name)) known.set(name, simCallKey(own, binding, keys.pubkey, network.isSealed))
      return known.get(name)
    },
  }
}
