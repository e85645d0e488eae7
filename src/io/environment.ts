// Everything outside of the program that a run may touch.

import type { Contact } from '../call/agents.ts'
import type { Failure } from '../errors.ts'
import { type CallBinding, type CallKey, deriveCallKey, makeCallKeys } from '../nostr/call-key.ts'
import type { Keys } from '../nostr/crypto.ts'
import { type Event, finalize, type Rumor, type Template } from '../nostr/event.ts'
import type { Nip05Address, Nip05Entry } from '../nostr/nip05.ts'
import type { RelayInfo } from '../nostr/nip11.ts'
import { type GiftWrapOptions, giftWrap } from '../nostr/nip59.ts'
import { type CallKeyring, openKeptSeal, type Unwrapped, type WrapHeader } from '../nostr/nip59-unwrap.ts'
import type { Foreign } from '../sanitize.ts'
import type { IsAlive } from '../state/retry.ts'
import { placeFile } from './files/received.ts'
import { openRemoteStorage, type RemoteStorage } from './files/remote.ts'
import { saveTranscript, transcriptPaths } from './files/transcripts.ts'
import {
  type Config,
  getSetting,
  ownerKeyOf,
  readConfig,
  setSetting,
  listSettings as settingsOf,
  unsetSetting,
} from './home/config.ts'
import { editContacts } from './home/contacts.ts'
import { exportSecret } from './home/export.ts'
import { loadIdentity } from './home/identity.ts'
import { type Env, type Home, homeOf } from './home/paths.ts'
import { type RelayRoles, rolesOf } from './home/relay-roles.ts'
import { openRoutes } from './http/agent.ts'
import { type Owner, openOwner } from './owner/channels.ts'
import { showAsking, showUnwrapping } from './progress.ts'
import { openPool, type Pool } from './relay/pool.ts'
import { startedByCron } from './scheduler.ts'
import { readCallKey } from './store/call-keys.ts'
import type { StoreCodec } from './store/codec.ts'
import { type FilesOnDisk, listKeptFiles } from './store/kept-files.ts'
import type { RenderLegacy } from './store/legacy.ts'
import { isAlive, type ProcessIdentity, thisProcess } from './store/lock-holder.ts'
import { openStore, type Store } from './store/store.ts'
import { sleep } from './timers.ts'
import { type UnwrapAll, unwrapperOf } from './unwrap-worker.ts'

export type SettingValue = { key: string; value: unknown; describe: string }

/** Reads and changes config.json. The methods throw CONFIG_KEY, CONFIG_VALUE, and what reading and writing throw. */
export type Settings = {
  /** The setting with that key, or all of them for "". */
  list(key: string): SettingValue[]
  set(key: string, values: readonly string[]): Promise<unknown>
  unset(key: string): Promise<void>
  editContacts(edit: (contacts: readonly Contact[]) => readonly Contact[]): Promise<readonly Contact[]>
}

/** Call keys. All methods but `make` throw CALL_KEY_UNSAFE. */
export type CallKeys = {
  /** Makes a new pair. It is written to disk together with its call. */
  make: () => Keys
  /** Our pair for a call; undefined where there is none, or a damaged one. */
  read: (call: string) => Keys | undefined
  /** The key that seals the signals of a call; undefined where our pair is not here any more. */
  keyOf: (binding: CallBinding) => CallKey | undefined
}

