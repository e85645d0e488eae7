// Builds the program and puts it, with its SKILL.md, where an agent's harness looks for skills. With --hooks it also writes hooks into the
// harness's settings, which tell the agent that something waits. Identity and state lie elsewhere and are never touched.
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle } from './build.ts'
import { readSettings, replaceFile, writeSettings } from './install-skill/files.ts'
import { foundHarnesses, HARNESS_NAMES, type HookSettings, type Place, placeOf } from './install-skill/harnesses.ts'
import { hookCommand, withHooks, withoutHooks } from './install-skill/hooks.ts'

const SKILL = fileURLToPath(new URL('../skill/SKILL.md', import.meta.url))

const HELP = `npm run install-skill -- [--for openclaw|claude-code|codex|DIR]… [--project [DIR]] [--hooks | --remove]
  --for      whose skill: a harness, or the folder for the two files; without it, every harness that is found here
  --project  for one project alone: the folder that this is typed in, or DIR
  --hooks    also: the harness tells its agent what waits (docs/HARNESSES.md)
  --remove   takes back exactly what --hooks has written; the skill stays`

/** The environment and folder in which it is typed, and what builds the program and gives its path. */
export type Install = { env: NodeJS.ProcessEnv; cwd: string; build: () => Promise<string> }

/** Installs the skill, or takes its hooks back. Gives what is printed, and the exit code. @param args as typed */
export async function installSkill(
  args: readonly string[],
  context: Install,
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, stdout: `${(await install(args, context)).join('\n')}\n`, stderr: '' }
  } catch (error) {
    const why = `install-skill: ${error instanceof Error ? error.message : error}`
    const hint = 'hint: npm run install-skill -- --for DIR puts the two files into DIR; --help shows every option'
    return { code: 1, stdout: '', stderr: `${why}\n${hint}\n` }
  }
}

async function install(args: readonly string[], { env, cwd, build }: Install): Promise<string[]> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      for: { type: 'string', multiple: true },
      dir: { type: 'string', multiple: true },
      project: { type: 'boolean' },
      hooks: { type: 'boolean' },
      remove: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return [HELP]
  const surplus = positionals[values.project === true ? 1 : 0]
  if (surplus !== undefined) throw new Error(`"${surplus}" is too much`)
  // npm runs scripts in the package's folder, and tells where it was typed.
  const here = env.INIT_CWD ?? cwd
  const project = values.project === true ? resolve(here, positionals[0] ?? '.') : undefined
  const wanted = [
    ...(values.for ?? []).map((word) => placeFor(word, { here, project, env })),
    ...(values.dir ?? []).map((folder) => folderPlace(resolve(here, folder))),
  ]
  const places = wanted.length > 0 ? wanted : foundHarnesses(env).map((name) => harnessPlace(name, { project, env }))
  const program = values.remove === true ? undefined : await build()
  return places.flatMap((place) =>
    program === undefined ? removeFrom(place) : installAt(place, program, values.hooks === true),
  )
}

type Where = { here: string; project: string | undefined; env: NodeJS.ProcessEnv }

/** What `--for` names: a harness, else a folder, which is written with a slash or exists already. Throws for anything else. */
function placeFor(word: string, { here, ...where }: Where): Place {
  const name = HARNESS_NAMES.find((known) => known === word)
  if (name !== undefined) return harnessPlace(name, where)
  const folder = resolve(here, word)
  if (word.includes('/') || existsSync(folder)) return folderPlace(folder)
  throw new Error(`there is no harness "${word}" (${HARNESS_NAMES.join(', ')}); a new folder is written ./${word}`)
}

function harnessPlace(name: (typeof HARNESS_NAMES)[number], { project, env }: Omit<Where, 'here'>): Place {
  return placeOf(name, project, { env, node: process.execPath })
}

function folderPlace(folder: string): Place {
  return { name: 'folder', title: 'this folder', folder }
}

/** Installs at one place; gives what was done, for people. `built`: the program. Throws where files or settings cannot be written. */
function installAt({ title, folder, hooks }: Place, built: string, withThem: boolean): string[] {
  // Private, as harnesses make their folders.
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const program = join(folder, 'p2p.js')
  return [
    `the skill p2p-comm is in ${folder}`,
    `  ${replaceFile(program, built, 0o755)}`,
    `  ${replaceFile(join(folder, 'SKILL.md'), SKILL, 0o644)}`,
    `  for: ${title}`,
    ...(withThem ? hookLines(title, hooks) : []),
    `  next: node "${program}" status`,
    // The whole path of Node: cron's PATH seldom leads to it.
    `  cron: */2 * * * * "${process.execPath}" "${program}" announce --jitter 20 --quiet`,
  ]
}

function hookLines(title: string, hooks: HookSettings | undefined): string[] {
  if (hooks === undefined) return [`  hooks: ${title} runs no command of ours; docs/HARNESSES.md says how it is woken`]
  const before = readSettings(hooks.file)
  const edit = withHooks(before, hooks)
  if ('refused' in edit) throw new Error(`${hooks.file} is left as it is: ${edit.refused}`)
  if (edit.text !== before) writeSettings(hooks.file, edit.text)
  const what = edit.events.length === 0 ? 'as they were' : `${edit.events.join(', ')} written`
  return [
    `  hooks: ${what} in ${hooks.file}`,
    `         each runs: ${hookCommand(hooks)}`,
    ...(hooks.harness === 'codex' ? ['         Codex runs them once they are reviewed: /hooks in a session'] : []),
    ...strictnessNote(title, edit.text),
  ]
}

// Neither Claude Code nor Codex reads settings with comments, but their user may think so.
function strictnessNote(title: string, text: string): string[] {
  try {
    JSON.parse(text)
    return []
  } catch {
    return [`         note: it has comments or trailing commas, which ${title} may not read`]
  }
}

function removeFrom({ title, folder, hooks }: Place): string[] {
  const stays = `the skill p2p-comm for ${title}, in ${folder}, stays; delete the folder to take it away`
  const before = hooks === undefined ? undefined : readSettings(hooks.file)
  if (hooks === undefined || before === undefined) return [stays, '  hooks: none were there']
  const edit = withoutHooks(before, hooks)
  if ('refused' in edit) throw new Error(`${hooks.file} is left as it is: ${edit.refused}`)
  if (edit.events.length === 0) return [stays, `  hooks: none of ours in ${hooks.file}`]
  writeSettings(hooks.file, edit.text)
  const gone = edit.text === '' ? ', which held nothing else' : ''
  return [stays, `  hooks: ${edit.events.join(', ')} taken out of ${hooks.file}${gone}`]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { code, stdout, stderr } = await installSkill(process.argv.slice(2), {
    ...{ env: process.env, cwd: process.cwd(), build: bundle },
  })
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  process.exitCode = code
}
