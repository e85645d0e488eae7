// A mailbox with junk in it, and how it is read.
import { readFileSync } from 'node:fs'
import type { EmbeddedRelay, RelayOptions } from '../../scripts/relay.ts'
import { type Event, rumorOf } from '../../src/nostr/event.ts'
import { type MailboxReader, withMailboxReader } from './mailbox-reader.ts'
import { giftWrapOf, letterRumor, requestRumor, strangerKeys, unixNow } from './strangers.ts'

/** Whose mailbox it is, a contact of his, and the key that junk is under. */
export const [ben, carol, once] = [strangerKeys('ben'), strangerKeys('carol'), strangerKeys('a key for all envelopes')]

/** An envelope that nobody can open, of about so many bytes. */
export function junk(n: number, bytes: number, stamp = unixNow()): Event {
  const content = `${'A'.repeat(bytes)}${n}`
  const bare = { kind: 1059, created_at: stamp, tags: [['p', ben.pubkey]], content }
  return { ...rumorOf(bare, once.pubkey), sig: '00'.repeat(64) }
}

/** The same wrap as if it had been dated otherwise: relays that trust do not look at the signature. */
export function dated(wrap: Event, stamp: number): Event {
  const { kind, tags, content, pubkey } = wrap
  return { ...rumorOf({ kind, created_at: stamp, tags, content }, pubkey), sig: '00'.repeat(64) }
}

/** A call of Carol's to Ben, wrapped. */
export const call = (topic: string) => giftWrapOf(requestRumor(carol, ben.pubkey, topic), carol, ben.pubkey)
/** A letter of Carol's to Ben, wrapped. */
export const mail = (text: string) => giftWrapOf(letterRumor(carol, ben.pubkey, text), carol, ben.pubkey)

/** `memoryOf`: what the index says of a relay. */
export type JunkReader = MailboxReader & { memoryOf(relay: EmbeddedRelay): Record<string, unknown> }

/** `processes`: every command is a process of its own, whose memory is measured. */
export async function withReader(
  relays: RelayOptions[],
  body: (reader: JunkReader) => Promise<void>,
  processes = false,
): Promise<void> {
  await withMailboxReader({ relays, processes }, { ben, carol }, async (reader) => {
    const state = `${reader.folder}/.openclaw/p2p/state.json`
    await body({ ...reader, memoryOf: ({ url }) => JSON.parse(readFileSync(state, 'utf8')).relays[url] })
  })
}
