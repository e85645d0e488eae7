// npm run install-skill: where the two files go, that it can be run again, and a whole call from there as its inventor typed it.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { installSkill } from '../../scripts/install-skill.ts'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SKILL = join(root, 'skill/SKILL.md')

test('the skill goes to ~/clawd where that is, and a whole call runs from there', async () => {
  await withTemporaryFolder(async (folder) => {
    const relay = await startRelay()
    try {
      const [alice, bob] = [shellOf(folder, 'alice', relay.url), shellOf(folder, 'bob', relay.url)]
      expect((await installAsTyped(alice.home)).stdout).toContain(`the skill p2p-comm is in ${alice.skill}\n`)
      expect(readFileSync(join(alice.skill, 'p2p.js')).equals(readFileSync(PROGRAM))).toBe(true)
      expect(readFileSync(join(alice.skill, 'SKILL.md'))).toEqual(readFileSync(SKILL))
      expect((await install(bob.home, '--dir', bob.skill)).code).toBe(0)
      for (const { skill } of [alice, bob]) keepTimeOfProgram(join(skill, 'p2p.js'))

      const npub = /npub1\w{58}/.exec((await bob.run('status')).stdout)?.[0]
      await bob.run('announce')
      expect((await alice.run('list')).stdout).toContain(npub)
      await alice.run(`call ${npub} "Code review"`)
      expect((await bob.run('status')).stdout).toContain('peer> Code review')
      await bob.run(`answer reject "I'm busy right now"`)
      await alice.run(`call ${npub} "Code review, please"`)
      await bob.run('answer accept')
      await alice.run('send "Can you review my pull request?"')
      await bob.run('sendfile report.json "eyJkYXRhIjogdHJ1ZX0="')
      await alice.run('config set owner.command true')
      await alice.run('escalate "Bob wants to see the contract. May I?"')
      expect((await alice.run('end')).stdout).toContain('me> Can you review my pull request?')
      expect((await bob.run('status')).stdout).toContain('ended call')
    } finally {
      await relay.close()
    }
  })
})

test('else into the present workspace, and nothing but these two files is ever touched', async () => {
  await withTemporaryFolder(async (home) => {
    const skill = join(home, '.openclaw/workspace/skills/p2p-comm')
    mkdirSync(join(home, '.openclaw/p2p/calls'), { recursive: true })
    for (const kept of ['p2p-identity.json', 'p2p/state.json', 'p2p/calls/a.json']) {
      writeFileSync(join(home, '.openclaw', kept), kept)
    }
    const first = await install(home)
    expect(first.stdout).toMatch(/^the skill p2p-comm is in .*\n {2}p2p.js: new, \d+ kB\n {2}SKILL.md: new, \d+ kB\n/)
    const before = filesBelow(home)
    expect((await install(home)).stdout).toMatch(/p2p.js: as it was.*\n {2}SKILL.md: as it was/)
    expect(filesBelow(home)).toEqual(before)

    writeFileSync(join(skill, 'p2p.js'), 'an old one')
    writeFileSync(join(skill, 'notes.txt'), 'mine')
    expect((await install(home)).stdout).toMatch(/p2p.js: replaced.*\n {2}SKILL.md: as it was/)
    expect(filesBelow(home)).toEqual({ ...before, [join(skill, 'notes.txt')]: 'mine' })
    expect(readFileSync(join(skill, 'p2p.js')).equals(readFileSync(PROGRAM))).toBe(true)
    expect(statSync(join(skill, 'p2p.js')).mode & 0o111).not.toBe(0)

    const state = join(home, 'elsewhere')
    await install(home, { OPENCLAW_STATE_DIR: state })
    expect(readdirSync(join(state, 'workspace/skills/p2p-comm')).sort()).toEqual(['SKILL.md', 'p2p.js'])
  })
})

test('what is in the way is named, and what to do', async () => {
  await withTemporaryFolder(async (home) => {
    writeFileSync(join(home, 'clawd'), '')
    const { code, stderr } = await install(home)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^install-skill: .*clawd.*\nhint: npm run install-skill -- --for DIR/)
  })
})

