// What is deleted when: keys by their own rule, the rest where the owner has said after how many days, and nothing else.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Phase } from '../../src/call/rules.ts'
import {
  type KeptCall,
  type KeptFiles,
  overSince,
  type Removal,
  removalsDue,
  removalsOf,
} from '../../src/state/retention.ts'

const DAY = 86_400
const NOW = 1_760_000_000
const id = (start: string) => start.padEnd(64, '0')
const [A, B, TWIN] = [id('aaaaaaaa'), id('bbbbbbbb'), id('aaaaaaaa1')]

const call = (name: string, days: number | undefined, settled = true): KeptCall => ({
  ...{ id: name, over: days === undefined ? undefined : NOW - days * DAY, settled },
})
const nothing: KeptFiles = { keys: [], transcripts: [], folders: [], gone: [], others: [] }
const at = (name: string, days: number) => ({ call: name, changed: NOW - days * DAY })
const folder = (name: string, days: number) => ({ folder: name.slice(0, 8), changed: NOW - days * DAY })
const due = (calls: readonly KeptCall[], files: Partial<KeptFiles> = {}, keepDays = 0) =>
  removalsDue(calls, { ...nothing, ...files }, { now: NOW, keepDays }).map((one) =>
    one.type === 'files' ? `files ${one.folder}` : `${one.type} ${one.call.slice(0, 9)}`,
  )

describe('the key of a call', () => {
  const keys = [at(A, 400)]
  it.each<[string, KeptCall[], boolean]>([
    ['that is not over, however old', [call(A, undefined)], false],
    ['that was over less than 7 days ago', [call(A, 6.99)], false],
    ['that was over 7 days ago', [call(A, 7)], true],
    ['that was over 7 days ago and is still unread', [call(A, 7, false)], true],
    ['that will be over, by a clock that went wrong', [call(A, -30)], false],
    ['that is not here, whose key was made 7 days ago', [], true],
  ])('%s: deleted %s', (_, calls, deleted) => {
    expect(due(calls, { keys })).toEqual(deleted ? ['key aaaaaaaa0'] : [])
    // The setting changes nothing of it, up or down.
    expect(due(calls, { keys }, 365).includes('key aaaaaaaa0')).toBe(deleted)
    expect(due(calls, { keys }, 1).includes('key aaaaaaaa0')).toBe(deleted)
  })

  // The attack: none, but a disk that damages the file of a long call, whose key is as old as the call.
  it.each([
    ['stays while that may be open, or over for less than 7 days', 13.9, []],
    ['goes once nothing can have come in it for 14 days', 14, ['key aaaaaaaa0']],
  ])('of a call whose file is damaged %s', (_, days, expected) => {
    const spoken = NOW - days * DAY
    expect(due([], { keys: [{ ...at(A, 400), spoken }] })).toEqual(expected)
    // Of one that is here the end counts, and nothing else.
    expect(due([call(A, 7)], { keys: [{ ...at(A, 400), spoken }] })).toEqual(['key aaaaaaaa0'])
    expect(due([call(A, undefined)], { keys: [{ ...at(A, 400), spoken }] })).toEqual([])
  })

  it('that has just been made, before its call is on the disk, stays', () => {
    expect(due([], { keys: [at(A, 0), at(B, 6.9)] })).toEqual([])
  })
})

describe('without a setting', () => {
  it('nothing but keys is deleted, however old', () => {
    const files = {
      keys: [at(A, 900)],
      transcripts: [at(A, 900), at(B, 900)],
      folders: [folder(A, 900), folder(B, 900)],
    }
    expect(due([call(A, 900)], files)).toEqual(['key aaaaaaaa0'])
  })
})

