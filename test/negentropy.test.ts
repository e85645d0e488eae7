// What a command does about a relay that speaks NIP-77: it finds out when it had to read much that it knew, and from then on
// little travels.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { newKeys } from '../scripts/bench/history.ts'
import { finalize } from '../src/nostr/event.ts'
import { type Agent, field, inCall, withPair } from './agents.ts'

const MANY = 400

function stateOf(agent: Agent) {
  const file = join(agent.home, '.openclaw/p2p/state.json')
  return { file, index: JSON.parse(readFileSync(file, 'utf8')) }
}

test('much that is known is compared and not sent again, and what is new arrives', async () => {
  await withPair({ auth: 'dm', negentropy: 'nip77', limit: 1_000 }, async (pair) => {
    const { ada, ben, relay } = pair
    await inCall(pair)
    const { agent } = await ben.json(['whoami'])
    const now = Math.floor(Date.now() / 1000)
    const once = newKeys()
    const junk = Array.from({ length: MANY }, (_, n) => {
      const tags = [['p', field(agent, 'pubkey')]]
      return finalize({ kind: 1059, created_at: now - n, tags, content: `${n}` }, once)
    })
    relay.policy.trust = true
    const socket = new WebSocket(relay.url)
    await new Promise((resolve) => socket.on('open', resolve))
    for (const event of junk) socket.send(JSON.stringify(['EVENT', event]))
    await expect.poll(() => relay.events().length, { timeout: 20_000 }).toBeGreaterThan(MANY)
    socket.terminate()
    relay.policy.trust = false
    // It takes them for opened, as after days of use.
    const { file, index } = stateOf(ben)
    for (const { id, created_at } of junk) index.seen[id] = created_at
    writeFileSync(file, JSON.stringify(index))

    const asked = async (...args: string[]) => {
      const before = relay.seen.length
      const answer = await ben.json(args)
      return { answer, verbs: relay.seen.slice(before).map(({ frame }) => frame[0]) }
    }
    expect((await asked('status')).verbs).not.toContain('NEG-OPEN')
    expect(stateOf(ben).index.relays[relay.url].negentropy).toMatchObject({ speaks: true })
    const second = await asked('status')
    expect(second.verbs).toContain('NEG-OPEN')
    expect(second.verbs).not.toContain('REQ')
    await ada.json(['send', 'is this still quick?'])
    const third = await asked('status')
    expect(third.verbs).toContain('NEG-OPEN')
    expect(JSON.stringify(third.answer.new)).toContain('is this still quick?')
    // One that goes back on its word is asked in the old way, in the same run.
    relay.policy.negentropy = 'refused'
    await ada.json(['send', 'and now?'])
    const fourth = await asked('status')
    expect(JSON.stringify(fourth.answer.new)).toContain('and now?')
    expect(stateOf(ben).index.relays[relay.url].negentropy).toMatchObject({ speaks: false })
    expect((await asked('status')).verbs).not.toContain('NEG-OPEN')
  })
})
