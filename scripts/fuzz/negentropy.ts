// Fuzzes what a relay says in a session of NIP-77 to a client that holds up to 300 ids.
import { createHash } from 'node:crypto'
import { isHex32 } from '../../src/nostr/crypto.ts'
import { MAX_NEEDED, reconcile } from '../../src/nostr/nip77.ts'
import { answerNegMessage, type Item } from '../relay/negentropy.ts'
import { spoiledBytes } from './mutate.ts'
import type { SeededChoices } from './random.ts'
import { mustBe, NOW } from './samples.ts'
import { faultOf, target } from './target.ts'

const items = (from: number, to: number): Item[] =>
  Array.from({ length: to - from }, (_, n) => ({
    id: createHash('sha256')
      .update(`${from + n}`)
      .digest('hex'),
    stamp: NOW + Math.floor((from + n) / 3),
  }))

const HELD = [items(0, 0), items(0, 20), items(0, 300)]

/** What honest relays answer that have nothing, the same as the largest client, or others. */
const ANSWERS = HELD.map((held) => {
  const { first } = reconcile(held.map(({ id, stamp }) => [id, stamp] as const))
  return [items(0, 0), items(0, 300), items(150, 500)].map((theirs) =>
    Buffer.from(mustBe(answerNegMessage(theirs, first)), 'hex'),
  )
})

type Talk = { held: number; messages: string[] }

const sessions = target(
  'reconciliation',
  40,
  (chance): Talk => {
    const held = chance.int(HELD.length)
    const make = () => (chance.often(50) ? spoiledBytes(chance, chance.pick(mustBe(ANSWERS[held]))) : ranges(chance))
    return { held, messages: Array.from({ length: 1 + chance.int(4) }, () => Buffer.from(make()).toString('hex')) }
  },
  ({ held, messages }) => {
    const { next } = reconcile(mustBe(HELD[held]).map(({ id, stamp }) => [id, stamp] as const))
    const told: string[] = []
    for (const message of messages) {
      const step = next(message)
      if (step === undefined) break
      told.push(...step.need)
      const { reply = '' } = step
      if (!/^(61([0-9a-f]{2})+)?$/.test(reply) || reply.length > 125_000) return 'its reply is no message'
    }
    return faultOf({
      'what it needs are ids': told.every(isHex32),
      'each is needed once': new Set(told).size === told.length,
      'it does not need more than it may': told.length <= MAX_NEEDED,
    })
  },
)

/** A message of ranges that are good or nearly so, which random bytes never are. */
function ranges(chance: SeededChoices): Uint8Array {
  const parts = Array.from({ length: chance.int(12) }, () => {
    const bound = [...number(chance, [0, 1, 2, NOW, NOW + 50]), ...prefix(chance)]
    const mode = chance.often(95) ? chance.int(3) : chance.int(256)
    const count = chance.int(5)
    const ids = chance.bytes(32 * (chance.often(90) ? count : chance.int(5)))
    const payloads = [[], chance.bytes(16), [...number(chance, [count]), ...ids]]
    return [...bound, mode, ...(payloads[mode] ?? [])]
  })
  return Uint8Array.from([chance.often(95) ? 0x61 : chance.int(256), ...parts.flat()])
}

function prefix(chance: SeededChoices): number[] {
  const length = chance.often(70) ? 0 : chance.int(34)
  return [length, ...chance.bytes(length)]
}

/** A varint; now and then one that is too large for 31 bits, or that does not end. */
function number(chance: SeededChoices, good: readonly number[]): number[] {
  if (chance.often(4)) return Array.from({ length: chance.int(8) }, () => 128 + chance.int(128))
  let rest = chance.often(90) ? chance.pick(good) : chance.int(2 ** 32)
  const digits = [rest % 128]
  for (rest = Math.floor(rest / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(128 + (rest % 128))
  return digits
}

export const negentropyTargets = [sessions]
