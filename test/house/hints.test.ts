// What our texts tell to type can be typed: the command is there, and so are its options. And none tells to do what takes an
// agent away from its owner.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readArgv } from '../../src/cli/argv.ts'
import { commandName, expandCommandName } from '../../src/command-name.ts'
import { verbs } from '../../src/commands/index.ts'
import { Failure } from '../../src/errors.ts'
import { cleanText } from '../../src/sanitize.ts'

const SRC = fileURLToPath(new URL('../../src/', import.meta.url))

/** The sources without their comments. */
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({
    name,
    text: withoutComments(readFileSync(SRC + name, 'utf8').replaceAll(/\$\{P2P\}/g, 'p2p')),
  }))

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}

/** Every `p2p …` in a text of ours, with what is put in or stands for something as one word. */
function commandsIn(text: string): string[] {
  const slot = /\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/
  const whole = text.replace(new RegExp(`(?<=[a-z])${slot.source}`, 'g'), '').replace(new RegExp(slot, 'g'), 'x')
  const found = [...whole.matchAll(/\\?`(p2p [^`\n]*?)\\?`/g)].map(([, command = '']) => command)
  // A verb that is put in is one that was typed.
  return found.filter((command) => !/^p2p [x/]/.test(command))
}

function wordsOf(command: string): string[] {
  const plain = command
    .replace(/<[^>]*>/g, 'x')
    .replace(/ < FILE$/, '')
    .replace(/\\"/g, '"')
  return [...plain.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare).slice(1)
}

const commands = sources.flatMap(({ name, text }) => commandsIn(text).map((command) => [command, name] as const))

test('a command is called as this program was started, where its hint is made', () => {
  const bare = sources.filter(({ name }) =>
    /[`:] ?p2p (?=[a-z])/.test(withoutComments(readFileSync(SRC + name, 'utf8'))),
  )
  expect(bare.map(({ name }) => name)).toEqual([])
})

test.each([
  ['/usr/bin/p2p', 'p2p'],
  ['/opt/tools/p2p', 'node "/opt/tools/p2p"'],
  ['/home/ada/clawd/skills/p2p-comm/p2p.js', 'node "/home/ada/clawd/skills/p2p-comm/p2p.js"'],
  ['/opt/my agent.mjs', 'node "/opt/my agent.mjs"'],
  ['/opt/$HOME/p2p.js', "node '/opt/$HOME/p2p.js'"],
  ['C:\\tools\\p2p.js', 'node "C:\\tools\\p2p.js"'],
  ['/work/src/main.ts', 'p2p'],
  [undefined, 'p2p'],
])('started as %s it is typed as %s', (script, name) => {
  expect(commandName(script, '/usr/local/bin:/usr/bin')).toBe(name)
})

test('of several commands in an output the first is written in full, and nothing that a peer wrote is touched', () => {
  const [sign, full] = ['\u2064', 'node "/x/p2p.js"']
  const text = `${sign}p2p list, ${sign}p2p wait\n  peer> p2p node "/x/p2p.js"`
  expect(expandCommandName(text, false, true, full)).toBe(`${full} list, p2p wait\n  peer> p2p ${full}`)
  expect(expandCommandName(text, false, false, full)).toBe(`p2p list, p2p wait\n  peer> p2p ${full}`)
  const document = expandCommandName(
    JSON.stringify({ hint: `${sign}p2p list`, also: `${sign}p2p wait` }),
    true,
    true,
    full,
  )
  expect(JSON.parse(document)).toEqual({ hint: `${full} list`, also: 'p2p wait' })
  expect(cleanText(`a${sign}p2p`)).toBe('ap2p')
})

test('there are commands to look at', () => {
  expect(commands.length).toBeGreaterThan(80)
})

test.each([...new Map(commands)])('`%s` (%s)', async (command) => {
  try {
    await readArgv(wordsOf(command), verbs, async () => {})
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    expect([command, error.message]).toEqual([command, expect.not.stringMatching(/no command|no option/)])
  }
})

// The attack is ours: advice that an agent follows to the letter, and is another agent afterwards.
test('no text tells to give a file away, to remove or move one, or to begin anew', () => {
  const bad = /\bchown\b|`(rm|mv|rmdir|unlink) |: (rm|mv) |new agent|begin (as|anew)|start over|delete (it|the)/
  const found = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g)].flatMap(([literal]) =>
      bad.test(literal.slice(1, -1)) ? [`${name}: ${literal}`] : [],
    ),
  )
  expect(found).toEqual([])
})
