// Where state/hook-memory.ts is kept: p2p/hooks/, one file for each session of a harness, so that parallel sessions need no lock.
import { readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../../json.ts'
import { sha256, toHex } from '../../nostr/crypto.ts'
import { makeFolder, readText, writeNew } from '../store/atomic.ts'
import { discard } from '../store/discard.ts'
import type { Home } from './paths.ts'

/** Most sessions that are kept, the latest ones. */
const MAX_SESSIONS = 50

/** Opens the memory of a session. `read` gives what its file holds, undefined for none. `write` throws HOME_UNWRITABLE, DISK_FULL. */
export function openHookMemory(home: Home, session: string): { read(): unknown; write(value: unknown): void } {
  const folder = join(home.dir, 'hooks')
  // A harness may put anything into the name of a session: the hash is safe as a file name.
  const path = join(folder, `${toHex(sha256(Buffer.from(session, 'utf8'))).slice(0, 32)}.json`)
  return {
    read: () => parseJson(readText(path)?.text ?? ''),
    write(value) {
      makeFolder(folder)
      const temp = `${path}.${process.pid}`
      try {
        writeNew(temp, JSON.stringify(value), path)
        renameSync(temp, path)
      } finally {
        discard(temp)
      }
      prune(folder)
    },
  }
}

function prune(folder: string): void {
  const names = readdirSync(folder)
  if (names.length <= MAX_SESSIONS) return
  const aged = names
    .map((name) => join(folder, name))
    .map((path) => ({ path, at: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.at - a.at)
  for (const { path } of aged.slice(MAX_SESSIONS)) discard(path)
}
