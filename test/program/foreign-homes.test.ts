// The attack: somebody else has made the folder that we are told to use, or can change what is in it, and its config.json has
// us run a program. Nothing in it is believed, and no identity is made beside it.
import {
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRun } from '../support/runs.ts'

const [MALLORY, ADA] = [12_345, 12_346]
const asRoot = describe.skipIf(process.getuid?.() !== 0)

/** The folder of a home, told with P2P_HOME, with a hook in it that leaves a file behind. */
type Scene = { folder: string; home: string; config: string; ran: string }

async function scene(body: (scene: Scene) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    chmodSync(folder, 0o755)
    const home = join(folder, 'agent')
    mkdirSync(join(home, 'p2p'), { recursive: true, mode: 0o700 })
    const [config, ran] = [join(home, 'p2p', 'config.json'), join(folder, 'ran')]
    writeFileSync(config, JSON.stringify({ hook: { command: ['touch', ran], unknown: true }, name: 'Mallory' }), {
      mode: 0o600,
    })
    await body({ folder, home, config, ran })
  })
}

/** A command; as another user it is a process. */
async function p2p({ folder, home }: Scene, words: string, uid?: number): Promise<ProcessResult> {
  const env: Record<string, string> = { ...agentEnv(folder, ['ws://127.0.0.1:1']), P2P_HOME: home }
  const setting = { cwd: '/', env, stdin: '01'.repeat(32) }
  if (uid === undefined) return await startRun(words.split(' '), setting).ended
  const as = ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', process.execPath, PROGRAM]
  return await startProcess('setpriv', [...as, ...words.split(' ')], setting).ended
}

const COMMANDS = ['announce', 'whoami', 'config get name', 'contacts', 'transcript', 'status', 'whoami --import -']

async function expectRefused(at: Scene, words: string, uid?: number): Promise<{ message: string; hint: string }> {
  const before = readdirSync(at.home)
  const { code, stdout } = await p2p(at, `${words} --json --timeout 2`, uid)
  const { error } = JSON.parse(stdout)
  expect([words, code, error.code]).toEqual([words, 4, 'HOME_UNSAFE'])
  expect(error.hint).not.toMatch(/chown|rm |mv /)
  expect(readdirSync(at.home)).toEqual(before)
  expect(existsSync(at.ran)).toBe(false)
  return error
}

function give(uid: number, ...paths: string[]): void {
  for (const path of paths) lchownSync(path, uid, uid)
}

