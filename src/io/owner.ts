// The owner's channels: who is told, and what came of it. What a peer wrote travels as data, never as a command's words.
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { makeFolder, onDisk } from './atomic.ts'
import type { Home } from './home.ts'

/** One escalation, as it is logged and handed to every channel. `at` is unix seconds; `call` is "" without one. */
export type Escalation = {
  id: string
  at: number
  agent: string
  call: string
  peer: string
  topic: string
  text: string
}

export type Channel = 'peer' | 'nostr' | 'openclaw' | 'webhook' | 'command' | 'log'

export type OwnerAnswer = { channel: Channel; ok: boolean; error?: string }

const PATIENCE = 10_000

/** Tells the owner through every configured channel, and always writes the log. */
export async function tellOwner(
  home: Home,
  command: readonly string[] | undefined,
  escalation: Escalation,
): Promise<OwnerAnswer[]> {
  const logged = log(home, escalation)
  if (command === undefined || command.length === 0) return [logged]
  return [await run(command, JSON.stringify(escalation)), logged]
}

function log(home: Home, escalation: Escalation): OwnerAnswer {
  onDisk(home.escalations, () => {
    makeFolder(home.dir)
    appendFileSync(home.escalations, `${JSON.stringify(escalation)}\n`, { mode: 0o600, flush: true })
  })
  return { channel: 'log', ok: true }
}

// The payload goes to stdin and nothing of it into the arguments; no shell; our secret stays out of the environment.
function run([file = '', ...args]: readonly string[], payload: string): Promise<OwnerAnswer> {
  const { P2P_SECRET_KEY: _, ...env } = process.env
  return new Promise((resolve) => {
    const done = (error?: string) =>
      resolve({ channel: 'command', ok: error === undefined, ...(error === undefined ? {} : { error }) })
    const child = spawn(file, args, {
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: PATIENCE,
      killSignal: 'SIGKILL',
    })
    child.on('error', (error) => done(error.message))
    child.on('close', (code, signal) => done(code === 0 ? undefined : `ended with ${code ?? signal}`))
    // A command that does not read its stdin is no fault of the escalation.
    child.stdin.on('error', () => {})
    child.stdin.end(payload)
  })
}
