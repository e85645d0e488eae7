// Builds the program and puts it beside its SKILL.md where OpenClaw finds skills. It writes these two files and nothing else:
// identity and state lie elsewhere. npm run install-skill [-- --dir DIR]
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle } from './build.ts'

const SKILL = fileURLToPath(new URL('../skill/SKILL.md', import.meta.url))

const { values } = parseArgs({ options: { dir: { type: 'string' } } })
try {
  await install(values.dir === undefined ? skillFolder(process.env) : resolve(values.dir))
} catch (error) {
  console.error(`install-skill: ${error instanceof Error ? error.message : error}`)
  console.error('hint: npm run install-skill -- --dir DIR puts the two files into DIR')
  process.exitCode = 1
}

/** The skill's folder: in the workspace that the name `clawd` stands for where there is one, else in OpenClaw's present one. */
function skillFolder({ OPENCLAW_STATE_DIR: state }: NodeJS.ProcessEnv): string {
  const clawd = join(homedir(), 'clawd')
  const workspace = existsSync(clawd) ? clawd : join(state || join(homedir(), '.openclaw'), 'workspace')
  return resolve(workspace, 'skills', 'p2p-comm')
}

async function install(folder: string): Promise<void> {
  // OpenClaw keeps its folders to itself, so what is made on the way is the user's alone too.
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const program = join(folder, 'p2p.js')
  const done = [replace(program, await bundle(), 0o755), replace(join(folder, 'SKILL.md'), SKILL, 0o644)]
  console.log(`the skill p2p-comm is in ${folder}`)
  for (const line of done) console.log(`  ${line}`)
  console.log(`  next: node "${program}" status`)
  // Cron's PATH seldom leads to this Node.
  console.log(`  cron: */2 * * * * "${process.execPath}" "${program}" announce --jitter 20 --quiet`)
}

// A command may be running from the old file, and the next one may begin at any moment: it finds the old one or the new.
function replace(path: string, source: string, mode: number): string {
  const bytes = readFileSync(source)
  const before = existsSync(path) ? readFileSync(path) : undefined
  const size = `${Math.ceil(bytes.length / 1024)} kB`
  if (before?.equals(bytes)) return `${basename(path)}: as it was, ${size}`
  const fresh = `${path}.${process.pid}`
  try {
    writeFileSync(fresh, bytes, { mode })
    renameSync(fresh, path)
  } finally {
    rmSync(fresh, { force: true })
  }
  return `${basename(path)}: ${before === undefined ? 'new' : 'replaced'}, ${size}`
}
