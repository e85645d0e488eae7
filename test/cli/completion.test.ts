// Shell completion: the candidates of the table of verbs, and that real shells ask for them with the scripts.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { suggest } from '../../src/cli/suggest.ts'
import { loadVerbs, type Verb } from '../../src/commands/command.ts'
import * as table from '../../src/commands/index.ts'
import { startCall, withPair } from '../support/two-programs.ts'

const [commands, verbs] = [await loadVerbs<Verb>(table.commands), await loadVerbs(table.verbs)]

const KNOWN = { calls: ['1a2b3c4d'], agents: ['ada', 'ben'], settings: ['name', 'about'] }

/** The words that are offered behind `p2p`. */
function candidatesFor(...typed: string[]): string[] | 'files' {
  const found = suggest(verbs, typed, (what) => KNOWN[what].map((word) => ({ word, describe: '' })))
  return found === 'files' ? found : found.map(({ word }) => word)
}

describe('what can stand where the shell asks', () => {
  test.each<[string[], string[] | 'files']>([
    [['s'], ['status', 'send', 'sendfile']],
    [['status', '--js'], ['--json']],
    [['send', '--wa'], ['--wait']],
    [['send', '--', '--w'], []],
    [
      ['wait', '--fo'],
      ['--follow', '--for'],
    ],
    [['--json', 'who'], ['whoami']],
    [['--timeout', '3', 'who'], ['whoami']],
    [
      ['answer', ''],
      ['accept', 'reject'],
    ],
    [
      ['contacts', ''],
      ['list', 'add', 'remove', 'trust', 'block', 'unblock'],
    ],
    [
      ['contacts', 'trust', ''],
      ['ada', 'ben'],
    ],
    [['call', 'b'], ['ben']],
    [['config', 'set', 'na'], ['name']],
    [['config', 'set', 'name', ''], []],
    [['transcript', ''], ['1a2b3c4d']],
    [['send', 'hi', '--call', ''], ['1a2b3c4d']],
    [['transcript', '--format', 'h'], ['html']],
    [
      ['hook', 'c'],
      ['claude-code', 'codex'],
    ],
    [
      ['hook', 'codex', 'S'],
      ['SessionStart', 'Stop'],
    ],
    [['completion', 'f'], ['fish']],
    [['sendfile', './re'], 'files'],
    [['--home', ''], 'files'],
    [['--relay', ''], []],
    [['status', ''], []],
    [['nonsense', ''], []],
    [['toString', ''], []],
  ])('%j', (typed, expected) => {
    expect(candidatesFor(...typed)).toEqual(expected)
  })

  test('every verb is offered, and every option of every verb', () => {
    expect(candidatesFor('')).toEqual(Object.keys(verbs))
    for (const [verb, { options = {} }] of Object.entries(commands)) {
      expect(candidatesFor(verb, '-')).toEqual(expect.arrayContaining(Object.keys(options).map((name) => `--${name}`)))
    }
  })
})

test('calls and contacts come from this machine, and nothing that a peer has written', async () => {
  await withPair({}, async (pair) => {
    const { ben } = pair
    const call = await startCall(pair, 'rm -rf /')
    await ben.json(['contacts', 'add', call.slice(0, 8), 'ada the first'])
    expect((await ben.run(['completion', 'words', '--', 'transcript', ''])).stdout).toBe(
      `${call.slice(0, 8)}\tactive, with ada the first\n`,
    )
    expect((await ben.run(['completion', 'words', '--', 'call', ''])).stdout).toBe('ada the first\tknown\n')
  })
})

test('asking makes no key, and an unknown shell is told of those that are known', async () => {
  await withTemporaryFolder(async (folder) => {
    const run = (...args: string[]) =>
      startProcess(process.execPath, [PROGRAM, ...args], { cwd: folder, env: agentEnv(folder, []) }).ended
    for (const words of [['call', ''], ['config', 'get', ''], ['transcript', ''], ['']]) {
      expect((await run('completion', 'words', '--', ...words)).code).toBe(0)
    }
    expect((await run('completion', 'bash')).code).toBe(0)
    expect(existsSync(join(folder, '.openclaw'))).toBe(false)
    const { code, stderr } = await run('completion', 'ksh')
    expect(code).toBe(2)
    expect(stderr).toContain('bash, zsh, fish')
  })
})

/** What a shell prints for each word on the way: its script is read, then it is asked. */
const SHELL_SCRIPTS: Readonly<Record<string, string>> = {
  bash: `. ./script; for last in st --js; do COMP_WORDS=(p2p status "$last"); [ $last = st ] && COMP_WORDS=(p2p st)
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _p2p p2p; echo "\${COMPREPLY[@]}"; done
COMP_WORDS=(p2p call 'ada'); COMP_CWORD=2; _p2p p2p; echo "\${COMPREPLY[@]}"`,
  fish: `source ./script; for line in 'p2p st' 'p2p status --js' 'p2p call ada'; complete -C $line | cut -f 1; end`,
  // Its completion runs at a prompt alone, so that what it would offer is caught on the way there.
  zsh: `compdef() { : }; _describe() { print -r -- "\${found[@]%%:*}" }; . ./script
ask() { words=("$@"); CURRENT=$#; _p2p }; ask p2p st; ask p2p status --js; ask p2p call ada`,
}

describe.each(Object.keys(SHELL_SCRIPTS))('%s', (shell) => {
  const here = spawnSync(shell, ['-c', 'exit 0']).status === 0

  test.skipIf(!here)(`reads its script and completes with it${here ? '' : ' (not installed here)'}`, async () => {
    await withTemporaryFolder(async (folder) => {
      const env = { ...agentEnv(folder, []), PATH: `${folder}/bin:${process.env.PATH}` }
      mkdirSync(join(folder, 'bin'))
      mkdirSync(join(folder, '.openclaw/p2p'), { recursive: true })
      symlinkSync(PROGRAM, join(folder, 'bin/p2p'))
      const contacts = [
        {
          pubkey: 'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9',
          petname: 'ada l',
          trust: 'known',
        },
      ]
      writeFileSync(join(folder, '.openclaw/p2p/config.json'), JSON.stringify({ contacts }), { mode: 0o600 })
      const run = (...args: string[]) => startProcess(shell, args, { cwd: folder, env }).ended
      const { stdout: script } = await run('-c', `p2p completion ${shell}`)
      writeFileSync(join(folder, 'script'), script)
      expect(await run('-n', 'script')).toMatchObject({ code: 0, stderr: '' })
      const { stdout, stderr } = await run('-c', SHELL_SCRIPTS[shell] ?? '')
      expect(stderr).toBe('')
      const name = shell === 'bash' ? 'ada\\ l' : 'ada l'
      expect(stdout).toBe(`status\n--json\n${name}\n`)
    })
  })
})
