// Homes for the commands that are measured: each run begins with the same files as the one before.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Keys, toHex } from '../../src/nostr/crypto.ts'
import type { Event } from '../../src/nostr/event.ts'
import { agentEnv, PROGRAM, type ProcessOptions, type ProcessResult, startProcess } from '../processes.ts'
import type { History } from './history.ts'

export type Home = {
  keys: Keys
  calls: readonly History[]
  /** How a command is run in this home. `relays`: in place of those that the home was made with. */
  setting(relays?: readonly string[]): ProcessOptions
  /** Puts everything back as it was at the last `keep`. */
  reset(): void
  /** Keeps a copy of everything as it is. */
  keep(): void
  /** Records these wraps as seen, as if they had been opened before. */
  know(wraps: readonly Event[]): void
  /** How many wraps were opened and what was in them taken, since the last `keep`. */
  seen(): number
}

/** Ms after which a command is killed; nostr-tools needs the most. */
export const TIMEOUT_MS = 180_000

/** `ca`: the file of a certificate that its commands trust. */
type Furniture = { keys: Keys; calls: readonly History[]; relays: readonly string[]; ca?: string | undefined }

/**
 * Makes a home with this identity and these calls. The peers of the first ten calls are contacts, since what strangers may send is bounded.
 * Throws where one of its commands fails.
 */
export async function makeHome(folder: string, { keys, calls, relays, ca }: Furniture): Promise<Home> {
  const [dir, kept] = [join(folder, 'home'), join(folder, 'kept')]
  const state = join(dir, '.openclaw', 'p2p')
  mkdirSync(join(state, 'calls'), { recursive: true, mode: 0o700 })
  const setting = (others = relays): ProcessOptions => ({
    cwd: folder,
    env: { ...agentEnv(dir, others), ...(ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca }) },
    patience: TIMEOUT_MS,
  })
  await runProgram(setting(), ['whoami', '--import', '-'], toHex(keys.secret))
  for (const { log, secret } of calls) {
    writeFileSync(join(state, 'calls', `${log.id}.json`), JSON.stringify(log), { mode: 0o600 })
    if (secret === undefined) continue
    const { own } = secret
    const held = { version: 1, call: log.id, secretKey: toHex(own.secret), pubkey: own.pubkey }
    writeFileSync(join(state, 'calls', `${log.id}.key`), JSON.stringify(held), { mode: 0o600 })
  }
  for (const pubkey of new Set(calls.slice(0, 10).map((call) => call.peer.pubkey))) {
    await runProgram(setting(), ['contacts', 'add', pubkey, `n${pubkey.slice(0, 8)}`])
  }
  const count = (home: string): number => {
    const text = readFileSync(join(home, '.openclaw', 'p2p', 'state.json'), 'utf8')
    const { seen = {}, dropped = {} }: { seen?: object; dropped?: Record<string, number> } = JSON.parse(text)
    return Object.keys(seen).length - Object.values(dropped).reduce((sum, n) => sum + n, 0)
  }
  return {
    keys,
    calls,
    seen: () => count(dir) - count(kept),
    know(wraps) {
      const index = JSON.parse(readFileSync(join(state, 'state.json'), 'utf8'))
      for (const { id, created_at } of wraps) index.seen[id] = created_at
      writeFileSync(join(state, 'state.json'), JSON.stringify(index))
    },
    setting,
    reset() {
      rmSync(dir, { recursive: true, force: true })
      cpSync(kept, dir, { recursive: true, preserveTimestamps: true })
    },
    keep() {
      rmSync(kept, { recursive: true, force: true })
      cpSync(dir, kept, { recursive: true, preserveTimestamps: true })
    },
  }
}

/** Runs the built program. Throws where it does not end with 0. */
export async function runProgram(setting: ProcessOptions, args: readonly string[], stdin = ''): Promise<ProcessResult> {
  const ran = await startProcess(process.execPath, [PROGRAM, ...args], { ...setting, stdin }).ended
  if (ran.code !== 0) throw new Error(`p2p ${args.join(' ')} ended with ${ran.code}: ${ran.stderr}${ran.stdout}`)
  return ran
}
