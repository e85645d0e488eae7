// Where each harness looks for skills and for hooks. docs/HARNESSES.md says where that is documented.
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export const HARNESS_NAMES = ['openclaw', 'claude-code', 'codex'] as const
export type HarnessName = (typeof HARNESS_NAMES)[number]

/** Where a skill goes. `folder`: that of the skill; `hooks`: the harness's hooks, where it has any. */
export type Place = { name: HarnessName | 'folder'; title: string; folder: string; hooks?: HookSettings }

/** `file`: where the harness's hooks are. `node` and `program`: how it starts ours, as words for a shell. */
export type HookSettings = {
  harness: HarnessName
  file: string
  events: readonly string[]
  node: string
  program: string
}

/** The events of our hooks, which Claude Code and Codex call by the same names; docs/HARNESSES.md says what each is for. */
const EVENTS = ['SessionStart', 'UserPromptSubmit', 'PostToolUse', 'Stop']

/** `node`: the path of the Node that runs our program. */
export type Machine = { env: NodeJS.ProcessEnv; node: string }

/** The place for a harness: the user's own, or that of the folder `project`. */
export function placeOf(name: HarnessName, project: string | undefined, { env, node }: Machine): Place {
  const own = (variable: string, folder: string) => env[variable] || join(userFolder(env), folder)
  switch (name) {
    case 'openclaw':
      return { name, title: 'OpenClaw', folder: join(project ?? workspaceOf(env), 'skills', 'p2p-comm') }
    case 'claude-code': {
      const root = project === undefined ? own('CLAUDE_CONFIG_DIR', '.claude') : join(project, '.claude')
      const folder = join(root, 'skills', 'p2p-comm')
      const hooks = { harness: name, file: join(root, 'settings.json'), events: EVENTS }
      // A project's settings are shared: they name no path of this machine.
      const start =
        project === undefined
          ? { node: shellWord(node), program: shellWord(join(folder, 'p2p.js')) }
          : { node: 'node', program: '"$CLAUDE_PROJECT_DIR"/.claude/skills/p2p-comm/p2p.js' }
      return { name, title: 'Claude Code', folder, hooks: { ...hooks, ...start } }
    }
    case 'codex': {
      const folder = join(project ?? userFolder(env), '.agents', 'skills', 'p2p-comm')
      const root = project === undefined ? own('CODEX_HOME', '.codex') : join(project, '.codex')
      const hooks = { harness: name, file: join(root, 'hooks.json'), events: EVENTS }
      const start = { node: shellWord(node), program: shellWord(join(folder, 'p2p.js')) }
      return { name, title: 'Codex', folder, hooks: { ...hooks, ...start } }
    }
  }
}

/** The harnesses that this user has; OpenClaw where none is found. */
export function foundHarnesses(env: NodeJS.ProcessEnv): HarnessName[] {
  const isHere: Record<HarnessName, boolean> = {
    openclaw: existsSync(join(userFolder(env), 'clawd')) || holdsMoreThanOurs(stateOf(env)),
    'claude-code': existsSync(env.CLAUDE_CONFIG_DIR || join(userFolder(env), '.claude')),
    codex: existsSync(env.CODEX_HOME || join(userFolder(env), '.codex')),
  }
  const found = HARNESS_NAMES.filter((name) => isHere[name])
  return found.length === 0 ? ['openclaw'] : found
}

// Our own identity and state lie in OpenClaw's folder even where there is no OpenClaw.
function holdsMoreThanOurs(folder: string): boolean {
  const names = existsSync(folder) ? readdirSync(folder) : ['p2p']
  return names.length === 0 || names.some((name) => !/^\.?p2p/.test(name))
}

// The folder `clawd`, OpenClaw's earlier workspace, where there is one; else the present one.
function workspaceOf(env: NodeJS.ProcessEnv): string {
  const clawd = join(userFolder(env), 'clawd')
  return resolve(existsSync(clawd) ? clawd : join(stateOf(env), 'workspace'))
}

function stateOf(env: NodeJS.ProcessEnv): string {
  return env.OPENCLAW_STATE_DIR || join(userFolder(env), '.openclaw')
}

function userFolder({ HOME }: NodeJS.ProcessEnv): string {
  return HOME || homedir()
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
