// Where an agent's files are: one folder, p2p/, with the identity beside it.
import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { Failure } from '../../errors.ts'
import { inputText } from '../../input-text.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** Absolute paths. `root` belongs to the user and may hold other things; `dir` and everything below it is ours. */
export type Home = {
  readonly root: string
  readonly identity: string
  /** The file with the pubkey of the identity that has had a state here. */
  readonly used: string
  readonly dir: string
  readonly config: string
  readonly state: string
  readonly calls: string
  readonly letters: string
  readonly files: string
  readonly transcripts: string
  readonly escalations: string
}

/**
 * The home at --home, else P2P_HOME, else OPENCLAW_STATE_DIR, else ~/.openclaw; an empty value counts as not given. Touches no file. Throws
 * BAD_HOME for a path that was hardly meant so (quotes, an unset variable): another folder would be another agent.
 */
export function homeOf(option: string | undefined, env: Env): Home {
  const given = { '--home': option, P2P_HOME: env.P2P_HOME, OPENCLAW_STATE_DIR: env.OPENCLAW_STATE_DIR }
  const [name, path] = Object.entries(given).find(([, value]) => value) ?? ['', '~/.openclaw']
  const root = resolve(expandTilde(checkedPlace(name, path ?? ''), env))
  const dir = join(root, 'p2p')
  return {
    root,
    identity: join(root, 'p2p-identity.json'),
    used: join(root, 'p2p-identity.used'),
    dir,
    config: join(dir, 'config.json'),
    state: join(dir, 'state.json'),
    calls: join(dir, 'calls'),
    letters: join(dir, 'letters'),
    files: join(dir, 'files'),
    transcripts: join(dir, 'transcripts'),
    escalations: join(dir, 'escalations.jsonl'),
  }
}

// Crontabs and .env files pass ~ on unexpanded; a folder named "~" in some working directory would be a second identity.
function expandTilde(path: string, env: Env): string {
  if (path !== '~' && !path.startsWith('~/')) return path
  return join(env.HOME ? checkedPlace('HOME', env.HOME) : userFolder(), path.slice(1))
}

function checkedPlace(name: string, path: string): string {
  const { text, wrong } = inputText('place', path)
  if (text !== undefined) return text
  const hint = 'give the path as it is, without quotes, and with nothing before or behind it'
  throw new Failure('BAD_HOME', `${name} ${wrong}: ${JSON.stringify(path.slice(0, 200))}`, hint)
}

// A container may run as a number that no user has.
function userFolder(): string {
  try {
    // Where HOME is set to nothing, homedir() gives nothing too.
    const folder = homedir() || userInfo().homedir
    if (folder !== '') return folder
  } catch {
    // Refused below.
  }
  throw new Failure(
    'BAD_HOME',
    'HOME is not set, and the system knows no folder of this user',
    'name the folder of identity and state: P2P_HOME=/path, or `--home /path` with every command',
  )
}
