// What a command does about a relay that speaks NIP-77: it finds out when it had to read much that it knew, and from then on
// little travels.
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { newKeys } from '../../scripts/bench/history.ts'
import type { EmbeddedRelay } from '../../scripts/relay.ts'
import { finalize } from '../../src/nostr/event.ts'
import { type AgentProgram, startCall, stringField, withPair } from '../support/two-programs.ts'

const MANY = 400

function stateOf(agent: AgentProgram) {
  const file = join(agent.home, '.openclaw/p2p/state.json')
  return { file, index: JSON.parse(readFileSync(file, 'utf8')) }
}

/** Puts many wraps on the relay that the agent takes for opened, as after days of use. */
async function giveHistory(relay: EmbeddedRelay, who: AgentProgram): Promise<void> {
  const { agent } = await who.json(['whoami'])
  const now = Math.floor(Date.now() / 1000)
  const stranger = newKeys()
  const junk = Array.from({ length: MANY }, (_, n) => {
    const tags = [['p', stringField(agent, 'pubkey')]]
    return finalize({ kind: 1059, created_at: now - n, tags, content: `${n}` }, stranger)
  })
  relay.policy.trust = true
  const socket = new WebSocket(relay.url)
  await once(socket, 'open')
  const before = relay.events().length
  for (const event of junk) socket.send(JSON.stringify(['EVENT', event]))
  await expect.poll(() => relay.events().length, { timeout: 20_000 }).toBe(before + MANY)
  socket.terminate()
  relay.policy.trust = false
  const { file, index } = stateOf(who)
  for (const { id, created_at } of junk) index.seen[id] = created_at
  writeFileSync(file, JSON.stringify(index))
}

test('much that is known is compared and not sent again, and what is new arrives', async () => {
  await withPair({ auth: 'dm', negentropy: 'nip77', limit: 1_000 }, async (pair) => {
    const { ada, ben, relay } = pair
    await startCall(pair)
    await giveHistory(relay, ben)

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

test('a relay whose HTTP hangs makes one run wait, and not each of them', async () => {
  await withPair({ auth: 'none' }, async ({ ben, relay }) => {
    let questions = 0
    const front = createServer(() => {
      questions += 1
    })
    front.on('upgrade', ({ url, rawHeaders }, socket) => {
      const behind = connect(Number(new URL(relay.url).port), '127.0.0.1')
      const headers = rawHeaders.map((part, n) => (n % 2 === 0 ? `${part}: ` : `${part}\r\n`))
      behind.write(`GET ${url} HTTP/1.1\r\n${headers.join('')}\r\n`)
      for (const end of [socket, behind]) end.on('error', () => [socket, behind].map((one) => one.destroy()))
      socket.pipe(behind).pipe(socket)
    })
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    onTestFinished(() => void front.close())
    onTestFinished(() => front.closeAllConnections())
    const address = front.address()
    const url = `ws://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    await ben.json(['status', '--relay', url])
    await giveHistory(relay, ben)
    await ben.json(['status', '--relay', url])
    await ben.json(['status', '--relay', url])
    expect(questions).toBe(1)
    expect(stateOf(ben).index.relays[url].negentropy).toMatchObject({ speaks: false })
  })
})
