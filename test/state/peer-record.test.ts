// Whether a peer is there, and which of its relays bring it what we say.
import { expect, test } from 'vitest'
import { parseIndex } from '../../src/state/index-codec.ts'
import {
  doubtedRelays,
  isPresent,
  noteHeard,
  noteRecord,
  relayScore,
  unknownPeer,
} from '../../src/state/peer-record.ts'
import { emptyIndex, type PeerMemory } from '../../src/state/state.ts'
import { beginTransaction } from '../../src/state/transaction.ts'

const peer = 'b'.repeat(64)
const NOW = 1_795_000_000

function after(held: PeerMemory | undefined, change: (edit: ReturnType<typeof beginTransaction>) => void) {
  const edit = beginTransaction({ index: { ...emptyIndex(), peers: held ? { [peer]: held } : {} }, logs: {} })
  change(edit)
  return edit.state.index
}

test('who has said something is there for some minutes, by its own stamp', () => {
  const heard = (at: number, held?: PeerMemory) => after(held, (edit) => noteHeard(edit, peer, at, NOW)).peers[peer]
  expect(isPresent(heard(NOW - 10), NOW)).toBe(true)
  expect(isPresent(heard(NOW - 10), NOW + 291)).toBe(false)
  // What has lain at a relay for an hour, and what is dated far ahead, say nothing of now.
  expect([heard(NOW - 3600), heard(NOW + 3600)]).toEqual([undefined, undefined])
  const held = { ...unknownPeer(), heardAt: NOW - 20 }
  expect(heard(NOW - 5, held)).toBe(held)
  expect(heard(NOW - 200, held)?.heardAt).toBe(NOW - 20)
  expect(isPresent(undefined, NOW)).toBe(false)
})

test('a relay is remembered for what it brought and what it did not, the latest more than what was long ago', () => {
  let index = after(undefined, (edit) => noteRecord(edit, peer, ['a', 'b'], 'acked'))
  for (let n = 0; n < 60; n++) index = after(index.peers[peer], (edit) => noteRecord(edit, peer, ['a'], 'unacked'))
  const memory = index.peers[peer]
  expect(relayScore(memory, 'a')).toBeLessThan(relayScore(memory, 'x'))
  expect(relayScore(memory, 'x')).toBeLessThan(relayScore(memory, 'b'))
  for (let n = 0; n < 80; n++) index = after(index.peers[peer], (edit) => noteRecord(edit, peer, ['a'], 'acked'))
  expect(relayScore(index.peers[peer], 'a')).toBeGreaterThan(0.6)
  expect(parseIndex(JSON.parse(JSON.stringify(index)))).toEqual(index)
})

test('of a peer that names new relays without end only the latest are remembered', () => {
  const many = Array.from({ length: 100 }, (_, n) => `r${n}`)
  const index = after(undefined, (edit) => noteRecord(edit, peer, many, 'acked'))
  expect(Object.keys(index.peers[peer]?.record ?? {})).toEqual(many.slice(-12))
})

test('a relay that keeps nothing is not believed for what one beside it brings', () => {
  let index = after(undefined, () => {})
  const note = (relays: string[], came: 'acked' | 'unacked') => {
    index = after(index.peers[peer], (edit) => noteRecord(edit, peer, relays, came))
  }
  const doubted = (relays: string[]) => doubtedRelays(relays, (url) => relayScore(index.peers[peer], url))
  note(['honest', 'leaky'], 'acked')
  // While the honest one refuses, what only the leaky one has is lost.
  for (let n = 0; n < 3; n++) note(['leaky'], 'unacked')
  for (let n = 0; n < 9; n++) note(['honest', 'leaky'], 'acked')
  expect(index.peers[peer]?.record).toEqual({ honest: { acked: 10, unacked: 0 }, leaky: { acked: 1, unacked: 3 } })
  for (let n = 0; n < 3; n++) note(['leaky'], 'unacked')
  expect(doubted(['honest', 'leaky'])).toEqual(['leaky'])
  // Where no other is better, there is nobody to believe instead.
  expect(doubted(['leaky'])).toEqual([])
  expect(doubted(['new', 'leaky'])).toEqual(['leaky'])
})

test('relays that bring a peer the same things stand alike', () => {
  let index = after(undefined, () => {})
  for (const came of ['acked', 'unacked', 'unacked', 'acked', 'unacked', 'acked', 'acked'] as const)
    index = after(index.peers[peer], (edit) => noteRecord(edit, peer, ['a', 'b'], came))
  expect(index.peers[peer]?.record).toEqual({ a: { acked: 4, unacked: 3 }, b: { acked: 4, unacked: 3 } })
})
