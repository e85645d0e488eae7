// --help: every command has an example, and every example can be typed.
import { expect, test } from 'vitest'
import { agentEnv, PROGRAM, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { readArgv } from '../../src/cli/argv.ts'
import { loadVerbs } from '../../src/commands/command.ts'
import { verbs } from '../../src/commands/index.ts'

test.each(Object.entries(await loadVerbs(verbs)))('%s', async (verb, { examples }) => {
  for (const line of examples) {
    const words = wordsOfExample(line)
    expect(words.slice(0, 2)).toEqual(['p2p', verb])
    // Undefined would mean that help is printed instead.
    expect(await readArgv(words.slice(1), verbs, async () => {})).toMatchObject({ verb })
  }
})

test('help shows the examples, and that of all commands the exit codes', async () => {
  await withTemporaryFolder(async (folder) => {
    const help = (...args: string[]) =>
      startProcess(process.execPath, [PROGRAM, ...args], { cwd: folder, env: agentEnv(folder, []) }).ended
    const all = await help('--help')
    expect(all.code).toBe(0)
    for (const verb of Object.keys(verbs)) expect(all.stdout).toMatch(new RegExp(`^ {2}p2p ${verb}\\b`, 'm'))
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7])
      expect(all.stdout).toMatch(new RegExp(`Exit codes:[^]*\\b${code} [a-z]`))
    const one = await help('answer', '--help')
    const name = `node "${PROGRAM}"`
    expect(one.stdout).toContain(`${name} answer <decision> [text]\n`)
    expect(one.stdout).toContain('Examples:\n  p2p answer accept\n  p2p answer reject "I\'m busy right now"\n')
    expect(all.stdout).toContain(`Here \`p2p\` stands for \`${name}\`.`)
  })
})

/** The words of an example, as a shell would see those before a pipe or a redirection. */
function wordsOfExample(line: string): string[] {
  const inner = /^\s*eval "\$\((.*)\)"$/.exec(line)?.[1] ?? line
  const [command = ''] = inner.split(/ [|>] /)
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
}
