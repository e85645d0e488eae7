// A call is a fold over a set: any order of arrival, any repetition, one answer.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { agents, aWholeCall, NOW } from '../../scripts/vectors/call.ts'
import { emptyLog, type Log } from '../../src/call/log.ts'
import { replay } from '../../src/call/replay.ts'
import type { Rumor } from '../../src/nostr/event.ts'

const { id, said } = aWholeCall()
const rumors = said.filter((s) => s.op !== 'receipt').map((s) => s.rumor)
const [caller, callee] = [agents.caller.pubkey, agents.callee.pubkey]

/** A log that the rumors came into in that order. */
function logOf(order: readonly Rumor[], heard = NOW): Log {
  const entries = order.map((rumor) => [rumor.id, rumor.pubkey === caller ? { rumor } : { rumor, heard }] as const)
  return { ...emptyLog(id), entries: Object.fromEntries(entries) }
}

const seen = (log: Log, me = caller) => {
  const call = replay(log, me, NOW + 100)
  return (
    call && {
      phase: call.phase,
      order: call.lines.map((l) => l.signal.id),
      digest: call.digest,
      verified: call.verified,
      gaps: call.gaps,
      ack: call.ack,
      lc: call.lc,
    }
  )
}

test('in any order, with any repetition, the call is the same', () => {
  const whole = seen(logOf(rumors))
  expect(whole).toMatchObject({ phase: 'ended', verified: true, gaps: [] })
  const shuffled = fc.shuffledSubarray(rumors, { minLength: rumors.length })
  fc.assert(
    fc.property(shuffled, fc.subarray(rumors), (order, again) => {
      expect(seen(logOf([...again, ...order, ...again]))).toEqual(whole)
    }),
  )
})

test('both sides read the same order and the same digest', () => {
  const [ours, theirs] = [seen(logOf(rumors), caller), seen(logOf(rumors), callee)]
  expect([ours?.order, ours?.digest]).toEqual([theirs?.order, theirs?.digest])
})

test('whatever is missing is a gap until it comes, and nothing is verified before', () => {
  fc.assert(
    fc.property(fc.subarray(rumors.slice(1), { maxLength: rumors.length - 2 }), (some) => {
      const part = replay(logOf([rumors[0] ?? rumors[0], ...some].flatMap((r) => r ?? [])), caller, NOW + 100)
      expect(part?.verified === true).toBe(false)
      const theirs = some.filter((r) => r.pubkey === callee).map((r) => Number(r.tags.find((t) => t[0] === 'seq')?.[1]))
      const held = theirs.filter((n) => theirs.filter((m) => m <= n).length === n)
      expect(part?.ack).toBe(Math.max(0, ...held))
    }),
  )
})

test('without its request there is no call', () => {
  expect(replay(logOf(rumors.slice(1)), caller, NOW + 100)).toBeUndefined()
})
