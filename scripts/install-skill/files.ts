// Files that are replaced whole: whoever reads one finds the old one or the new.
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

/** Puts the bytes of a file in place. What became of it, for people. Throws what the disk says. */
export function replaceFile(path: string, source: string, mode: number): string {
  const bytes = readFileSync(source)
  const before = existsSync(path) ? readFileSync(path) : undefined
  const size = `${Math.ceil(bytes.length / 1024)} kB`
  if (before?.equals(bytes)) return `${basename(path)}: as it was, ${size}`
  putInPlace(path, bytes, mode)
  return `${basename(path)}: ${before === undefined ? 'new' : 'replaced'}, ${size}`
}

/** The text of a file; undefined where there is none. */
export function readSettings(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

/** Puts a text in place, in the file that a link leads to, with the rights that it had. "" removes a file, and empties a link's. */
export function writeSettings(path: string, text: string): void {
  if (!existsSync(path)) {
    // A harness keeps its folder to its user.
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
