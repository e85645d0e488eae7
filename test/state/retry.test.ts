// One claim and one schedule for whatever is owed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { isAlive, thisProcess } from '../../src/io/store/lock-holder.ts'
import { claimBy, hasPassed, isClaimed, waitAfter } from '../../src/state/retry.ts'
import { T } from '../support/conversation.ts'

describe('a claim', () => {
  const claim = claimBy({ pid: 7, now: T })

  test('holds while its process runs, and no longer than any command takes', () => {
    expect(isClaimed(claim, T + 19, () => true, 20)).toBe(true)
    expect(isClaimed(claim, T + 20, () => true, 20)).toBe(false)
    expect(isClaimed(claim, T + 1, () => false, 20)).toBe(false)
    expect(isClaimed(undefined, T, () => true, 20)).toBe(false)
  })

  test('of whoever cannot be asked holds for two minutes', () => {
    expect(isClaimed(claim, T + 119, () => undefined, 3600)).toBe(true)
    expect(isClaimed(claim, T + 120, () => undefined, 3600)).toBe(false)
  })

  test('is not forever where a clock was set back', () => {
    expect(isClaimed(claim, T - 5_000, () => true, 3600)).toBe(false)
  })
})

describe('whether a process runs', () => {
  test('this one does, and another one that had its number does not', () => {
    expect(isAlive(thisProcess())).toBe(true)
    // Where the system tells when a process was started.
    if (thisProcess().processStart !== 'alive') expect(isAlive({ ...thisProcess(), processStart: '1' })).toBe(false)
  })

  test('one of another container cannot be asked, whatever runs here under its number', () => {
    expect(isAlive({ ...thisProcess(), host: 'elsewhere' })).toBeUndefined()
  })

  test('one that has ended does not', async () => {
    const child = spawn(process.execPath, ['-e', '0'])
    await once(child, 'exit')
    expect(isAlive({ ...thisProcess(), pid: child.pid ?? 0, processStart: 'alive' })).toBe(false)
  })
})

test('the last wait is for all that come after it', () => {
  expect([0, 1, 2, 9].map((tries) => waitAfter(tries, [0, 60, 600]))).toEqual([0, 60, 600, 600])
  expect(waitAfter(3, [])).toBe(0)
  expect([hasPassed(T, 60, T + 59), hasPassed(T, 60, T + 60), hasPassed(T, 60, T - 60)]).toEqual([false, true, true])
})