test('each harness that is found gets the skill where it looks for it, and tells its agent what waits', async () => {
  await withTemporaryFolder(async (home) => {
    for (const folder of ['.claude', '.codex', '.openclaw/p2p']) mkdirSync(join(home, folder), { recursive: true })
    writeFileSync(join(home, '.openclaw/p2p-identity.json'), 'ours')
    const settings = join(home, '.claude/settings.json')
    const dotfiles = join(home, 'dotfiles.json')
    const mine = '{\n\t"model": "opus", // mine\n\t"hooks": { "Stop": [] }\n}\n'
    writeFileSync(dotfiles, mine, { mode: 0o640 })
    symlinkSync(dotfiles, settings)

    const { code, stdout } = await install(home, '--hooks')
    expect(code).toBe(0)
    const skills = [join(home, '.claude/skills/p2p-comm'), join(home, '.agents/skills/p2p-comm')]
    for (const skill of skills) {
      expect(readdirSync(skill).sort()).toEqual(['SKILL.md', 'p2p.js'])
      expect(stdout).toContain(`the skill p2p-comm is in ${skill}\n`)
    }
    // What lies there is ours and no sign of an OpenClaw.
    expect(readdirSync(join(home, '.openclaw')).sort()).toEqual(['p2p', 'p2p-identity.json'])
    expect(stdout).toContain(`  hooks: SessionStart, UserPromptSubmit, PostToolUse, Stop written in ${settings}\n`)
    expect(stdout).toContain('note: it has comments or trailing commas, which Claude Code may not read')
    expect(stdout).toContain('Codex runs them once they are reviewed')

    // What is written is what each of them runs, in a shell and with its input on stdin.
    const hooks = JSON.parse(readFileSync(join(home, '.codex/hooks.json'), 'utf8'))
    expect(Object.keys(hooks)).toEqual(['hooks'])
    const [command] = Object.values(hooks.hooks).map((groups) => Object(groups)[0].hooks[0].command)
    const ran = await startProcess('/bin/sh', ['-c', command], { cwd: home, env: { HOME: home }, stdin: '{"cut' }).ended
    expect(ran).toMatchObject({ code: 0, stdout: '', stderr: '' })

    const written = readFileSync(dotfiles, 'utf8')
    expect((await install(home, '--hooks')).stdout).toMatch(/hooks: as they were[\s\S]*hooks: as they were/)
    expect(readFileSync(dotfiles, 'utf8')).toBe(written)
    expect(statSync(dotfiles).mode & 0o777).toBe(0o640)

    expect((await install(home, '--remove')).stdout).toMatch(
      /Stop taken out of .*settings\.json\n[\s\S]*which held nothing else/,
    )
    expect(readFileSync(dotfiles, 'utf8')).toBe(mine)
    expect(lstatSync(settings).isSymbolicLink()).toBe(true)
    expect(existsSync(join(home, '.codex/hooks.json'))).toBe(false)
    expect((await install(home, '--remove')).stdout).toMatch(/none of ours[\s\S]*none were there/)
    expect(existsSync(join(skills[0] ?? '', 'p2p.js'))).toBe(true)

    writeFileSync(join(home, '.openclaw/openclaw.json'), '{}')
    const all = await install(home, '--hooks')
    expect(all.stdout).toMatch(
      /for: OpenClaw\n {2}hooks: OpenClaw runs no command of ours[\s\S]*for: Claude Code[\s\S]*for: Codex/,
    )
  })
})

test('an older program, or none, never holds an agent up: the hook ends with 0', async () => {
  await withTemporaryFolder(async (home) => {
    await install(home, '--for', 'claude-code', '--hooks')
    const { hooks } = JSON.parse(readFileSync(join(home, '.claude/settings.json'), 'utf8'))
    const { command } = hooks.Stop[0].hooks[0]
    const run = () => startProcess('/bin/sh', ['-c', command], { cwd: home, env: { HOME: home } }).ended
    const program = join(home, '.claude/skills/p2p-comm/p2p.js')
    writeFileSync(program, 'process.exit(2)')
    expect(await run()).toMatchObject({ code: 0, stdout: '' })
    rmSync(program)
    expect(await run()).toMatchObject({ code: 0, stdout: '' })
  })
})

