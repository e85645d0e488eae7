// An agent at relays of its own, and what each of its commands takes: time, memory, and what relays had to send.
import { agentEnv, PROGRAM, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { type EmbeddedRelay, type RelayOptions, startRelay } from '../../scripts/relay.ts'
import { toHex } from '../../src/nostr/crypto.ts'
import { peakMemory } from './preloads.ts'
import { startRun } from './runs.ts'
import type { strangerKeys } from './strangers.ts'

/** `ms`: how long it took; `memory`: the most that it held, in MiB, where it was a process; `sent`: how many events the relays sent meanwhile. */
export type MailboxRun = {
  code: number | null
  ms: number
  memory: number
  new: string[]
  notices: string[]
  sent: number
}

export type MailboxReader = {
  folder: string
  relays: EmbeddedRelay[]
  /** Runs a command with --json. */
  run(...args: string[]): Promise<MailboxRun>
  /** The same in this process, whatever the others are. */
  runHere(...args: string[]): Promise<MailboxRun>
}

type Keys = ReturnType<typeof strangerKeys>

/** `processes`: every command is a process of its own, whose memory is measured. */
export type ReaderOptions = { relays: readonly RelayOptions[]; processes: boolean }

/** @param agents whose mailbox it is, and a contact by the name of carol */
export async function withMailboxReader(
  options: ReaderOptions,
  { ben, carol }: { ben: Keys; carol: Keys },
  body: (reader: MailboxReader) => Promise<void>,
): Promise<void> {
  const relays = await Promise.all(options.relays.map((one) => startRelay({ trust: true, auth: 'none', ...one })))
  const countSent = () => relays.reduce((sum, { sent }) => sum + sent.events, 0)
  try {
    await withTemporaryFolder(async (folder) => {
      const urls = relays.map(({ url }) => url)
      const env = { ...agentEnv(folder, urls), P2P_SECRET_KEY: toHex(ben.secret) }
      const here = (args: string[]) => startRun(args, { env }).ended
      const asProcess = (args: string[]) =>
        startProcess(process.execPath, [...peakMemory.flags, PROGRAM, ...args], { cwd: folder, env }).ended
      const runBy =
        (program: typeof here) =>
        async (...args: string[]) => {
          const before = countSent()
          const { code, ms, stdout, stderr } = await program([...args, '--json'])
          const said = JSON.parse(stdout)
          return {
            ...{ code, ms, memory: Number(/peak RSS (\d+)/.exec(stderr)?.[1]) },
            new: (said.new ?? []).map((item: { text: string }) => item.text),
            notices: said.notices ?? [],
            sent: countSent() - before,
          }
        }
      await here(['contacts', 'add', carol.pubkey, 'carol'])
      await body({ folder, relays, run: runBy(options.processes ? asProcess : here), runHere: runBy(here) })
    })
  } finally {
    await Promise.all(relays.map((relay) => relay.close()))
  }
}
