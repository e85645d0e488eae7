// Where an agent's files are: one folder, p2p/, with the identity beside it.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export type Env = Readonly<Record<string, string | undefined>>

/** Absolute paths. `root` belongs to the user and may hold other things; `dir` and what is below it is ours. */
export type Home = {
  readonly root: string
  readonly identity: string
  readonly dir: string
  readonly config: string
  readonly state: string
  readonly calls: string
  readonly files: string
  readonly transcripts: string
  readonly escalations: string
}

/** --home, else P2P_HOME, else OPENCLAW_STATE_DIR, else ~/.openclaw. Touches nothing; an empty value counts as not given. */
export function homeOf(option: string | undefined, env: Env): Home {
  const root = resolve(expandTilde(option || env.P2P_HOME || env.OPENCLAW_STATE_DIR || '~/.openclaw', env))
  const dir = join(root, 'p2p')
  return {
    root,
    identity: join(root, 'p2p-identity.json'),
    dir,
    config: join(dir, 'config.json'),
    state: join(dir, 'state.json'),
    calls: join(dir, 'calls'),
    files: join(dir, 'files'),
    transcripts: join(dir, 'transcripts'),
    escalations: join(dir, 'escalations.jsonl'),
  }
}

// Crontabs and .env files pass ~ on as it stands; a folder named "~" in some working directory would be a second identity.
function expandTilde(path: string, env: Env): string {
  if (path !== '~' && !path.startsWith('~/')) return path
  return join(env.HOME || homedir(), path.slice(1))
}