describe('transcript.keep 30', () => {
  const files = { keys: [at(A, 40)], transcripts: [at(A, 40)], folders: [folder(A, 40)] }
  const all = ['key aaaaaaaa0', 'transcript aaaaaaaa0', 'call aaaaaaaa0', 'files aaaaaaaa']

  it('deletes all of a call that was over 30 days ago, and nothing before', () => {
    expect(due([call(A, 30)], files, 30)).toEqual(all)
    expect(due([call(A, 29.9)], files, 30)).toEqual(['key aaaaaaaa0'])
    expect(due([call(A, undefined)], files, 30)).toEqual([])
  })

  it('keeps a call of which something is unread or owed, and its files', () => {
    expect(due([call(A, 90, false)], files, 30)).toEqual(['key aaaaaaaa0', 'transcript aaaaaaaa0'])
  })

  it('deletes what is left of calls that are gone, by the time of the file', () => {
    expect(due([], { ...files, gone: [A] }, 30)).toEqual(['key aaaaaaaa0', 'transcript aaaaaaaa0', 'files aaaaaaaa'])
    expect(due([], { transcripts: [at(A, 29)], folders: [folder(A, 29)], gone: [A] }, 30)).toEqual([])
  })

  it('keeps files that belong to no call that was here, and those of letters', () => {
    expect(due([], files, 30)).not.toContain('files aaaaaaaa')
    // A key whose first eight digits are those of a call: somebody has tried for it.
    expect(due([call(A, 90)], { ...files, others: [TWIN] }, 30)).not.toContain('files aaaaaaaa')
  })

  it('keeps files whose folder another call has too', () => {
    expect(due([call(A, 90), call(TWIN, undefined)], files, 30)).not.toContain('files aaaaaaaa')
    expect(due([call(A, 90), call(TWIN, 90)], files, 30)).toContain('files aaaaaaaa')
    expect(due([call(A, 90)], { folders: [folder(A, 2)] }, 30)).toEqual(['call aaaaaaaa0'])
  })
})

it('of a call less than 7 days are never kept, whatever is set: it is still offered', () => {
  const files = { transcripts: [at(A, 2)] }
  expect(due([call(A, 2)], files, 1)).toEqual(['transcript aaaaaaaa0'])
  expect(due([call(A, 7)], files, 1)).toEqual(['transcript aaaaaaaa0', 'call aaaaaaaa0'])
})

it('a call is over since its end, by our own clock; a silent one since it expired', () => {
  const phases: Phase[] = ['rejected', 'cancelled', 'missed', 'merged', 'ended']
  expect(phases.map((phase) => overSince(phase, NOW))).toEqual(phases.map(() => NOW))
  expect(overSince('expired', NOW)).toBe(NOW + 7 * DAY)
  expect([overSince('ringing', NOW), overSince('active', NOW)]).toEqual([undefined, undefined])
})

describe('forget', () => {
  it('deletes all of one call, its files only where that is said and nobody shares them', () => {
    const types = (removals: readonly Removal[]) => removals.map(({ type }) => type)
    expect(types(removalsOf(A, [A, B], false))).toEqual(['key', 'transcript', 'call'])
    expect(removalsOf(A, [A, B], true).at(-1)).toEqual({ type: 'files', folder: 'aaaaaaaa' })
    expect(types(removalsOf(A, [A, TWIN], true))).toEqual(['key', 'transcript', 'call'])
  })
})

it('whatever there is, what is open or fresh stays, and what is done twice is done once', () => {
  const days = fc.oneof(fc.constant(undefined), fc.integer({ min: -5, max: 60 }))
  const kept = fc.record({ id: fc.constantFrom(A, B, TWIN), days, settled: fc.boolean() })
  const file = fc.record({ call: fc.constantFrom(A, B, TWIN, id('cccccccc')), days: fc.integer({ min: 0, max: 60 }) })
  fc.assert(
    fc.property(
      fc.uniqueArray(kept, { selector: (one) => one.id }),
      fc.uniqueArray(file, { selector: (one) => one.call }),
      fc.constantFrom(0, 1, 7, 30),
      (held, written, keepDays) => {
        const calls = held.map((one) => call(one.id, one.days, one.settled))
        const files = {
          keys: written.map((one) => at(one.call, one.days)),
          transcripts: written.map((one) => at(one.call, one.days)),
          folders: written.map((one) => folder(one.call, one.days)),
          ...{ gone: [A, id('cccccccc')], others: [] },
        }
        const removals = removalsDue(calls, files, { now: NOW, keepDays })
        for (const one of removals) {
          if (one.type === 'files') continue
          const known = calls.find((other) => other.id === one.call)
          if (known === undefined) continue
          expect(known.over).toBeDefined()
          expect(NOW - (known.over ?? NOW)).toBeGreaterThanOrEqual((one.type === 'transcript' ? keepDays : 7) * DAY)
        }
        for (const other of calls) {
          if (other.over !== undefined) continue
          const callsHeard = removals.some((one) => one.type === 'files' && other.id.startsWith(one.folder))
          expect(callsHeard).toBe(false)
        }
        if (keepDays === 0) expect(removals.every((one) => one.type === 'key')).toBe(true)
      },
    ),
  )
})
