// A call of 1,500 messages between two real programs: its older words are put into segments, and it is one call all the same.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { valueAt } from '../../scripts/json-path.ts'
import type { Log, LogEntry } from '../../src/call/log.ts'
import { parseLog } from '../../src/call/log-codec.ts'
import { lastSignal } from '../../src/call/replay.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { secretKeys } from '../../src/io/home/identity.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { giftWrap } from '../../src/nostr/nip59.ts'
import { callKeyIn } from '../support/call-key-of.ts'
import { must } from '../support/must.ts'
import { openNostrClient } from '../support/nostr-client.ts'
import { type AgentProgram, startCall, stringField, withPair } from '../support/two-programs.ts'

const MESSAGES = 1_500

test('a long call is sent in, ended and read as a short one is', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben, relay } = pair
    const call = await startCall(pair)
    const told = addMessages(ada, ben, call)
    const texts = told.map((rumor) => rumor.content)

    await ada.json(['send', 'and one more'])
    await ben.json(['inbox'])
    await ben.json(['send', 'and an answer'])
    await ada.json(['inbox'])
    const now = [...texts, 'and one more', 'and an answer']
    for (const who of [ada, ben]) {
      expect(segmentsOf(who, call).length).toBeGreaterThan(0)
      expect(Object.keys(logOf(who, call).entries).length).toBeLessThan(500)
      expect(await wordsOf(who, call)).toEqual(now)
      expect(valueAt(await who.json(['status']), `.calls[id=${call}]`)).toMatchObject({
        state: 'active',
        own: { queued: 0 },
      })
      expect(valueAt(await who.json(['inbox', '--all']), '.new.length')).toBeGreaterThan(MESSAGES / 2)
      expect((await who.run(['transcript', '--search', '700 of'])).stdout).toContain('700 of')
      expect((await who.run(['doctor', '--json'])).stdout).not.toContain('damaged')
    }
    // The request, half of the messages, and one more; ben's answer said that they were looked at.
    expect(valueAt(await ada.json(['status']), `.calls[id=${call}].own`)).toEqual({
      ...{ queued: 0, relayed: 0, delivered: 0, read: MESSAGES / 2 + 2 },
    })

    // A word that lies in a segment comes once more, in a new envelope.
    const keys = must(
      secretKeys(stringField(JSON.parse(readFileSync(`${ada.home}/.openclaw/p2p-identity.json`, 'utf8')), 'secretKey')),
    )
    const first = must(told.find((rumor) => rumor.pubkey === keys.pubkey))
    const client = await openNostrClient(relay.url)
    const to = must(first.tags.find((t) => t[0] === 'p')?.[1])
    await client.publish(
      giftWrap(first, to, keys, { now: Math.floor(Date.now() / 1000), callKey: callKeyIn(ada.home, call) }),
    )
    client.socket.close()
    expect(valueAt(await ben.json(['inbox']), '.new')).toEqual([])
    expect(await wordsOf(ben, call)).toEqual(now)
    expect(segmentsOf(ben, call).length).toBeGreaterThan(0)

    await ben.json(['end', 'bye'])
    // Ada confirms it, ben acknowledges that, and ada hears so.
    for (const who of [ada, ben, ada]) await who.json(['status'])
    for (const who of [ada, ben]) {
      const { transcript } = await who.json(['transcript', call])
      expect(transcript).toMatchObject({ verified: true, digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
      expect(await wordsOf(who, call)).toEqual(now)
      expect(segmentsOf(who, call)).toEqual([])
    }
  })
}, 120_000)

/** All messages of the call, in order. */
async function wordsOf(who: AgentProgram, call: string): Promise<string[]> {
  const entries = valueAt(await who.json(['transcript', call, '--max-chars', '0']), '.transcript.entries')
  if (!Array.isArray(entries)) throw new Error('no transcript')
  return entries.flatMap((entry) => (stringField(entry, 'type') === 'message' ? [stringField(entry, 'text')] : []))
}

/** Has the two say so much, without the weeks that it would take: both hold it, and each has acked what the other said. */
function addMessages(ada: AgentProgram, ben: AgentProgram, call: string): Rumor[] {
  const request = must(logOf(ada, call).entries[call]).rumor
  const [one, other] = [request.pubkey, must(request.tags.find((t) => t[0] === 'p')?.[1])]
  const links = new Map([one, other].map((key) => [key, lastSignal(logOf(ada, call), key)]))
  const told = Array.from({ length: MESSAGES }, (_, n) => {
    const [from, to] = n % 2 === 0 ? [one, other] : [other, one]
    const [own, ack] = [must(links.get(from)), must(links.get(to))]
    const place = { call, to, seq: own.seq + 1, prev: own.id, ack }
    const rumor = rumorOf(signalTemplate({ type: 'message', text: `${n} of many` }, place, request.created_at), from)
    links.set(from, { seq: place.seq, id: rumor.id })
    return rumor
  })
  for (const [who, key] of [
    [ada, one],
    [ben, other],
  ] as const) {
    const log = logOf(who, call)
    const more = told.map((rumor): [string, LogEntry] => [
      rumor.id,
      rumor.pubkey === key ? { rumor } : { rumor, heard: rumor.created_at },
    ])
    const last = 1 + MESSAGES / 2
    const entries = { ...log.entries, ...Object.fromEntries(more) }
    const acked = must(links.get(key))
    const grown: Log = {
      ...log,
      entries,
      outbox: {},
      peerAcked: acked,
      receipts: { ...log.receipts, ackTaken: last, ackTried: last },
    }
    writeFileSync(pathOf(who, call), JSON.stringify(grown))
  }
  return told
}

function logOf(who: AgentProgram, call: string): Log {
  const log = parseLog(JSON.parse(readFileSync(pathOf(who, call), 'utf8')))
  if (log === undefined || log === 'newer') throw new Error('the call cannot be read')
  return log
}

function pathOf({ home }: AgentProgram, call: string): string {
  return `${home}/.openclaw/p2p/calls/${call}.json`
}

function segmentsOf({ home }: AgentProgram, call: string): string[] {
  const folder = join(home, '.openclaw/p2p/calls', call)
  return existsSync(folder) ? readdirSync(folder) : []
}
