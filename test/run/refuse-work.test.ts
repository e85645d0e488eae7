// What is asked of strangers in work: done unasked where it takes no second, and refused with a word where it does.
import { expect, test } from 'vitest'
import { EXIT } from '../../src/errors.ts'
import type { RunContext } from '../../src/run/context.ts'
import { refuseWork } from '../../src/run/refuse-work.ts'
import { foreign } from '../../src/sanitize.ts'
import { emptyIndex } from '../../src/state/state.ts'
import { alice, bob } from '../support/people.ts'

const CALL = { type: 'call', agent: 'bob', topic: 'hello' } as const

/** A machine on which 4,096 hashes take so many ms. */
function refusalOn(msPerLot: number, bits: number, intent: Parameters<typeof refuseWork>[0] = CALL) {
  let ms = 0
  const clock = () => {
    ms += msPerLot
    return ms
  }
  const environment: Pick<RunContext['environment'], 'clock' | 'keys'> = { clock, keys: alice }
  const memory = { inbox: [], lookedUpAt: 0, hints: [], name: foreign``, pow: bits }
  const index = { ...emptyIndex(), peers: { [bob.pubkey]: memory } }
  const looked = { peer: bob.pubkey, peers: [], presences: [], hints: {} }
  return refuseWork(intent, looked, index, { environment })
}

test('what takes less than a second on this machine is done, what takes more is asked about', () => {
  // About 400,000 hashes a second: 2^18 take two thirds of one.
  expect([0, 9, 14, 18].map((bits) => refusalOn(10, bits))).toEqual(Array(4).fill(undefined))
  const refused = refusalOn(10, 20)
  expect(refused).toMatchObject({ code: 'WORK_ASKED', exit: EXIT.impossible })
  expect(refused?.message).toMatch(
    /^the other side asks strangers for 20 bits of work, about \d s on this machine; nothing was sent$/,
  )
  expect(refusalOn(10, 32)?.message).toMatch(/about \d+ min on this machine/)
  expect(refusalOn(200, 15)?.code).toBe('WORK_ASKED')
})

test('whoever has said so lets it take what it takes; what nobody can do is not asked about', () => {
  expect(refusalOn(10, 24, { ...CALL, work: true })).toBeUndefined()
  expect(refusalOn(10, 33)).toBeUndefined()
  expect(refusalOn(10, 24, { type: 'status' })).toBeUndefined()
})
