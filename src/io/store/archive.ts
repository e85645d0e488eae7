// The archive of a call on disk: the segments p2p/calls/<id>/<n>.json beside the head p2p/calls/<id>.json. A segment is written before the
// head that names it, and taken away after the last head that named it, so whatever a head names exists.
import { readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from '../home/paths.ts'
import type { OnStep } from './atomic.ts'
import type { StoreCodec, StoredCall } from './codec.ts'
import { errno, withDiskErrors } from './disk-errors.ts'
import { COMES_AGAIN, type FileCache, loadFile, loadLogs, logPath, type ReportDamage, stampOf } from './load.ts'
import { takeAway } from './replace.ts'

/** A whole log, and the head and segments that it was made of. */
export type WholeCall<L, C> = { readonly log: L; readonly stored: StoredCall<L, C> }

/** The path of a segment of a call's archive. */
export function segmentPath(home: Home, id: string, number: number): string {
  return join(segmentFolder(logPath(home, id)), `${number}.json`)
}

/** The folder of the segments of a call, by the path of its head. */
export function segmentFolder(head: string): string {
  return head.slice(0, -'.json'.length)
}

/** The paths of all segments in such a folder, even of those that no head names any more. */
export function segmentFiles(folder: string): string[] {
  const names = withDiskErrors(folder, () => {
    try {
      return readdirSync(folder)
    } catch (error) {
      if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return []
      throw error
    }
  })
  return names.filter((name) => /^[1-9]\d*\.json$/.test(name)).map((name) => join(folder, name))
}

/** A call with its archive; undefined without a file, or where a part of it is damaged, which `reportDamage` is told. */
export function loadWhole<I, L, C, P>(
  home: Home,
  codec: StoreCodec<I, L, C, P>,
  id: string,
  reportDamage: ReportDamage,
  cache: FileCache = new Map(),
): WholeCall<L, C> | undefined {
  const path = logPath(home, id)
  for (;;) {
    const stamp = stampOf(path)
    const head = loadLogs(home, codec, [id], reportDamage, cache)[id]
    if (head === undefined) return undefined
    const { segments, why } = loadSegments(home, codec, id, head, cache)
    const stored = { head, segments }
    const log =
      why === undefined ? (codec.archive === undefined ? head : codec.archive.joinSegments(stored)) : undefined
    if (log !== undefined) return { log, stored }
    // Read without the lock: another run may have written the call whole meanwhile, and taken its segments away.
    if (stampOf(path) !== stamp) continue
    reportDamage(path, why ?? 'its archive holds something else', COMES_AGAIN)
    return undefined
  }
}

/**
 * Takes away the segments that the head on disk does not name. Needs the lock, whose folder is `own`. What fails is left to a later run.
 */
export function pruneSegments(home: Home, id: string, kept: readonly number[], own: string, step: OnStep): void {
  const folder = segmentFolder(logPath(home, id))
  const named = new Set(kept.map((number) => segmentPath(home, id, number)))
  try {
    const files = segmentFiles(folder)
    const gone = files.filter((path) => !named.has(path))
    if (gone.length === 0) return
    for (const [n, path] of gone.entries()) {
      step(`take away ${path}`)
      // Where the lock is lost the folder is gone, so this fails: the segment may be another run's by now.
      takeAway(path, own, `segment-${n}`)
    }
    step(`rmdir ${folder}`)
    if (gone.length === files.length) rmdirSync(folder)
  } catch (error) {
    // The change is on disk: an error of the disk must not have it applied once more.
    if (errno(error) === '') throw error
  }
}

function loadSegments<I, L, C, P>(
  home: Home,
  { archive: codec }: StoreCodec<I, L, C, P>,
  id: string,
  head: L,
  cache: FileCache,
): { segments: Map<number, C>; why?: string } {
  const segments = new Map<number, C>()
  for (const number of codec?.segmentsOf(head) ?? []) {
    let why = 'missing'
    const path = segmentPath(home, id, number)
    const hear = (what: string) => {
      why = what
    }
    const segment = codec && loadFile(path, codec.version, (value) => codec.parse(value), hear, cache)
    if (segment === undefined) return { segments, why: `segment ${number} of its archive: ${why}` }
    segments.set(number, segment)
  }
  return { segments }
}
