// What lies on disk of calls beside their own files: keys, transcripts and folders of received files.
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { transcriptPaths } from '../files/transcripts.ts'
import type { Home } from '../home/paths.ts'
import { listCallKeys } from './call-keys.ts'
import { namesIn } from './load.ts'

/**
 * `changed`: when it was last written, unix seconds. `spoken`: when the file of its call was last written, even one that was damaged and
 * set aside. `folder`: the first eight digits of the ids of its calls.
 */
export type FilesOnDisk = {
  keys: readonly { call: string; changed: number; spoken?: number }[]
  transcripts: readonly { call: string; changed: number }[]
  folders: readonly { folder: string; changed: number }[]
}

/** Lists call keys, transcripts and folders of received files. Throws what reading a folder throws. */
export function listKeptFiles(home: Home): FilesOnDisk {
  const transcripts = Object.entries(transcriptPaths(home)).flatMap(([call, path]) => {
    const changed = changedAt(path)
    return changed === undefined ? [] : [{ call, changed }]
  })
  const folders = namesIn(home.files).flatMap((folder) => {
    const changed = /^[0-9a-f]{8}$/.test(folder) ? changedAt(join(home.files, folder)) : undefined
    return changed === undefined ? [] : [{ folder, changed }]
  })
  return { keys: keysOf(home), transcripts, folders }
}

function keysOf(home: Home): FilesOnDisk['keys'] {
  const keys = listCallKeys(home)
  if (keys.length === 0) return keys
  const spoken = new Map<string, number>()
  for (const name of namesIn(home.calls)) {
    const call = HEAD_NAME.exec(name)?.[1]
    const changed = call === undefined ? undefined : changedAt(join(home.calls, name))
    if (call !== undefined && changed !== undefined) spoken.set(call, Math.max(spoken.get(call) ?? 0, changed))
  }
  return keys.map((key) => {
    const last = spoken.get(key.call)
    return last === undefined ? key : { ...key, spoken: last }
  })
}

// With the suffix of `quarantine`, too.
const HEAD_NAME = /^([0-9a-f]{64})\.json(?:\.damaged-[0-9-]+)?$/

function changedAt(path: string): number | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats === undefined ? undefined : Math.floor(stats.mtimeMs / 1000)
}
