// The lane "platforms": a whole call under each Node on this machine and each condition, for the table in docs/PLATFORMS.md.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { homedir, release } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../build.ts'
import type { LaneOptions } from '../check-long.ts'
import { CONDITIONS } from './conditions.ts'
import { converse } from './conversation.ts'

const PAGE = fileURLToPath(new URL('../../docs/PLATFORMS.md', import.meta.url))

/** The versions of Node that the program promises to run on: the lowest one, and the long-term ones since. */
const PROMISED = ['20.19', '22', '24']

type NodeProgram = { path: string; version: string }

/** Plays a call with every Node of this machine under every condition, and writes docs/PLATFORMS.md. Gives whether all was well. */
export async function checkPlatforms({ nodes: named, tell }: LaneOptions): Promise<boolean> {
  await bundle()
  const nodes = nodesHere(named)
  const absent = PROMISED.filter((wanted) => !nodes.some(({ version }) => `${version}.`.startsWith(`${wanted}.`)))
  if (absent.length > 0) tell(`not here, so not run: Node ${absent.join(', ')}; --node PATH names one`)
  const rows: string[][] = []
  let ok = true
  for (const condition of CONDITIONS) {
    const row = [condition.name]
    for (const { path, version } of nodes) {
      const [major = 0, minor = 0] = version.split('.').map(Number)
      const why = condition.unless?.([major, minor])
      const failed = why === undefined ? await converse({ node: path, version: [major, minor] }, condition) : undefined
      if (failed !== undefined) ok = false
      tell(`${version.padEnd(9)} ${condition.name}: ${failed ?? why ?? 'ok'}`)
      row.push(why === undefined ? (failed === undefined ? 'ok' : 'FAILED') : `not run: ${why}`)
    }
    rows.push(row)
  }
  writePage(nodes, absent, rows)
  return ok
}

/** The Nodes on this machine and the `named` ones, each version once, the oldest first. Nothing is downloaded. */
function nodesHere(named: readonly string[]): NodeProgram[] {
  const managed = join(homedir(), '.nvm', 'versions', 'node')
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/bin', '/opt/node/bin']
  const found = folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => /^node[\d.]*$/.test(name))
      .map((name) => join(folder, name)),
  )
  const all = [
    process.execPath,
    ...named,
    ...found,
    ...namesIn(managed).map((name) => join(managed, name, 'bin', 'node')),
  ]
  const versions = new Map<string, NodeProgram>()
  for (const path of new Set(all)) {
    const program = nodeAt(path)
    if (program !== undefined && !versions.has(program.version)) versions.set(program.version, program)
  }
  const order = new Intl.Collator('en', { numeric: true })
  return [...versions.values()].sort((a, b) => order.compare(a.version, b.version))
}

function nodeAt(path: string): NodeProgram | undefined {
  try {
    const version = execFileSync(realpathSync(path), ['--version'], { stdio: 'pipe' }).toString().trim().slice(1)
    return /^\d+\.\d+\.\d+$/.test(version) ? { path: realpathSync(path), version } : undefined
  } catch {
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const [BEGIN, END] = ['<!-- table: npm run check:long -->', '<!-- /table -->']

function writePage(nodes: readonly NodeProgram[], absent: readonly string[], rows: readonly string[][]): void {
  const head = ['condition', ...nodes.map(({ version }) => `Node ${version}`)]
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
  const date = new Date().toISOString().slice(0, 10)
  const where = `Run on ${date}, Linux ${release().split('-')[0]}, ${process.arch}.`
  const not = absent.length === 0 ? '' : ` Not on that machine, so not run: Node ${absent.join(', ')}.`
  const page = readFileSync(PAGE, 'utf8')
  const [before = '', rest = ''] = page.split(BEGIN)
  const after = rest.split(END)[1] ?? ''
  writeFileSync(PAGE, `${before}${BEGIN}\n${where}${not}\n\n${table.join('\n')}\n${END}${after}`)
}
