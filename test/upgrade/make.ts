// Makes the home of an agent that has been through most of what leaves a trace, to be kept when a version is released:
// npx tsx test/upgrade/make.ts test/upgrade/v1. What it says is known to test/program/upgrade.test.ts.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { bundle } from '../../scripts/build.ts'
import { secretKeys } from '../../src/io/home/identity.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { rumorOf } from '../../src/nostr/event.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'
import { openNostrClient } from '../support/nostr-client.ts'
import { type AgentProgram, startCall, stringField, withPair } from '../support/two-programs.ts'

const [target] = process.argv.slice(2)
if (target === undefined) throw new Error('say where to: npx tsx test/upgrade/make.ts test/upgrade/v1')
await bundle()
await withPair({}, async (pair) => {
  const { relay, ada, ben } = pair
  await ben.json(['config', 'set', 'name', 'ben'])
  await ben.json(['config', 'set', 'about', 'kept from an earlier version'])
  await ben.json(['config', 'set', 'owner.webhook', 'http://127.0.0.1:9/'])
  await ben.json(['announce'])

  const first = await startCall(pair, 'a call that was ended')
  await ben.json(['contacts', 'add', first.slice(0, 8), 'ada'])
  await ada.json(['send', 'from ada'])
  await ben.json(['send', 'from ben'])
  await ada.json(['sendfile', 'report.json', 'eyJkYXRhIjogdHJ1ZX0='])
  await ben.json(['inbox'])
  await ben.json(['sendfile', 'answer.txt', 'b2s='])
  await ada.json(['end', 'bye'])
  await ben.json(['status'])
  await ada.json(['status'])
  await ben.json(['status'])

  const second = await startCall(pair, 'a call that goes on')
  await ben.json(['escalate', 'may I?', '--call', second])
  await ada.json(['send', 'unread', '--call', second])
  await ada.json(['call', stringField((await ben.json(['whoami'])).agent, 'npub'), 'a call that rings'])
  await letter(ben, relay.url)
  await ben.json(['inbox', '--peek'])
  await relay.close()
  await ben.json(['sendfile', 'queued.txt', 'bm90IHlldA==', '--call', second], 0, 3)

  rmSync(target, { recursive: true, force: true })
  cpSync(`${ben.home}/.openclaw`, target, { recursive: true, filter: (path) => !path.endsWith('/cache') })
  writeFileSync(`${target}/made.json`, `${JSON.stringify({ at: Date.now(), first, second })}\n`)
}).catch((error: unknown) => {
  // The relay was closed half-way on purpose.
  if (!String(error).includes('ERR_SERVER_NOT_RUNNING')) throw error
})

/** A direct message of a stranger's, as any NIP-17 client sends it. */
async function letter(to: AgentProgram, relay: string): Promise<void> {
  const identity: unknown = JSON.parse(readFileSync(`${to.home}/.openclaw/p2p-identity.json`, 'utf8'))
  const receiver = secretKeys(stringField(identity, 'secretKey'))?.pubkey ?? ''
  const [keys, now] = [randomKeys(), Math.floor(Date.now() / 1000)]
  const message = { kind: 14, created_at: now, tags: [['p', receiver]], content: 'a letter' }
  const client = await openNostrClient(relay)
  await client.publish(giftWrap(rumorOf(message, keys.pubkey), receiver, keys, { now, callKey: undefined }))
  client.socket.close()
}
