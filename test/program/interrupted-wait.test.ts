// A wait that somebody stops says that it was stopped, and not that time ran out.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { agentEnv, PROGRAM } from '../../scripts/processes.ts'
import { startCall, withPair } from '../support/two-programs.ts'

test('stopped by a signal', async () => {
  await withPair({}, async (pair) => {
    const { relay, ada, folder } = pair
    const call = await startCall(pair)
    const env = agentEnv(ada.home, [relay.url])
    const child = spawn(process.execPath, [PROGRAM, 'wait', '60', '--call', call, '--json'], { cwd: folder, env })
    const ended = once(child, 'close')
    // It says what it waits for before it waits.
    const [said] = await once(child.stderr, 'data')
    expect(String(said)).toContain(`call ${call}: waiting for`)
    const printed = text(child.stdout)
    child.kill('SIGINT')
    expect(await ended).toEqual([5, null])
    const { error } = JSON.parse(await printed)
    expect(error.code).toBe('INTERRUPTED')
    expect(error.message).toMatch(/^the wait was interrupted after \d+ s; until then nothing came/)
    expect(error.hint).toContain(`wait --call ${call.slice(0, 8)}\``)
  })
})
