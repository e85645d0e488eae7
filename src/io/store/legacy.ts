// The call files of 0.1.0: read once and then moved, unchanged, into a folder of their own, so that nothing else must be able to read them.
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseJson } from '../../json.ts'
import { saveTranscript } from '../files/transcripts.ts'
import type { Home } from '../home/paths.ts'
import { makeFolder } from './atomic.ts'

/** The folder below p2p/ that they are moved to. */
const FOLDER = 'calls-0.1.0'

/** Renders the files of one call; undefined for a call that is none of 0.1.0's. */
export type RenderLegacy = (files: readonly unknown[]) => { id: string; markdown: string } | undefined

/**
 * Writes a transcript of every call of 0.1.0 and sets its files aside. Gives their ids. After a run that was killed it does the rest. Needs
 * the lock. Throws DISK_FULL, HOME_UNWRITABLE.
 */
export function setAsideLegacyCalls(home: Home, render: RenderLegacy): string[] {
  const names = filesIn(home.calls).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
  return names.flatMap((name): string[] => {
    const id = basename(name, '.json')
    const parts = filesIn(join(home.calls, id)).filter((part) => /^[1-9]\d*\.json$/.test(part))
    const files = [join(home.calls, name), ...parts.map((part) => join(home.calls, id, part))]
    const rendered = render(files.map((path) => parseJson(readText(path))))
    if (rendered === undefined) return []
    saveTranscript(home, rendered.id, rendered.markdown)
    const aside = join(home.dir, FOLDER)
    makeFolder(aside)
    if (parts.length > 0) renameSync(join(home.calls, id), join(aside, id))
    renameSync(join(home.calls, name), join(aside, name))
    return [rendered.id]
  })
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
