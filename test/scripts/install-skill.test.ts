// npm run install-skill: where the two files go, that it can be run again, and a whole call from there as its inventor typed it.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SKILL = join(root, 'skill/SKILL.md')

test('the skill goes to ~/clawd where that is, and a whole call runs from there', async () => {
  await withTemporaryFolder(async (folder) => {
    const relay = await startRelay()
    try {
      const [alice, bob] = [shellOf(folder, 'alice', relay.url), shellOf(folder, 'bob', relay.url)]
      expect((await install(alice.home)).stdout).toContain(`the skill p2p-comm is in ${alice.skill}\n`)
      expect(readFileSync(join(alice.skill, 'p2p.js'))).toEqual(readFileSync(PROGRAM))
      expect(readFileSync(join(alice.skill, 'SKILL.md'))).toEqual(readFileSync(SKILL))
      expect((await install(bob.home, '--dir', bob.skill)).code).toBe(0)

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
    expect(readFileSync(join(skill, 'p2p.js'))).toEqual(readFileSync(PROGRAM))
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
    expect(stderr).toMatch(/^install-skill: .*clawd.*\nhint: npm run install-skill -- --dir DIR/)
  })
})

type Shell = { home: string; skill: string; run(line: string): Promise<ProcessResult> }

/** An agent at a shell whose environment is HOME and PATH; its relay stands in its settings. */
function shellOf(folder: string, name: string, relay: string): Shell {
  const home = join(folder, name)
  mkdirSync(join(home, '.openclaw/p2p'), { recursive: true })
  mkdirSync(join(home, 'clawd'))
  const relays = { presence: [relay], inbox: [relay], lookup: [relay] }
  writeFileSync(join(home, '.openclaw/p2p/config.json'), JSON.stringify({ name, relays }), { mode: 0o600 })
  const env = { HOME: home, PATH: process.env.PATH ?? '' }
  const run = async (line: string) => {
    const command = `node "$HOME/clawd/skills/p2p-comm/p2p.js" ${line}`
    const ran = await startProcess('/bin/sh', ['-c', command], { cwd: folder, env }).ended
    if (ran.code !== 0) throw new Error(`${line} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
    return ran
  }
  return { home, skill: join(home, 'clawd/skills/p2p-comm'), run }
}

function install(home: string, ...more: (string | Record<string, string>)[]): Promise<ProcessResult> {
  const words = more.filter((word) => typeof word === 'string')
  const env = Object.assign({ HOME: home, PATH: process.env.PATH ?? '' }, ...more.filter((m) => typeof m === 'object'))
  return startProcess(process.execPath, ['--import', 'tsx', 'scripts/install-skill.ts', ...words], { cwd: root, env })
    .ended
}

/** What every file below a home says, but for the program itself. */
function filesBelow(home: string): Record<string, string> {
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => !path.endsWith('p2p.js'))
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'utf8')]))
}