/** @typeParam I the index, @typeParam L the log of a call, @typeParam P the letters with one peer: run/ knows what they are */
export type Environment<I, L, P = never> = {
  keys: Keys
  home: Home
  config: Config
  relays: RelayRoles
  /** The owner's pubkey, if one is configured. */
  ownerKey: string | undefined
  store: Store<I, L, P>
  pool: Pool
  /** Opens the wraps that are for us. */
  unwrapAll: UnwrapAll
  /** Opens a seal that was kept; `wrap`: the id of the wrap that it came in. */
  openSeal: (seal: Event, wrap: string, keyring: CallKeyring) => Unwrapped
  callKeys: CallKeys
  /** Whether the holder of its one-time key made a wrap; undefined where the signature is to be verified. */
  isWrapSigned?: (wrap: WrapHeader) => boolean
  /** Seals and wraps a rumor (NIP-59), with a one-time key and random stamps. */
  wrapRumor: (rumor: Rumor, to: string, options: GiftWrapOptions) => Event
  /** Signs an event with our identity, for everybody to read. */
  signEvent: (template: Template) => Event
  /** Whose a NIP-05 name is, asked within `ms` milliseconds; or why that is not known. Never rejects. */
  lookUpNip05: (address: Nip05Address, ms: number) => Promise<Nip05Entry | { why: Foreign }>
  /** What a relay says of itself (NIP-11), asked within `ms` milliseconds; undefined where it does not say. */
  fetchRelayInfo: (relay: string, ms: number) => Promise<RelayInfo | undefined>
  /** Unix ms; the only clock. */
  clock: () => number
  /** Whether cron has started us, and not an agent or a person. */
  isScheduled: () => boolean
  /** A random number from 0 to below 1. */
  random: () => number
  /** Sleeps for `ms` milliseconds; false where we were stopped before. */
  pause: (ms: number) => Promise<boolean>
  /** Calls `act` after `ms` milliseconds, unless the function that it gives back is called before. */
  setTimer: (ms: number, act: () => void) => () => void
  /** Milliseconds that the network has to answer. */
  budget: number
  /** This process, which claims what it is doing, so that parallel commands leave that alone. */
  claimant: ProcessIdentity
  isAlive: IsAlive
  placeFile: (call: string, name: string, bytes: Uint8Array) => string
  remoteStorage: RemoteStorage
  /** Where transcripts lie as Markdown, by call. */
  transcripts: () => Readonly<Record<string, string>>
  /** Why these contents may not go out (files/outgoing.ts), undefined where they may. `what`: what they are, for a sentence. */
  refuseSecrets: (contents: readonly (string | Uint8Array)[], what: string) => Promise<Failure | undefined>
  /** Lists what lies on disk of calls beside their own files. */
  listKeptFiles: () => FilesOnDisk
  /** Writes a call's whole transcript as Markdown and gives its path; throws DISK_FULL, HOME_UNWRITABLE. */
  saveTranscript: (call: string, markdown: string) => string
  /** Writes the secret key to a new file and gives its path; throws FILE_EXISTS, FILE_UNWRITABLE. */
  exportSecret: (path: string) => string
  /** Renders the calls of 0.1.0 and sets their files aside, under the lock; their ids. */
  setAsideLegacyCalls: (render: RenderLegacy) => Promise<string[]>
  owner: Owner
  /** Runs the event hook with a text on its stdin: what went wrong, undefined where nothing did. Never rejects. */
  runHook: (command: readonly string[], input: string) => Promise<Foreign | undefined>
  settings: Settings
  /**
   * Prints a notice on stderr, but not with --quiet: damage, work that takes long, what was deleted. A line that a reader of stdout should
   * see before the outcome goes through `RunContext.printLine`.
   */
  say: (line: string) => void
  stopped: AbortSignal
}

/** What the command line says of the environment. `relays`: --relay, as typed. */
export type EnvironmentOptions = {
  home: string | undefined
  relays: readonly string[]
  budget: number
  command: string
  /** The file of the whole program, where it is in one. */
  script: string | undefined
  say: (line: string) => void
  /** Draws over the last line of a terminal, where there is one. */
  draw: ((text: string) => void) | undefined
  trace: ((line: Foreign) => void) | undefined
  stopped: AbortSignal
}

/** Ms that the event hook may run. */
const HOOK_MS = 10_000

