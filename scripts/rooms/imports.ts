// What each file of src/ imports, read from its text: for the table of rooms (test/house/layers.test.ts) and for their picture.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** `to`: a path from src/ on, or a package. `type`: only types of it. */
export type Import = { to: string; type: boolean }

/** The text of every file of src/, by its path from there on. */
export function readSources(): Map<string, string> {
  return new Map(
    readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name.replaceAll('\\', '/'), readFileSync(join(SRC, name), 'utf8')]),
  )
}

/** The folder that a file of src/ lies in, with a slash at its end; a file on top stands for itself. */
export function roomOf(name: string): string {
  return name.includes('/') ? `${name.split('/')[0]}/` : name
}

/** All that a file imports or passes on. */
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

/** The code alone. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}