asRoot('what is somebody else\u2019s', () => {
  test('a whole home, as root: the hint is to run as that user', async () => {
    await scene(async (at) => {
      give(MALLORY, at.home, join(at.home, 'p2p'), at.config)
      for (const words of COMMANDS) {
        const { message, hint } = await expectRefused(at, words)
        expect([message, hint]).toEqual([
          expect.stringContaining(`${at.home} belongs to uid ${MALLORY}`),
          'run p2p as that user, whose agent it is',
        ])
      }
    })
  })

  test('a whole home, as another user', async () => {
    await scene(async (at) => {
      give(MALLORY, at.home, join(at.home, 'p2p'), at.config)
      // Readable, as an attacker would have it.
      for (const path of [at.home, join(at.home, 'p2p')]) chmodSync(path, 0o755)
      chmodSync(at.config, 0o644)
      // As whom it runs is asked in one place: some of them do.
      for (const words of ['announce', 'whoami', 'config get name', 'whoami --import -'])
        await expectRefused(at, words, ADA)
      const { code, stdout } = await p2p(at, 'doctor --json --timeout 1', ADA)
      expect(code).toBe(6)
      expect(JSON.parse(stdout).checks).toContainEqual(expect.objectContaining({ name: 'config', ok: false }))
      expect(existsSync(join(at.home, 'p2p-identity.json'))).toBe(false)
    })
  })

  test('a folder in which there is no home yet, as root: sudo keeps HOME', async () => {
    await scene(async (at) => {
      const user = join(at.folder, 'mallory')
      mkdirSync(user, { mode: 0o755 })
      give(MALLORY, user)
      for (const home of [join(user, '.openclaw'), join(user, 'deep', 'er')]) {
        const { code, stdout } = await p2p({ ...at, home }, 'whoami --json')
        expect([code, JSON.parse(stdout).error]).toEqual([
          4,
          expect.objectContaining({ code: 'HOME_UNSAFE', hint: 'run p2p as that user, whose agent it is' }),
        ])
      }
      expect(readdirSync(user)).toEqual([])
      // Its own user makes it there.
      expect((await p2p({ ...at, home: join(user, '.openclaw') }, 'whoami', MALLORY)).code).toBe(0)
    })
  })

  test('calls/, in which others could put calls', async () => {
    await scene(async (at) => {
      const calls = join(at.home, 'p2p', 'calls')
      mkdirSync(calls, { mode: 0o700 })
      give(MALLORY, calls)
      await expectRefused(at, 'status')
    })
  })

  test.each<[string, (at: Scene) => void]>([
    ['p2p/', (at) => give(MALLORY, join(at.home, 'p2p'))],
    ['config.json', (at) => give(MALLORY, at.config)],
    ['a link in place of the home', (at) => relink(at.home, MALLORY)],
    ['a link in place of p2p/', (at) => relink(join(at.home, 'p2p'), MALLORY)],
    ['a link in place of config.json', (at) => relink(at.config, MALLORY)],
  ])('%s in a home of root\u2019s own', async (_, spoil) => {
    await scene(async (at) => {
      spoil(at)
      const { code, stdout } = await p2p(at, 'announce --json --timeout 2')
      expect([code, JSON.parse(stdout).error.code]).toEqual([4, 'HOME_UNSAFE'])
      expect(existsSync(at.ran)).toBe(false)
    })
  })

  test.each(['state.json', `calls/${'ab'.repeat(32)}.json`])('%s', async (name) => {
    await scene(async (at) => {
      await p2p(at, 'status --timeout 1')
      const path = join(at.home, 'p2p', name)
      mkdirSync(join(at.home, 'p2p', 'calls'), { recursive: true, mode: 0o700 })
      writeFileSync(path, '{}', { mode: 0o600 })
      give(MALLORY, path)
      const words = name === 'state.json' ? 'status --json --timeout 1' : `transcript ${'ab'.repeat(32)} --json`
      const { code, stdout } = await p2p(at, words)
      // A call that the state does not know is not even looked at.
      expect([code, JSON.parse(stdout).error.code]).toEqual(
        name === 'state.json' ? [4, 'HOME_UNSAFE'] : [6, 'NO_SUCH_CALL'],
      )
      expect(readFileSync(path, 'utf8')).toBe('{}')
    })
  })

  test('what is root\u2019s is believed by everybody: a settings file that an administrator has mounted', async () => {
    await scene(async (at) => {
      give(ADA, at.home, join(at.home, 'p2p'))
      const mounted = join(at.folder, 'settings.json')
      writeFileSync(mounted, JSON.stringify({ name: 'Set by root' }), { mode: 0o644 })
      symlinkSync(mounted, `${at.config}.data`)
      symlinkSync(`${at.config}.data`, `${at.config}.link`)
      give(ADA, `${at.config}.link`)
      const { stdout } = await p2p(at, 'config get name', ADA)
      expect(stdout).toBe('')
      chmodSync(at.folder, 0o755)
      relinkTo(at.config, `${at.config}.link`)
      expect((await p2p(at, 'config get name', ADA)).stdout).toBe('name = "Set by root"\n')
    })
  })
})

describe('what everybody can change', () => {
  test.each<[string, (at: Scene) => string]>([
    ['the home', (at) => at.home],
    ['p2p/', (at) => join(at.home, 'p2p')],
    ['config.json', (at) => at.config],
  ])('%s', async (_, pick) => {
    await scene(async (at) => {
      const path = pick(at)
      chmodSync(path, path === at.config ? 0o602 : 0o703)
      for (const words of COMMANDS.slice(0, -1)) {
        const { hint } = await expectRefused(at, words)
        expect(hint).toContain(`chmod o-w ${path}`)
      }
    })
  })

  test('p2p/ and its files also where the home is like /tmp, in which everybody has files', async () => {
    await scene(async (at) => {
      chmodSync(at.home, 0o1777)
      expect((await p2p(at, 'config get name')).stdout).toBe('name = "Mallory"\n')
      chmodSync(join(at.home, 'p2p'), 0o1777)
      await expectRefused(at, 'announce')
    })
  })
})

test('what the group can change is a warning of doctor\u2019s', async () => {
  await scene(async (at) => {
    await p2p(at, 'whoami')
    chmodSync(at.home, 0o770)
    chmodSync(at.config, 0o660)
    const { stdout } = await p2p(at, 'doctor --json --timeout 1')
    const warnings = JSON.parse(stdout).checks.filter(
      ({ name, warning }: { name: string; warning?: boolean }) => name === 'files' && warning,
    )
    expect(warnings.map(({ hint }: { hint: string }) => hint)).toEqual([
      `\`chmod g-w ${at.home}\``,
      `\`chmod g-w ${at.config}\``,
    ])
    expect((await p2p(at, 'config get name')).code).toBe(0)
  })
})

function relink(path: string, uid: number): void {
  const target = `${path}.real`
  relinkTo(path, target)
  give(uid, path)
}

/** What was at `path` lies at `target` now, and a link leads there. */
function relinkTo(path: string, target: string): void {
  if (existsSync(target)) rmSync(path)
  else renameSync(path, target)
  symlinkSync(target, path)
}