/** Opens files and keys; touches no network yet. Throws what reading them throws, BAD_HOME and BAD_RELAY. */
export function openEnvironment<I, L, C, P>(
  opening: EnvironmentOptions,
  env: Env,
  codec: StoreCodec<I, L, C, P>,
): Environment<I, L, P> {
  const home = homeOf(opening.home, env)
  const keys = loadIdentity(home, env)
  // `config` mends bad settings, so they must not stop it.
  const config = opening.command === 'config' ? readConfig(home, () => {}) : readConfig(home)
  const writing = { command: opening.command }
  const relays = rolesOf(config, opening.relays, env, opening.say)
  const own = new Set([...relays.presence, ...relays.inbox, ...relays.lookup])
  const { allowPrivate } = config.relays
  const routeTo = openRoutes(env, (address) => allowPrivate || own.has(address))
  const pool = openPool({ keys, now: Date.now, trace: opening.trace, routeTo, own: (url) => own.has(url) })
  // A command that is told to stop waits for no relay: what is owed goes out with the next command.
  opening.stopped.addEventListener('abort', pool.close, { once: true })
  return {
    keys,
    home,
    config,
    relays,
    ownerKey: ownerKeyOf(config),
    store: openStore(home, codec, { say: opening.say, command: opening.command, me: keys.pubkey }),
    pool: { ...pool, fetch: showAsking(pool.fetch, opening.draw) },
    unwrapAll: showUnwrapping(unwrapperOf(keys, Date.now, opening.script), opening.draw),
    lookUpNip05: async (address, ms) =>
      (await import('./nip05.ts')).lookUpNip05(address, { routeTo, allowPrivate, ms }),
    fetchRelayInfo: async (relay, ms) => {
      const { fetchRelayInfo } = await import('./nip11.ts')
      return (await fetchRelayInfo(relay, Promise.resolve(routeTo(relay)), ms)).info
    },
    openSeal: (seal, wrap, keyring) => openKeptSeal(seal, keys, { wrap, keyring }),
    callKeys: openCallKeys(home, keys.pubkey),
    wrapRumor: (rumor, to, options) => giftWrap(rumor, to, keys, options),
    signEvent: (template) => finalize(template, keys),
    clock: Date.now,
    isScheduled: () => startedByCron(process.pid),
    random: Math.random,
    pause: (ms) => sleep(ms, opening.stopped),
    setTimer(ms, act) {
      const timer = setTimeout(act, ms)
      return () => clearTimeout(timer)
    },
    budget: opening.budget,
    claimant: thisProcess(),
    isAlive,
    placeFile: (call, name, bytes) => placeFile(home, call, name, bytes),
    remoteStorage: openRemoteStorage({
      ...{ home, keys, env, files: config.file, stopped: opening.stopped },
      ...{ say: opening.say, draw: opening.draw, now: Date.now },
    }),
    transcripts: () => transcriptPaths(home),
    refuseSecrets: async (contents, what) =>
      (await import('./files/outgoing.ts')).refuseSecrets(contents, { home, secret: keys.secret, what }),
    listKeptFiles: () => listKeptFiles(home),
    saveTranscript: (call, markdown) => saveTranscript(home, call, markdown),
    exportSecret: (path) => exportSecret(keys, path),
    setAsideLegacyCalls: async (render) => {
      const [{ setAsideLegacyCalls }, { withLock }] = await Promise.all([
        import('./store/legacy.ts'),
        import('./store/lock.ts'),
      ])
      const options = { command: opening.command, ms: 5_000, step: () => {} }
      return await withLock(home, options, () => setAsideLegacyCalls(home, render))
    },
    owner: openOwner(home, config.owner, env),
    runHook: async (command, input) => {
      const { runProgram } = await import('./owner/program.ts')
      return (await runProgram(command, { input, ms: HOOK_MS, env })).error
    },
    settings: {
      list: (key) => {
        const held = readConfig(home, (failure, of) => {
          if (key === '' || key === of) throw failure
        })
        if (key !== '') getSetting(held, key)
        return settingsOf(held).filter((s) => key === '' || s.key === key)
      },
      set: (key, values) => setSetting(home, key, values, writing),
      unset: (key) => unsetSetting(home, key, writing),
      editContacts: (edit) => editContacts(home, edit, writing),
    },
    say: opening.say,
    stopped: opening.stopped,
  }
}

function openCallKeys(home: Home, me: string): CallKeys {
  const derived = new Map<string, CallKey>()
  const read = (call: string) => {
    const keys = readCallKey(home, call)
    return keys === 'damaged' ? undefined : keys
  }
  return {
    make: makeCallKeys,
    read,
    // The many parts of a file are sealed with the same key: it is derived once.
    keyOf(binding) {
      const name = JSON.stringify(binding)
      const own = derived.has(name) ? undefined : read(binding.call)
      const key = derived.get(name) ?? (own && deriveCallKey(own, binding, me))
      if (key !== undefined) derived.set(name, key)
      return key
    },
  }
}
