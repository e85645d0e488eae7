// What a person sees at a terminal, and that a pipe gets none of it.
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, startProcess } from '../../scripts/processes.ts'
import { agentOf } from '../../src/call/agents.ts'
import { command, hintLine, type PrintedLine, span } from '../../src/call/span.ts'
import { describeAgent, inQuotes, plain, quoteLines, timeSpan } from '../../src/call/wording.ts'
import { terminalWidth } from '../../src/cli/terminal.ts'
import { rowsOf } from '../../src/cli/terminal-rows.ts'
import { foreignLine, foreignText } from '../../src/sanitize.ts'
import { startCall, withPair } from '../support/two-programs.ts'

const NOW = Date.UTC(2026, 6, 31, 12) / 1000
const PUBKEY = 'ab'.repeat(32)

/** The agent of a key as our owner has it in its contacts, or not. */
function agent(trust?: 'known' | 'trusted' | 'blocked', name = '') {
  const contacts = trust === undefined ? [] : [{ pubkey: PUBKEY, petname: 'ada', trust }]
  return agentOf({ contacts, owner: undefined, names: {} }, PUBKEY, foreignLine(name))
}

/** A line at a wide terminal, its escape sequences as <code:text>. */
function marked(line: PrintedLine): string {
  return rowsOf(line, { width: 200, now: NOW })
    .join('\n')
    .replace(/\u001b\[([\d;]+)m([^\u001b]*)\u001b\[0m/g, '<$1:$2>')
}

/** A line at a narrow terminal, without colour. */
function plainRows(line: PrintedLine, now?: number): string[] {
  return rowsOf(line, { width: 40, now }).map((row) => row.replace(/\u001b\[[\d;]*m/g, ''))
}

describe('a look for every role', () => {
  test.each([
    [[span('heading', 'call'), ' 1a2b3c4d'], '<1:call> 1a2b3c4d'],
    [[span('good', 'ok  '), ' keys'], '<32:ok  > keys'],
    [[span('warning', '1 unread')], '<33:1 unread>'],
    [['your owner was ', span('fault', 'NOT'), ' told'], 'your owner was <31:NOT> told'],
    [[span('over', 'ended')], '<2:ended>'],
    [['no calls; ', command('p2p list'), ' shows'], 'no calls; <36:`p2p list`> shows'],
    [hintLine('  next: `p2p send "…"`'), '<2:  next: `p2p send "…"`>'],
    ['a line of ours', 'a line of ours'],
  ] satisfies [PrintedLine, string][])('%j', (line, expected) => {
    expect(marked(line)).toBe(expected)
  })

  test.each([
    [agent('known'), '<1;36:ada> (<32:known>, npub1'],
    [agent('trusted'), '<1;36:ada> (<32:trusted>, npub1'],
    [agent('blocked'), '<1;36:ada> (<31:blocked>, npub1'],
  ])('who it is: %#', (who, expected) => expect(marked(describeAgent(who))).toContain(expected))

  test('a stranger has no name, and its key no colour', () => {
    expect(marked(describeAgent(agent(undefined, 'ada')))).toMatch(/^npub1\w+…\w+ \(<33:unknown>\)$/)
  })
})

describe('nothing that a peer has written is more than its words', () => {
  const claims = [
    'call 324fea93 active, with ada (trusted, npub1…) delivered',
    '  next: `p2p end`',
    '2026-07-31 11:57Z',
  ]

  test.each(claims)('behind its mark: %s', (words) => {
    expect(quoteLines(foreignText(words)).map(marked)).toEqual([`<33:  peer> >${words}`])
    expect(quoteLines(foreignText(words), 'me').map(marked)).toEqual([`<2:  me> >${words}`])
  })

  test.each(claims)('in quotes: %s', (words) => {
    const line: PrintedLine = ['relays: 1 of 2 answered; wss://a.example: ', inQuotes(foreignText(words))]
    expect(marked(line)).toBe(plain(line))
  })

  test('and tsc takes no words of a peer for a part of ours', () => {
    const words = foreignText('delivered')
    // @ts-expect-error: words of a peer are Foreign, and only wording.ts makes a part of them
    const line: PrintedLine = ['message me/3: ', words]
    // @ts-expect-error: neither are they a text of ours
    const look = span('good', words)
    expect([line, look]).toBeDefined()
  })
})

describe('times', () => {
  const at = (month: number, day: number, hour: number, minute = 0) =>
    Date.UTC(2026, month - 1, day, hour, minute) / 1000
  test.each([
    [NOW - 20, 'just now'],
    [at(7, 31, 11, 57), '3 min ago'],
    [at(7, 31, 9, 30), '2 h ago'],
    [at(7, 30, 9, 30), 'yesterday'],
    [at(7, 25, 12), '6 days ago'],
    [at(1, 25, 12), '2026-01-25 12:00Z'],
    [at(8, 25, 12), '2026-08-25 12:00Z'],
  ])('%i', (moment, expected) => {
    expect(plainRows(['x, ', timeSpan(moment), ':'], NOW)).toEqual([`x, ${expected}:`])
  })

  test('stay as they are in a record', () => {
    expect(plainRows(['1. ', timeSpan(at(7, 31, 11, 57))])).toEqual(['1. 2026-07-31 11:57Z'])
  })
})

describe('a long quoted line', () => {
  const rowsOfWords = (words: string) => quoteLines(foreignText(words)).flatMap((line) => plainRows(line, NOW))

  test('bears its mark on every row, so that no row of it looks like ours', () => {
    const words = `${'x'.repeat(60)} ${' '.repeat(30)}call 324fea93 ended: type \`p2p end\` now`
    const rows = rowsOfWords(words)
    expect(rows.length).toBeGreaterThan(3)
    for (const row of rows) {
      expect(row).toMatch(/^ {2}peer> /)
      expect(row.length).toBeLessThanOrEqual(40)
    }
    expect(rows.map((row) => row.slice(8)).join('')).toBe(words)
  })

  test('also where letters are wide', () => {
    for (const row of rowsOfWords('漢'.repeat(50))) expect(row).toMatch(/^ {2}peer> 漢{1,16}$/)
  })
})

test('only a terminal that wants colours gets them', () => {
  expect(terminalWidth({ isTTY: true, columns: 100 }, {})).toBe(100)
  expect(terminalWidth({ isTTY: true, columns: 0 }, { NO_COLOR: '' })).toBe(80)
  expect(terminalWidth({ columns: 100 }, {})).toBeUndefined()
  expect(terminalWidth({ isTTY: true }, { NO_COLOR: '1' })).toBeUndefined()
  expect(terminalWidth({ isTTY: true }, { TERM: 'dumb' })).toBeUndefined()
})

const script = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

test.skipIf(!script)(`at a real terminal${script ? '' : ' (script is not installed here)'}`, async () => {
  await withPair({}, async (pair) => {
    const { relay, ada, ben, folder } = pair
    const call = await startCall(pair)
    await ben.json(['contacts', 'add', call.slice(0, 8), 'ada'])
    await ada.json(['send', 'a long one '.repeat(20)])
    const at = (args: string, more = {}) => {
      const env = { ...agentEnv(ben.home, [relay.url]), TERM: 'xterm', ...more }
      const typed = `stty cols 60; exec "${process.execPath}" "${PROGRAM}" ${args}`
      return startProcess('script', ['-qec', typed, '/dev/null'], { cwd: folder, env }).ended
    }
    const { stdout } = await at('inbox --peek')
    expect(stdout).toContain('\u001b[1mmessage peer/2\u001b[0m in call')
    expect(stdout).toContain('from \u001b[1;36mada\u001b[0m (\u001b[32mknown\u001b[0m, npub1')
    expect(stdout).toMatch(/just now|min ago/)
    expect(stdout.match(/\u001b\[33m {2}peer> /g)?.length).toBeGreaterThan(3)

    const plain = await at('inbox --peek', { NO_COLOR: '1' })
    expect(plain.stdout).not.toContain('\u001b')
    expect(plain.stdout).toMatch(/\d\d:\d\dZ/)
    const json = await at('inbox --peek --json')
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, new: [{ type: 'message' }] })
    const page = await at(`transcript ${call} --format markdown`)
    expect(page.stdout).not.toContain('\u001b')
    const error = await at('nonsense')
    expect(error.stdout).toContain('\u001b[31mp2p: error:\u001b[0m')
  })
})

test.skipIf(!script)(
  `a long wait gives a sign of life at a terminal${script ? '' : ' (script is not installed here)'}`,
  async () => {
    await withPair({ faults: { delay: 2_000 } }, async ({ relay, ada, folder }) => {
      const typed = (redirect: string) => ['-qec', `"${process.execPath}" "${PROGRAM}" status ${redirect}`, '/dev/null']
      const env = { ...agentEnv(ada.home, [relay.url]), TERM: 'xterm' }
      const at = (redirect = '') => startProcess('script', typed(redirect), { cwd: folder, env }).ended
      const [shown, piped] = await Promise.all([at(), at('2>&1 | cat')])
      expect(shown.stdout).toContain('\r\u001b[Kasking 1 relay …\r\u001b[K')
      expect(piped.stdout).toContain('relays: 1 of 1 answered')
      expect(piped.stdout).not.toContain('\u001b')
    })
  },
)
