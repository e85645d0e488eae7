// What is run: our commands, in homes of their own, and programs with other libraries that do the same work.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Keys, toHex } from '../../src/nostr/crypto.ts'
import { rumorOf } from '../../src/nostr/event.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'
import { PROGRAM, type ProcessOptions } from '../processes.ts'
import { callWith, type History, listOf, newKeys } from './history.ts'
import { type Home, makeHome, runProgram, TIMEOUT_MS } from './home.ts'
import type { BenchRelays } from './relays.ts'

/** What all races share. `field`: the relays; `now`: unix seconds; `quick`: whether everything is made much smaller. */
export type Course = { folder: string; field: BenchRelays; now: number; quick: boolean }

/**
 * One program that is measured. `ready`: called before each run, not measured. `counts`: how many wraps wait for it; `opened`: how many it
 * has opened, where it does not print that itself. `trips`: round trips of the last run. `cpu`: the time that all of its threads have
 * computed is measured, and not how long it took.
 */
export type Runner = {
  name: string
  args: readonly string[]
  setting: ProcessOptions
  ready?: () => void
  counts?: number
  opened?: () => number
  trips?: () => Promise<number>
  cpu?: true
}

let homes = 0

/**
 * A home with `count` active calls and those that `more` makes, after its first commands, kept. `ca`: a file of certificates to trust;
 * `origin`: the relay itself, where `url` is a proxy in front of it; `secret`: the active calls have keys of their own.
 */
export async function freshHome(
  { folder, field, now }: Course,
  url: string,
  count = 1,
  ca?: string,
  more: (keys: Keys) => History[] = () => [],
  origin = url,
  secret = false,
): Promise<Home> {
  homes += 1
  const place = join(folder, `home-${homes}`)
  mkdirSync(place)
  const keys = newKeys()
  const active = Array.from({ length: count }, () => callWith(keys, newKeys(), 2, false, [url], now, secret))
  const calls = [...active, ...more(keys)]
  const home = await makeHome(place, { keys, calls, relays: [url], ca })
  const lists = calls.slice(0, 10).map((call) => listOf(call.peer, [url], now))
  await field.ask({ type: 'load', url: origin, events: lists })
  // The first command reads all calls and looks up where the peers read; after the second every file of the program is in the cache.
  await runProgram(home.setting(), ['status', '--timeout', '60'])
  await runProgram(home.setting(), ['send', 'hello', '--call', calls[0]?.log.id ?? ''])
  home.keep()
  return home
}

/** A command of ours in a home. `send` is given the first call of the home. */
export function named(home: Home, name: string, args: readonly string[]): Runner {
  const [verb = '', ...rest] = args
  const call = verb === 'send' ? ['--call', home.calls[0]?.log.id ?? ''] : []
  return { name, args: [PROGRAM, verb, ...rest, ...call], setting: home.setting() }
}

/** Our `p2p send`, which the other programs are compared with. */
export function send(home: Home): Runner {
  return named(home, 'p2p send', ['send', 'hello'])
}

/** The least that a program which speaks to a relay does: connect, ask, publish an event that was made before, get the answers. */
export function readyEvent(home: Home, url: string, now: number): Runner {
  const [call] = home.calls
  if (call === undefined) throw new Error('no call')
  const to = call.peer.pubkey
  const rumor = rumorOf({ kind: 14, created_at: now, tags: [['p', to]], content: 'hello' }, home.keys.pubkey)
  const event = giftWrap(rumor, to, home.keys, { now, callKey: undefined })
  const filter = { kinds: [event.kind], '#p': [home.keys.pubkey], since: now }
  const words = [url, JSON.stringify(filter), JSON.stringify(event)]
  const script = fileURLToPath(new URL('ready-event.cjs', import.meta.url))
  return { name: 'node and ws', args: [script, ...words], setting: home.setting() }
}

/** Programs with other libraries that send the same message to the relay at `url`. */
export function peers(home: Home, url: string): Runner[] {
  const words = [url, toHex(home.keys.secret), home.calls[0]?.peer.pubkey ?? '']
  const setting = { ...home.setting(), patience: TIMEOUT_MS }
  const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  return [
    { name: 'nostr-tools', args: [script('nostr-tools.mjs'), ...words], setting },
    { name: 'rust-nostr', args: [script('rust-nostr.cjs'), ...words], setting },
  ]
}
