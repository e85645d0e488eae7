// Transcripts of calls that are over, and of those that were too long to print: p2p/transcripts/<call-id>.md, one for each call.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isHex32, randomBytes, toHex } from '../../nostr/crypto.ts'
import type { Home } from '../home/paths.ts'
import { commitFiles, makeFolder, type OnStep, writeNew } from '../store/atomic.ts'
import { discard, removeLeftovers } from '../store/discard.ts'

/** Writes the transcript of a call over an earlier one, mode 0600, and gives its absolute path. Throws DISK_FULL, HOME_UNWRITABLE. */
export function saveTranscript(home: Home, callId: string, markdown: string, step: OnStep = () => {}): string {
  const target = transcriptPath(home, callId)
  makeFolder(home.transcripts, step)
  // Left by runs that were killed. No run writes a file for an hour.
  removeLeftovers(home.transcripts, PART_PREFIX, 3_600_000)
  const temp = join(home.transcripts, `${PART_PREFIX}${toHex(randomBytes(8))}`)
  try {
    writeNew(temp, markdown, target, step)
    commitFiles([{ temp, target }], step)
    return target
  } finally {
    discard(temp)
  }
}

/** The paths of transcripts by call id; none where the folder cannot be read. */
export function transcriptPaths(home: Home): Record<string, string> {
  const paths: Record<string, string> = {}
  for (const name of fileNames(home.transcripts)) {
    const call = name.endsWith('.md') ? name.slice(0, -'.md'.length) : ''
    if (isHex32(call)) paths[call] = join(home.transcripts, name)
  }
  return paths
}

function fileNames(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The path of a call's transcript, whether it exists or not. Throws for what is no call id. */
export function transcriptPath(home: Home, callId: string): string {
  if (!isHex32(callId)) throw new Error('a call id is 64 hex digits')
  return join(home.transcripts, `${callId}.md`)
}

const PART_PREFIX = '.part-'
