// `announce` as cron runs it: one at a time, one line, and nothing said twice before it is due.
import { existsSync, readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import type { EmbeddedRelay } from '../../scripts/relay.ts'
import { secretKeys } from '../../src/io/home/identity.ts'
import { finalize } from '../../src/nostr/event.ts'
import { must } from '../support/must.ts'
import { NO_PRELOAD } from '../support/preloads.ts'
import { publishAll } from '../support/strangers.ts'
import { type AgentProgram, startCall, withPair } from '../support/two-programs.ts'

const SECOND = 1000

test('a second run leaves at once while the first sleeps, and a stopped one ends at once', async () => {
  await withPair({}, async ({ relay, ada }) => {
    const first = ada.start(['announce', '--jitter', '86400'], 0, '', NO_PRELOAD)
    await vi.waitFor(() => expect(runnerOf(ada)).toBeGreaterThan(0), { timeout: 10_000 })
    const second = await ada.run(['announce'])
    expect([second.code, second.stdout, second.stderr]).toEqual([0, 'another announce is running\n', ''])
    expect(await ada.json(['announce'])).toMatchObject({ idle: 'another announce is running', received: 0 })
    expect((await ada.run(['announce', '--quiet'])).stdout).toBe('')
    process.kill(runnerOf(ada), 'SIGTERM')
    const { code, stdout } = await first.ended
    expect([code, stdout]).toEqual([0, 'stopped before it began\n'])
    expect(presences(relay)).toBe(0)

    const killed = ada.start(['announce', '--jitter', '86400'], 0, '', NO_PRELOAD)
    await vi.waitFor(() => expect(runnerOf(ada)).toBeGreaterThan(0), { timeout: 10_000 })
    process.kill(runnerOf(ada), 'SIGKILL')
    await killed.ended
    expect((await ada.run(['announce', '--jitter', '0.1'])).stdout).toBe('announced on 1 of 1 relays; nothing unread\n')
    expect(runnerOf(ada)).toBe(0)
  })
})

test('the same presence is sent again when it is due, when it has changed, and to relays that have not taken it', async () => {
  await withPair({}, async (pair) => {
    const { relay, ada } = pair
    const first = Object(await ada.json(['announce'])).presence
    expect(presences(relay)).toBe(1)
    const again = await ada.run(['announce'], 20 * SECOND)
    expect(again.stdout).toMatch(/^announced on 1 of 1 relays \d+ s ago, not due again; nothing unread\n$/)
    const { presence } = await ada.json(['announce'], 20 * SECOND)
    expect(presence).toEqual({ ...first, age: expect.any(Number) })
    await ada.json(['announce'], 60 * SECOND)
    expect(presences(relay)).toBe(1)
    await ada.json(['announce'], 101 * SECOND)
    expect(presences(relay)).toBe(2)

    await ada.json(['config', 'set', 'about', 'Reviews APIs'])
    await ada.json(['announce'], 102 * SECOND)
    expect(presences(relay)).toBe(3)
    await startCall(pair)
    await ada.json(['announce'], 103 * SECOND)
    expect(presences(relay)).toBe(4)
    await ada.json(['announce'], 104 * SECOND)
    expect(presences(relay)).toBe(4)

    const dead = 'ws://127.0.0.1:9'
    const both = ['--relay', relay.url, '--relay', dead]
    const { stdout } = await ada.run(['announce', ...both], 105 * SECOND)
    expect(stdout).toMatch(/^announced on 1 of 2 relays; ws:\/\/127\.0\.0\.1:9: .*; nothing unread\n$/)
    expect(presences(relay)).toBe(5)
    await ada.run(['announce', ...both], 106 * SECOND)
    expect(presences(relay)).toBe(5)
  })
})

// A case from the field: "another client has replaced our own 10050": our calls did not ring for a day.
test('a list of our relays that another client has replaced is noticed, said, and published anew', async () => {
  await withPair({}, async ({ relay, ada, folder }) => {
    await ada.json(['announce'])
    const lists = () => relay.events().filter(({ kind }) => kind === 10050)
    const [ours] = lists()
    const identity: { secretKey: string } = JSON.parse(
      readFileSync(`${folder}/ada/.openclaw/p2p-identity.json`, 'utf8'),
    )
    const keys = must(secretKeys(identity.secretKey))
    const other = {
      kind: 10050,
      created_at: must(ours).created_at + 5,
      tags: [['relay', 'wss://elsewhere.example']],
      content: '',
    }
    await publishAll(relay.url, [finalize(other, keys)])
    expect(lists()).toMatchObject([{ tags: other.tags }])
    const { code, stdout } = await ada.run(['announce'])
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/another client .*had replaced .*kind 10050.*published anew\n$/),
    ])
    expect(lists()).toMatchObject([{ tags: must(ours).tags, created_at: other.created_at + 1 }])
    expect((await ada.run(['announce'])).stdout).not.toContain('another client')
  })
})

test('it is one line, whatever there is to say', async () => {
  await withPair({}, async ({ ada }) => {
    const { code, stdout } = await ada.run(['announce', '--relay', 'ws://127.0.0.1:9', '--relay', 'ws://127.0.0.1:11'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^NOT announced; ws:\/\/.*; nothing unread\n$/)
  })
})

test('a jitter is a number of seconds', async () => {
  await withPair({}, async ({ ada }) => {
    expect((await ada.run(['announce', '--jitter', 'soon'])).code).toBe(2)
  })
})

/** The process that the state says is announcing; 0 for none. */
function runnerOf({ home }: AgentProgram): number {
  const path = `${home}/.openclaw/p2p/state.json`
  return existsSync(path) ? Number(Object(JSON.parse(readFileSync(path, 'utf8'))).announcing?.pid ?? 0) : 0
}

/** How many presences the relay was sent. */
function presences({ seen }: EmbeddedRelay): number {
  return seen.filter(({ frame }) => frame[0] === 'EVENT' && Object(frame[1]).kind === 30315).length
}
