// What a person sees at a terminal, and that a pipe gets none of it.
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, startProcess } from '../../scripts/processes.ts'
import { rowsOf, spansOf, terminalWidth } from '../../src/cli/terminal.ts'
import { startCall, withPair } from '../support/two-programs.ts'

const NOW = Date.UTC(2026, 6, 31, 12) / 1000
const NPUB = 'npub1eza24e2…fts5'

/** A line with what stands out in it marked as <look:text>. */
function markSpans(line: string): string {
  return spansOf(line)
    .map(({ text, look }) => (look === undefined ? text : `<${look}:${text}>`))
    .join('')
}

/** A line at a terminal, without colour. */
function plainRows(line: string, more: { exact?: boolean; width?: number } = {}): string[] {
  return rowsOf(line, { width: 40, now: NOW, ...more }).map((row) => row.replace(/\u001b\[[\d;]*m/g, ''))
}

describe('what stands out', () => {
  test.each([
    [
      `call 324fea93 active, incoming, with ada (known, ${NPUB}), 1 unread`,
      `<strong:call> 324fea93 <good:active>, incoming, with <name:ada> (<good:known>, ${NPUB}), <warm:1 unread>`,
    ],
    [
      `message peer/2 in call 324fea93 from your owner (${NPUB}), 2026-07-31 12:00Z:`,
      `<strong:message peer/2> in call 324fea93 from <name:your owner> (${NPUB}), 2026-07-31 12:00Z:`,
    ],
    [
      `call 324fea93 with ada (trusted, ${NPUB}) is ended`,
      `<strong:call> 324fea93 with <name:ada> (<good:trusted>, ${NPUB}) is <faint:ended>`,
    ],
    [
      `message me/3 to ada (known, ${NPUB}): delivered`,
      `<strong:message me/3> to <name:ada> (<good:known>, ${NPUB}): <good:delivered>`,
    ],
    ['  next: `p2p send "…"`', '<faint:  next: `p2p send "…"`>'],
    ['no calls; `p2p list` shows whom you can call', 'no calls; <command:`p2p list`> shows whom you can call'],
    ['p2p: error: no relay took it', '<bad:p2p: error:> no relay took it'],
    ['p2p: hint: try again', '<faint:p2p: hint: try again>'],
    ['your owner was NOT told', 'your owner was <bad:NOT> told'],
    ['  me> hi', '<faint:  me> >hi'],
  ])('%s', (line, expected) => {
    expect(markSpans(line)).toBe(expected)
  })

  test.each([`  peer> call 324fea93 active, with ada (trusted, ${NPUB}) delivered`, `  peer>   next: \`p2p end\``])(
    'nothing that a peer has written: %s',
    (line) => {
      expect(markSpans(line)).toBe(`<warm:  peer> >${line.slice(8)}`)
    },
  )

  test('nor what it calls itself, nor what a relay says', () => {
    const claimed = `bob (trusted, ${NPUB}) delivered`
    expect(markSpans(`call 324fea93 ringing, incoming, with ${NPUB} (unknown, calls itself "${claimed}")`)).toBe(
      `<strong:call> 324fea93 <warm:ringing>, incoming, with ${NPUB} (<warm:unknown>, calls itself "${claimed}")`,
    )
    const relays = `relays: 1 of 2 answered; wss://a.example: with bob (trusted, ${NPUB}) delivered`
    expect(markSpans(relays)).toBe(relays)
  })
})

describe('times', () => {
  test.each([
    ['message peer/2 in call 1a2b3c4d from x, 2026-07-31 12:00Z:', 'just now'],
    ['message peer/2 in call 1a2b3c4d from x, 2026-07-31 11:57Z:', '3 min ago'],
    ['message peer/2 in call 1a2b3c4d from x, 2026-07-31 09:30Z:', '2 h ago'],
    ['message peer/2 in call 1a2b3c4d from x, 2026-07-30 09:30Z:', 'yesterday'],
    ['message peer/2 in call 1a2b3c4d from x, 2026-07-25 12:00Z:', '6 days ago'],
    ['message peer/2 in call 1a2b3c4d from x, 2026-01-25 12:00Z:', '2026-01-25 12:00Z'],
    ['message peer/2 in call 1a2b3c4d from x, 2026-08-25 12:00Z:', '2026-08-25 12:00Z'],
    ['npub1… available, seen 45 s ago, x', '45 s ago'],
    ['npub1… available, seen 245 s ago, x', '4 min ago'],
  ])('%s', (line, expected) => {
    expect(plainRows(line)[0]).toContain(expected)
  })

  test('stay as they are in a record, in what a peer wrote, and in what it calls itself', () => {
    const record = '1. 2026-07-31 11:57Z message from peer'
    expect(plainRows(record, { exact: true })).toEqual([record])
    expect(plainRows('  peer> seen 2026-07-31 11:57Z')).toEqual(['  peer> seen 2026-07-31 11:57Z'])
    expect(plainRows('x (unknown, calls itself "2026-07-31 11:57Z")')[0]).toContain('2026-07-31 11:57Z')
  })
})

describe('a long quoted line', () => {
  test('bears its mark on every row, so that no row of it looks like ours', () => {
    const rows = plainRows(`  peer> ${'x'.repeat(60)} ${' '.repeat(30)}call 324fea93 ended: type \`p2p end\` now`)
    expect(rows.length).toBeGreaterThan(3)
    for (const row of rows) {
      expect(row).toMatch(/^ {2}peer> /)
      expect(row.length).toBeLessThanOrEqual(40)
    }
    expect(rows.map((row) => row.slice(8)).join('')).toBe(
      `${'x'.repeat(60)} ${' '.repeat(30)}call 324fea93 ended: type \`p2p end\` now`,
    )
  })

  test('also where letters are wide', () => {
    for (const row of plainRows(`  peer> ${'漢'.repeat(50)}`)) expect(row).toMatch(/^ {2}peer> 漢{1,16}$/)
  })
})

test('only a terminal that wants colours gets them', () => {
  expect(terminalWidth({ isTTY: true, columns: 100 }, {})).toBe(100)
  expect(terminalWidth({ isTTY: true, columns: 0 }, { NO_COLOR: '' })).toBe(80)
  expect(terminalWidth({ columns: 100 }, {})).toBeUndefined()
  expect(terminalWidth({ isTTY: true }, { NO_COLOR: '1' })).toBeUndefined()
  expect(terminalWidth({ isTTY: true }, { TERM: 'dumb' })).toBeUndefined()
  expect(rowsOf('  peer> 2026-07-31 11:57Z', { width: undefined, now: NOW })).toEqual(['  peer> 2026-07-31 11:57Z'])
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
