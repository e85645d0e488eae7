// The owner's word among everybody else's.
import { expect, test } from 'vitest'
import type { Trust } from '../../src/call/agents.ts'
import { toHex } from '../../src/nostr/crypto.ts'
import { rumorOf } from '../../src/nostr/event.ts'
import { receiveAll } from '../../src/state/receive.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'

const T = 1_800_000_000
const me = 'a'.repeat(64)
const owner = 'b'.repeat(64)
const friend = 'c'.repeat(64)

const trust = (pubkey: string): Trust => (pubkey === owner ? 'owner' : 'known')
const gate = { trust, calls: 'anyone' as const, silent: false, pow: 0 }

function letter(from: string, text: string) {
  const rumor = rumorOf({ kind: 14, created_at: T, tags: [['p', me]], content: text }, from)
  return { wrap: toHex(Buffer.from(text.padStart(32))), stamp: T, bits: 0, rumor }
}

test('however much others write, an unread word of the owner is kept, and a read one gives way', () => {
  const empty: State = { index: { ...emptyIndex(), agent: me }, logs: {} }
  const at = (now: number) => ({ me, now, replayed: [], clockWrong: false, gate })
  const flood = (n: number) => Array.from({ length: 300 }, (_, i) => letter(friend, `flood ${n} ${i}`))
  const said = receiveAll(empty, [letter(owner, 'stop')], at(T)).state
  const flooded = receiveAll(said, flood(1), at(T + 60)).state
  const texts = (state: State) => Object.values(state.index.dms).map((dm) => dm.rumor.content)
  expect(texts(flooded)).toHaveLength(200)
  expect(texts(flooded)).toContain('stop')
  const read = Object.fromEntries(Object.entries(flooded.index.dms).map(([id, dm]) => [id, { ...dm, unread: false }]))
  const later = receiveAll({ ...flooded, index: { ...flooded.index, dms: read } }, flood(2), at(T + 120)).state
  expect(texts(later)).not.toContain('stop')
})
