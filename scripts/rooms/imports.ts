// What each file of src/ imports, read from its text: for test/house/layers.test.ts and for the picture of the rooms.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** `to`: a path below src/, or a package. `type`: whether only types are imported. */
export type Import = { to: string; type: boolean }

/** The text of every file of src/, by its path below src/. */
export function readSources(): Map<string, string> {
  return new Map(
    readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name.replaceAll('\\', '/'), readFileSync(join(SRC, name), 'utf8')]),
  )
}

/** The first folder in a file's path, with a slash at its end; for a file directly in src/ its own name. */
export function roomOf(name: string): string {
  return name.includes('/') ? `${name.split('/')[0]}/` : name
}

/** All that a file imports or re-exports, also with `import()`. */
export function importsOf(name: string, text: string): Import[] {
  const code = withoutComments(text)
  const statements = [...code.matchAll(STATEMENT)].map(([, type, names = '', to = '']) => {
    const each = /^\{(.*)\}$/s.exec(names.trim())?.[1]?.split(',') ?? ['all of it']
    return { to, type: type !== undefined || each.every((n) => n.trim() === '' || n.trim().startsWith('type ')) }
  })
  const later = [...code.matchAll(LATER)].map(([, to, effect]) => ({ to: to ?? effect ?? '', type: false }))
  return [...statements, ...later].map(({ to, type }) => ({
    to: to.startsWith('.') ? posix.join(dirname(name), to) : to,
    type,
  }))
}

const STATEMENT = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s+'([^']+)'/g
const LATER = /\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)\s*import\s+'([^']+)'/g

/** The code without its comments. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}
