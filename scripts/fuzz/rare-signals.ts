// Signals that are not in the vectors' call: answers at glare, forks, losses, marks of reading, what is missing.
import { type Body, NOTHING, type SignalPosition } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { agents, NOW } from '../vectors/call.ts'

/** The rumors of rare signals, by the callee of the vectors. @param call the id of their call */
export function rareSignals(call: string): Rumor[] {
  const link = { seq: 3, id: 'a'.repeat(64) }
  const ek = [agents.caller.pubkey]
  const receipt = { type: 'receipt' as const, text: '' as const, missing: [] }
  const bodies: readonly [Body, Partial<SignalPosition>?][] = [
    [{ type: 'accept', text: 'Sure.', name: 'ben', relays: ['wss://relay.example'], ek, merged: link.id }, { seq: 1 }],
    [{ type: 'reject', text: 'Not today', reason: 'busy' }, { seq: 1 }],
    [
      { type: 'decline', text: 'No.' },
      { re: link.id, read: 2 },
    ],
    [{ type: 'end', text: '', outcome: 'partial', expired: true }],
    [{ ...receipt, missing: [[4, 4], [7, 9]] }, { seq: 0, read: 3 }], // biome-ignore format: two ranges
    [
      { ...receipt, fork: link },
      { seq: 0, ack: NOTHING },
    ],
    [
      { ...receipt, lost: true },
      { seq: 0, ack: NOTHING },
    ],
    [{ type: 'opaque', text: '', op: 'wave' }],
  ]
  return bodies.map(([body, more]) => {
    const place = { call, to: agents.caller.pubkey, seq: 4, ack: link, ...more }
    const prev = place.seq > 1 ? 'b'.repeat(64) : undefined
    return rumorOf(signalTemplate(body, { ...place, prev }, NOW), agents.callee.pubkey)
  })
}
