// escalations.jsonl: a line for every escalation, with what became of it.
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs'
import { Failure } from '../../errors.ts'
import type { Home } from '../home/paths.ts'
import { makeFolder } from '../store/atomic.ts'
import { withDiskErrors } from '../store/disk-errors.ts'
import { syncFile } from '../store/sync.ts'

/** Appends a line. Gives what went wrong as a value, undefined where nothing did: a full disk must not keep the owner from being told. */
export function logLine(home: Home, line: object): string | undefined {
  try {
    withDiskErrors(home.escalations, () => {
      makeFolder(home.dir)
      append(home.escalations, JSON.stringify(line))
    })
    return undefined
  } catch (error) {
    if (error instanceof Failure) return error.message
    throw error
  }
}

function append(path: string, line: string): void {
  const file = openSync(path, 'a+', 0o600)
  try {
    // A run that was killed, or a full disk, may have left half a line.
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    if (size > 0) readSync(file, last, 0, 1, size - 1)
    const broken = size > 0 && last.toString() !== '\n'
    writeFileSync(file, `${broken ? '\n' : ''}${line}\n`)
    syncFile(file)
  } finally {
    closeSync(file)
  }
}