test('for one project; for a folder; and settings that cannot be changed stay', async () => {
  await withTemporaryFolder(async (home) => {
    const project = join(home, 'work')
    mkdirSync(project)
    expect((await install(home, '--for', 'claude-code', '--for', 'codex', '--hooks', '--project', project)).code).toBe(
      0,
    )
    const settings = readFileSync(join(project, '.claude/settings.json'), 'utf8')
    // Its settings are shared: nothing in there is of this machine.
    expect(settings).toContain('node \\"$CLAUDE_PROJECT_DIR\\"/.claude/skills/p2p-comm/p2p.js hook claude-code || true')
    expect(settings).not.toContain(home)
    expect(readdirSync(join(project, '.agents/skills/p2p-comm')).sort()).toEqual(['SKILL.md', 'p2p.js'])
    expect(existsSync(join(project, '.codex/hooks.json'))).toBe(true)
    expect(existsSync(join(home, '.claude'))).toBe(false)

    const folder = join(home, 'some/where')
    const { stdout } = await install(home, '--for', folder, '--hooks')
    expect(readdirSync(folder).sort()).toEqual(['SKILL.md', 'p2p.js'])
    expect(stdout).toContain('hooks: this folder runs no command of ours')
    const wrong = await install(home, '--for', 'claude')
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(wrong.stderr).toContain('no harness "claude" (openclaw, claude-code, codex)')

    mkdirSync(join(home, '.claude'))
    writeFileSync(join(home, '.claude/settings.json'), '{"hooks": [')
    const refused = await install(home, '--for', 'claude-code', '--hooks')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('settings.json is left as it is: it is no JSON object')
    expect(readFileSync(join(home, '.claude/settings.json'), 'utf8')).toBe('{"hooks": [')
  })
})

type Shell = { home: string; skill: string; run(line: string): Promise<ProcessResult> }

/** An agent at a shell whose environment is HOME, PATH and where Node keeps compiled code; its relay stands in its settings. */
function shellOf(folder: string, name: string, relay: string): Shell {
  const home = join(folder, name)
  mkdirSync(join(home, '.openclaw/p2p'), { recursive: true })
  mkdirSync(join(home, 'clawd'))
  const relays = { presence: [relay], inbox: [relay], lookup: [relay] }
  writeFileSync(join(home, '.openclaw/p2p/config.json'), JSON.stringify({ name, relays }), { mode: 0o600 })
  const { P2P_RELAYS: _, ...env } = agentEnv(home, [])
  const run = async (line: string) => {
    const command = `node "$HOME/clawd/skills/p2p-comm/p2p.js" ${line}`
    const ran = await startProcess('/bin/sh', ['-c', command], { cwd: folder, env }).ended
    if (ran.code !== 0) throw new Error(`${line} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
    return ran
  }
  return { home, skill: join(home, 'clawd/skills/p2p-comm'), run }
}

/** By its time its compiled code is found, which all tests share. */
function keepTimeOfProgram(copy: string): void {
  const { atime, mtime } = statSync(PROGRAM)
  utimesSync(copy, atime, mtime)
}

type Installed = Pick<ProcessResult, 'code' | 'stdout' | 'stderr'>

async function install(home: string, ...more: (string | Record<string, string>)[]): Promise<Installed> {
  const { words, env } = typed(home, more)
  return await installSkill(words, { env, cwd: root, build: async () => PROGRAM })
}

/** The same as a process of its own, which builds the program too. */
async function installAsTyped(home: string, ...more: string[]): Promise<Installed> {
  const { words, env } = typed(home, more)
  const args = ['--import', 'tsx', 'scripts/install-skill.ts', ...words]
  return await startProcess(process.execPath, args, { cwd: root, env }).ended
}

function typed(home: string, more: (string | Record<string, string>)[]) {
  const words = more.filter((word) => typeof word === 'string')
  const others = more.filter((word) => typeof word === 'object')
  const env: Record<string, string> = Object.assign({ HOME: home, PATH: process.env.PATH ?? '' }, ...others)
  return { words, env }
}

/** What every file below a home says, but for the program itself. */
function filesBelow(home: string): Record<string, string> {
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => !path.endsWith('p2p.js'))
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'utf8')]))
}
