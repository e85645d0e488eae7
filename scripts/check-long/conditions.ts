// The conditions under which the program is run: kinds of machines and shells, how a command is started there, and what that needs.
import { execFileSync } from 'node:child_process'

/** A command of an agent, before a condition has changed it. `args`: the words after the program's file. */
export type PlannedCommand = {
  node: string
  /** [major, minor] of that Node. */
  version: readonly [number, number]
  program: string
  args: readonly string[]
  home: string
  env: Readonly<Record<string, string>>
}

export type ShellCommand = { file: string; args: readonly string[]; env: Readonly<Record<string, string>> }

/**
 * `wrap`: makes the command that runs under the condition. `folder`: the name of the folder for the agents' homes. `uid`: the user that the
 * homes belong to. `unless`: why the condition cannot be had here, undefined where it can.
 */
export type Condition = {
  name: string
  wrap: (command: PlannedCommand) => ShellCommand
  folder?: string
  uid?: number
  unless?: (version: readonly [number, number]) => string | undefined
}

const plain = ({ node, program, args, env }: PlannedCommand): ShellCommand => ({
  file: node,
  args: [program, ...args],
  env,
})

/** A line for bash, which gets the command as "$@". */
function inShell(line: string, command: PlannedCommand): ShellCommand {
  const { file, args, env } = plain(command)
  return { file: 'bash', args: ['-c', line, 'bash', file, ...args], env }
}

const withEnv = (more: Record<string, string>) => (command: PlannedCommand) => {
  const { file, args, env } = plain(command)
  return { file, args, env: { ...env, ...more } }
}

const without =
  (...names: string[]) =>
  (command: PlannedCommand) => {
    const { file, args, env } = plain(command)
    return { file, args, env: Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name))) }
  }

// https://nodejs.org/api/permissions.html. A second thread opens a full mailbox. Child processes, for hooks and the owner's program, stay
// forbidden.
function permitted({ node, version, program, args, home, env }: PlannedCommand): ShellCommand {
  const flag = version[0] < 22 ? '--experimental-permission' : '--permission'
  const flags = [flag, `--allow-fs-read=${program}`, `--allow-fs-read=${home}*`, `--allow-fs-write=${home}*`]
  return { file: node, args: [...flags, '--allow-worker', '--no-warnings', program, ...args], env }
}

const needs = (program: string) => () => (isThere(program) ? undefined : `there is no ${program}`)
const needsRoot = () => (process.getuid?.() === 0 ? undefined : 'only root can do that')

function isThere(program: string): boolean {
  try {
    execFileSync('bash', ['-c', `command -v ${program}`], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

export const CONDITIONS: readonly Condition[] = [
  { name: 'as it is', wrap: plain },
  { name: "Node's permission model", wrap: permitted },
  {
    name: 'NODE_OPTIONS set',
    wrap: withEnv({ NODE_OPTIONS: '--max-old-space-size=256 --enable-source-maps --unhandled-rejections=strict' }),
  },
  { name: '64 MB of heap', wrap: withEnv({ NODE_OPTIONS: '--max-old-space-size=64' }) },
  { name: 'stdin closed', wrap: (command) => inShell('exec "$@" <&-', command) },
  { name: 'stdin and stderr closed', wrap: (command) => inShell('exec "$@" <&- 2>&-', command) },
  {
    name: 'a terminal, TERM=dumb',
    // script(1) gives the command a terminal, and prints on stdout what that shows.
    wrap: (command) =>
      inShell(
        'printf -v line "%q " "$@"; SHELL=/bin/bash TERM=dumb script -qec "$line" /dev/null < /dev/null',
        command,
      ),
    unless: needs('script'),
  },
  { name: 'LANG=C', wrap: withEnv({ LANG: 'C', LC_ALL: 'C' }) },
  { name: 'HOME not set', wrap: without('HOME') },
  { name: 'HOME set to nothing', wrap: withEnv({ HOME: '' }) },
  { name: 'no environment at all but P2P_HOME and P2P_RELAYS', wrap: without('HOME', 'PATH') },
  {
    name: 'a folder with spaces, an apostrophe and other letters',
    folder: "Zoë's own folder",
    wrap: plain,
  },
  {
    name: 'a working directory that is gone',
    wrap: (command) => inShell('d=$(mktemp -d); cd "$d" && rmdir "$d"; exec "$@"', command),
  },
  {
    name: 'a read-only root with one writable folder',
    wrap: (command) => {
      const inside =
        'mount --bind "$P2P_HOME" "$P2P_HOME"; for m in $(awk \'{print $2}\' /proc/mounts); do [ "$m" = "$P2P_HOME" ] || mount -o remount,bind,ro "$m" 2> /dev/null; done; exec "$@"'
      const { file, args, env } = inShell(inside, command)
      return { file: 'unshare', args: ['-m', file, ...args], env }
    },
    unless: needsRoot,
  },
  { name: 'ulimit -n 64', wrap: (command) => inShell('ulimit -n 64; exec "$@"', command) },
  {
    name: 'a user that the system does not know',
    uid: 54_321,
    wrap: (command) => {
      const { file, args, env } = plain(command)
      return { file: 'setpriv', args: ['--reuid', '54321', '--regid', '54321', '--clear-groups', file, ...args], env }
    },
    unless: () => needsRoot() ?? needs('setpriv')(),
  },
  { name: 'umask 000', wrap: (command) => inShell('umask 000; exec "$@"', command) },
]
