// The call files of 0.1.0: read once, and then put into a folder of their own, whole, so that no second reader of calls lives on.
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseJson } from '../../json.ts'
import { saveTranscript } from '../files/transcripts.ts'
import type { Home } from '../home/paths.ts'
import { makeFolder } from './atomic.ts'

/** Where they are put, beside the calls. */
const FOLDER = 'calls-0.1.0'

/** What a renderer makes of the files of one call: undefined for what is none of 0.1.0's. */
export type RenderLegacy = (files: readonly unknown[]) => { id: string; markdown: string } | undefined

/**
 * Renders every call of 0.1.0 into p2p/transcripts and sets its files aside. It may be run again after a run that was killed: what
 * was set aside is done. Needs the lock. Gives the ids. Throws DISK_FULL, HOME_UNWRITABLE.
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
