// Replaces files as a whole: whoever reads one finds the old one or the new one.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'

/** Copies the file `source` to `path`. Gives what was done, for people. Throws errors of the disk. */
export function replaceFile(path: string, source: string, mode: number): string {
  const bytes = readFileSync(source)
  const before = existsSync(path) ? readFileSync(path) : undefined
  const size = `${Math.ceil(bytes.length / 1024)} kB`
  if (before?.equals(bytes)) return `${basename(path)}: as it was, ${size}`
  putInPlace(path, bytes, mode)
  return `${basename(path)}: ${before === undefined ? 'new' : 'replaced'}, ${size}`
}

/** The text of a settings file; undefined where there is none. */
export function readSettings(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

/** Writes a settings file: the one that a link leads to, with the mode that it had. "" removes a file; one behind a link becomes empty. */
export function writeSettings(path: string, text: string): void {
  if (!existsSync(path)) {
    // Private, as harnesses make their folders.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    putInPlace(path, text, 0o600)
  } else if (text === '' && !lstatSync(path).isSymbolicLink()) {
    rmSync(path)
  } else {
    const file = realpathSync(path)
    putInPlace(file, text, statSync(file).mode & 0o777)
  }
}

function putInPlace(path: string, content: string | Uint8Array, mode: number): void {
  const fresh = `${path}.${process.pid}`
  try {
    writeFileSync(fresh, content, { mode })
    renameSync(fresh, path)
  } finally {
    rmSync(fresh, { force: true })
  }
}
