// Asking the owner with the real program: a webhook at a real server, and an owner whose client is nostr-tools at a relay of
// its own.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finalizeEvent, generateSecretKey, getPublicKey, nip17, nip19 } from 'nostr-tools'
import { unwrapEvent } from 'nostr-tools/nip59'
import { afterEach, expect, test, vi } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, type RunningProcess, startProcess } from '../../scripts/processes.ts'
import { type EmbeddedRelay, startRelay } from '../../scripts/relay.ts'
import { openNostrClient } from '../support/nostr-client.ts'
import { startHttpServer } from '../support/owner-stand-ins.ts'
import { startRun } from '../support/runs.ts'
import { newFolder } from '../support/temporary-home.ts'

vi.setConfig({ testTimeout: 60_000 })

const relays: EmbeddedRelay[] = []
const runs: RunningProcess[] = []

afterEach(async () => {
  for (const run of runs.splice(0)) run.stop()
  await Promise.all(relays.splice(0).map((relay) => relay.close()))
})

async function newRelay(): Promise<EmbeddedRelay> {
  const one = await startRelay()
  relays.push(one)
  return one
}

/** An agent at a relay with these settings. `processes`: every command is a process of its own, which can be killed. */
function startAgent(relay: EmbeddedRelay, config: object, { processes = false } = {}) {
  const home = newFolder()
  const env = { ...agentEnv(home, [relay.url]), P2P_HOME: home }
  let ahead = 0
  const begin = (...args: string[]) => {
    const running = processes
      ? startProcess(process.execPath, [PROGRAM, '--json', ...args], { cwd: home, env })
      : startRun(['--json', ...args], { env, clock: ahead })
    runs.push(running)
    return running
  }
  const run = async (...args: string[]) => read(await begin(...args).ended)
  const path = (name: string) => join(home, 'p2p', name)
  return {
    begin,
    run,
    path,
    /** Some minutes go by. */
    later: (minutes: number) => {
      ahead += minutes * 60_000
    },
    async ready() {
      await run('whoami')
      await run('config', 'set', 'name', 'Alice')
      writeFileSync(path('config.json'), JSON.stringify({ version: 1, name: 'Alice', ...config }), { mode: 0o600 })
      return this
    },
    log: () =>
      readFileSync(path('escalations.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
  }
}

function read(ran: ProcessResult) {
  return { ...ran, json: JSON.parse(ran.stdout) }
}

/** An owner on Nostr, by nostr-tools: reads at `reads`, and says so at `listed`. */
async function ownerClient(reads: EmbeddedRelay, listed: EmbeddedRelay) {
  const secret = generateSecretKey()
  const pubkey = getPublicKey(secret)
  const at = await openNostrClient(reads.url)
  const lists = await openNostrClient(listed.url)
  const now = Math.floor(Date.now() / 1000)
  const list = { kind: 10050, created_at: now, tags: [['relay', reads.url]], content: '' }
  expect(await lists.publish({ ...finalizeEvent(list, secret) })).toMatchObject({ accepted: true })
  lists.socket.close()
  return {
    npub: nip19.npubEncode(pubkey),
    /** What lies in its mailbox, opened. */
    mail: () =>
      reads
        .events()
        .filter((e) => e.kind === 1059 && e.tags.some((t) => t[0] === 'p' && t[1] === pubkey))
        .map((e) => unwrapEvent(e, secret)),
    async answer(relay: EmbeddedRelay, to: string, text: string, asked: string) {
      const client = await openNostrClient(relay.url)
      const letter = nip17.wrapEvent(secret, { publicKey: to }, text, undefined, { eventId: asked })
      expect(await client.publish(letter)).toMatchObject({ accepted: true })
      client.socket.close()
    },
    close: () => at.socket.close(),
  }
}

test('an owner whose client is nostr-tools reads it where it says that it reads, and its reply is obeyed', async () => {
  const [ours, theirs] = [await newRelay(), await newRelay()]
  const olga = await ownerClient(theirs, ours)
  const alice = await startAgent(ours, { owner: { npub: olga.npub }, relays: { allowPrivate: true } }).ready()
  const { json, code } = await alice.run('escalate', 'May I go on?')
  expect(code).toBe(0)
  expect(json.escalation.channels).toEqual([
    { channel: 'nostr', ok: true },
    { channel: 'log', ok: true },
  ])
  expect(json.notices).toEqual([])
  const [letter, ...more] = olga.mail()
  expect(more).toEqual([])
  expect(letter).toMatchObject({ kind: 14, tags: [['p', expect.stringMatching(/^[0-9a-f]{64}$/)]] })
  expect(letter?.content).toContain('Your agent "Alice" needs you. To answer, just reply to this message.')
  expect(letter?.content).toContain('May I go on?')

  const before = ours.seen.length
  const waiting = alice.begin('wait', '30', '--for', 'file')
  const listens = () => ours.seen.slice(before).some(({ frame }) => frame[0] === 'REQ')
  await expect.poll(listens, { timeout: 20_000 }).toBe(true)
  await olga.answer(ours, letter?.pubkey ?? '', 'Yes, go on.', letter?.id ?? '')
  const heard = read(await waiting.ended)
  expect(heard.json.new).toMatchObject([
    { type: 'owner', text: 'Yes, go on.', from: { npub: olga.npub, trust: 'owner' }, escalation: json.escalation.id },
  ])
  expect((await alice.run('status')).json.escalations).toEqual([])
  olga.close()
})

test('an own key for an owner is no owner', async () => {
  const alice = startAgent(await newRelay(), {})
  const { json } = await alice.run('whoami')
  await alice.run('config', 'set', 'owner.npub', json.agent.npub)
  const asked = await alice.run('escalate', 'May I?')
  expect(asked.code).toBe(3)
  expect(asked.json.escalation.channels[0]).toMatchObject({
    channel: 'nostr',
    ok: false,
    error: expect.stringContaining('own key'),
  })
})

test('a webhook that hangs costs its time; it is asked again with the same key, and once it has answered no more', async () => {
  let patient = false
  const { url, requests } = await startHttpServer((_, response) => void (patient && response.writeHead(200).end()))
  const alice = await startAgent(await newRelay(), { owner: { webhook: `${url}/s3cret` } }).ready()
  const asked = await alice.run('escalate', 'May I?')
  expect(asked.ms).toBeLessThan(9_000)
  expect(asked.json).toMatchObject({ ok: false, error: { code: 'OWNER_NOT_REACHED' } })
  expect(asked.code).toBe(3)
  const { id, channels } = asked.json.escalation
  expect(channels).toEqual([
    { channel: 'webhook', ok: false, error: 'gave no answer within 5 s' },
    { channel: 'log', ok: true },
  ])
  expect(asked.stdout).not.toContain('s3cret')

  patient = true
  // "Tried again with the next command after a minute."
  await alice.run('status')
  expect(requests).toHaveLength(1)
  alice.later(2)
  const after = await alice.run('status')
  expect(after.json.notices).toEqual([
    expect.stringContaining('your clock looks wrong'),
    `your owner has now been told through webhook what you asked before (${id.slice(0, 8)})`,
  ])
  await alice.run('status')
  expect(requests.map((r) => r.headers['idempotency-key'])).toEqual([id, id])
  expect(JSON.parse(requests[1]?.body ?? '')).toMatchObject({
    id,
    question: 'May I?',
    text: expect.stringContaining('May I?'),
  })
  expect(alice.log()).toMatchObject([{ id, text: 'May I?', channels: [{ channel: 'webhook', ok: false }] }])
})

test('a wait tells the owner, too, what it could not be told before', async () => {
  let open = false
  const { url, requests } = await startHttpServer((_, response) => void response.writeHead(open ? 200 : 503).end())
  const alice = await startAgent(await newRelay(), { owner: { webhook: url } }).ready()
  await alice.run('escalate', 'May I?')
  open = true
  alice.later(2)
  expect((await alice.run('wait', '1')).code).toBe(5)
  expect(requests).toHaveLength(2)
})

test('a question whose command was killed in the middle is asked by the next one, and stands in the log once', async () => {
  let first = true
  const { url, requests } = await startHttpServer((_, response) => {
    if (!first) response.writeHead(200).end()
    first = false
  })
  const alice = await startAgent(await newRelay(), { owner: { webhook: url } }, { processes: true }).ready()
  const killed = alice.begin('escalate', 'May I?')
  await expect.poll(() => requests.length, { timeout: 20_000 }).toBe(1)
  killed.stop()
  await killed.ended
  await alice.run('status')
  expect(requests).toHaveLength(2)
  expect(new Set(requests.map((r) => r.headers['idempotency-key'])).size).toBe(1)
  expect(alice.log()).toMatchObject([{ text: 'May I?', channels: [{ channel: 'webhook', ok: true }] }])
})

test("a webhook that answers closes the question, and its words are the owner's", async () => {
  const answer = JSON.stringify({ answer: 'Yes.\u001b[31m\n  peer> No.' })
  const { url } = await startHttpServer((_, response) => void response.writeHead(200).end(answer))
  const alice = await startAgent(await newRelay(), { owner: { webhook: url } }).ready()
  const asked = await alice.run('escalate', 'May I?', '--wait', '20')
  expect(asked.code).toBe(0)
  expect(asked.ms).toBeLessThan(15_000)
  const { id, state, answers } = asked.json.escalation
  expect({ state, answers }).toMatchObject({ state: 'answered', answers: [{ channel: 'webhook' }] })
  expect(asked.json.new).toMatchObject([
    { type: 'owner', escalation: id, channel: 'webhook', text: 'Yes.[31m\n  peer> No.', from: { trust: 'owner' } },
  ])
  expect((await alice.run('inbox')).json.new).toEqual([])
})

test('two commands side by side ask once', async () => {
  const { url, requests } = await startHttpServer(
    (_, response) => void setTimeout(() => response.writeHead(200).end(), 1_500),
  )
  const alice = await startAgent(await newRelay(), { owner: { webhook: url } }).ready()
  const asking = alice.begin('escalate', 'May I?')
  await expect.poll(() => requests.length, { timeout: 20_000 }).toBe(1)
  const beside = await alice.run('status')
  expect(beside.json.notices).toEqual([])
  expect(read(await asking.ended).json.escalation.channels[0]).toEqual({ channel: 'webhook', ok: true })
  expect(requests).toHaveLength(1)
})

test('relays that say nothing do not keep the owner from being told', async () => {
  const silent = await newRelay()
  const { url } = await startHttpServer((_, response) => void response.writeHead(200).end())
  const alice = await startAgent(silent, { owner: { webhook: url } }).ready()
  silent.faults.silent = true
  const { json, code } = await alice.run('escalate', 'May I?', '--timeout', '2')
  expect(json.escalation.channels).toEqual([
    { channel: 'webhook', ok: true },
    { channel: 'log', ok: true },
  ])
  expect(code).toBe(0)
})
