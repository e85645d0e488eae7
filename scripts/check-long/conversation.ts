// Plays a whole call between two agents, each command of which is started under a condition.
import { createHash } from 'node:crypto'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord, parseJson } from '../../src/json.ts'
import { valueAt } from '../json-path.ts'
import { PROGRAM, startProcess, withTemporaryFolder } from '../processes.ts'
import { startRelay } from '../relay.ts'
import type { Condition, PlannedCommand } from './conditions.ts'

/** Runs a command and gives its JSON. Rejects where the command failed. */
type Agent = (...args: string[]) => Promise<unknown>

/** Letters of several bytes, and one of two UTF-16 units, which a locale may spoil. */
const TEXT = 'Grüße aus Zürich ✓ \u{1f44b}'

const FILE_BYTES = 120_000

/** `programs`: those of the caller and the callee; the built one for both where this is left out. */
type Machine = Pick<PlannedCommand, 'node' | 'version'> & { programs?: readonly [string, string] }

/** Plays a call under a condition, with a relay of its own. Gives what went wrong first; undefined where all was well. */
export async function converse(
  { node, version, programs = [PROGRAM, PROGRAM] }: Machine,
  condition: Condition,
): Promise<string | undefined> {
  const relay = await startRelay()
  try {
    return await withTemporaryFolder(async (folder) => {
      const make = (name: string, program: string) =>
        agent({ node, version, program }, condition, { folder, name, relay: relay.url })
      const [ada, ben] = [make('ada', programs[0]), make('ben', programs[1])]
      const bytes = Buffer.from(Array.from({ length: FILE_BYTES }, (_, n) => (n * 7919) % 251))
      const source = join(ada.home, 'report.bin')
      writeFileSync(source, bytes)
      if (condition.uid !== undefined) chownSync(source, condition.uid, condition.uid)
      try {
        const npub = text(await ben.run('whoami'), '.agent.npub')
        const id = text(await ada.run('call', npub, TEXT), '.call.id')
        await ben.run('answer', 'accept', TEXT)
        await ada.run('send', TEXT)
        expectEqual(text(await ben.run('inbox'), '.new[type=message].text'), TEXT)
        await ada.run('sendfile', source)
        const saved = text(await ben.run('inbox'), '.new[type=file].path')
        expectEqual(sha256(readFileSync(saved)), sha256(bytes))
        await ben.run('end', TEXT)
        await ada.run('inbox')
        const kept = await ada.run('transcript', id)
        expectEqual(JSON.stringify(kept).includes('Zürich'), true)
        await ada.run('doctor', '--timeout', '4')
        return undefined
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    })
  } finally {
    await relay.close()
  }
}

function agent(
  { node, version, program }: Pick<PlannedCommand, 'node' | 'version' | 'program'>,
  { wrap, folder: own = '', uid }: Condition,
  { folder, name, relay }: { folder: string; name: string; relay: string },
): { home: string; run: Agent } {
  const home = join(folder, own, name)
  mkdirSync(home, { recursive: true, mode: 0o700 })
  if (uid !== undefined) for (const path of [folder, home]) chownSync(path, uid, uid)
  const env = { PATH: process.env.PATH ?? '', HOME: home, P2P_HOME: home, P2P_RELAYS: relay }
  const run = async (...words: string[]) => {
    const planned = { node, version, program, args: [...words, '--json'], home, env }
    const { file, args, env: all } = wrap(planned)
    const { code, stdout, stderr } = await startProcess(file, args, { cwd: folder, env: all }).ended
    const said = parseJson(stdout)
    if (code === 0 && isRecord(said) && said.ok === true) return said
    const why = valueAt(said, '.error.message') ?? (stderr.trim() || stdout.trim().slice(0, 300))
    throw new Error(`${words[0]} ended with ${code}: ${String(why).split('\n').slice(0, 3).join(' ')}`)
  }
  return { home, run }
}

function text(json: unknown, path: string): string {
  const value = valueAt(json, path)
  if (typeof value === 'string') return value
  throw new Error(`no ${path} in ${JSON.stringify(json).slice(0, 200)}`)
}

function expectEqual<T>(found: T, wanted: T): void {
  if (found !== wanted) throw new Error(`${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
