// Files on servers: whose are fetched, when, by whom, and for how long.
import { describe, expect, it } from 'vitest'
import type { Trust } from '../../src/call/agents.ts'
import { INLINE_LIMITS } from '../../src/call/file-transfer.ts'
import type { Call } from '../../src/call/replay.ts'
import { type FileBody, NOTHING } from '../../src/call/signal.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { randomBytes, toHex } from '../../src/nostr/crypto.ts'
import { rumorOf } from '../../src/nostr/event.ts'
import {
  afterFailedFetch,
  afterPausedFetch,
  decideFetches,
  filesToFetch,
  type RemoteFileEntry,
  recordFetched,
  remoteFilesOf,
} from '../../src/state/files.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'

const [me, ada] = [toHex(randomBytes(32)), toHex(randomBytes(32))]
const T = 1_800_000_000
const nobody = () => false
const remote = { aesKey: 'd'.repeat(64), nonce: 'e'.repeat(24), ciphertextSha256: 'b'.repeat(64), fallbacks: [] }
const body: FileBody = {
  ...{ type: 'file', text: 'https://files.example/x', transferId: 'b'.repeat(16), name: 'a', mime: 'x/y', size: 1000 },
  ...{ sha256: 'c'.repeat(64), chunk: [1, 1], remote },
}
const remoteFile = (more: Partial<RemoteFileEntry> = {}): RemoteFileEntry => ({
  ...{ id: toHex(randomBytes(32)), call: 'ca', transferKey: 'k', from: ada, heard: T, late: false, body, remote },
  ...{ progress: undefined, ...more },
})
const fetching = (more: object = {}) => ({ have: 0, tries: 0, at: 0, why: '', ...more })

describe('judged', () => {
  const active: Pick<Call, 'peer' | 'phase'> = { peer: ada, phase: 'active' }
  const judge = (trust: Trust, one: RemoteFileEntry, calls: Pick<Call, 'peer' | 'phase'>[] = [], fetchMax = 1000) => {
    const whole = calls.map((call) => ({ ...BLANK, ...call }))
    return decideFetches([one], { calls: whole, trust: () => trust, fetchMax })[0]?.fileState
  }

  it('is fetched in a call, whoever it is, and from our owner', () => {
    expect(judge('unknown', remoteFile())).toEqual({ fetching: fetching() })
    expect(judge('owner', remoteFile({ call: undefined }))).toEqual({ fetching: fetching() })
    expect(judge('unknown', remoteFile({ call: undefined }), [active])).toEqual({ fetching: fetching() })
    expect(judge('known', remoteFile({ late: true }))).toEqual({ fetching: fetching() })
  })

  it.each<[string, Trust, Partial<RemoteFileEntry>, Pick<Call, 'peer' | 'phase'>[]]>([
    ['a stranger outside of a call', 'unknown', { call: undefined }, []],
    ['a contact outside of a call', 'trusted', { call: undefined }, []],
    ['the peer of a call that is over', 'known', { call: undefined }, [{ peer: ada, phase: 'ended' }]],
    ['the peer of a call that still rings', 'known', { call: undefined }, [{ peer: ada, phase: 'ringing' }]],
    ['the peer of another call', 'unknown', { call: undefined }, [{ peer: me, phase: 'active' }]],
    ['a stranger whose call was over', 'unknown', { late: true }, []],
    ['a blocked key', 'blocked', {}, [active]],
  ])('is not fetched from %s', (_, trust, more, calls) => {
    expect(judge(trust, remoteFile(more), calls)).toEqual({ refused: expect.stringMatching(/./) })
  })

  it('has bounds, for each peer', () => {
    expect(judge('owner', remoteFile(), [], 999)).toEqual({ refused: expect.stringMatching(/999 bytes/) })
    const judging = { calls: [], trust: (): Trust => 'known', fetchMax: 1000 }
    const many = Array.from({ length: INLINE_LIMITS.stored }, () => remoteFile({ progress: fetching() }))
    expect(
      decideFetches([...many, remoteFile(), remoteFile({ from: me })], judging).map((j) => Object.keys(j.fileState)[0]),
    ).toEqual(['refused', 'fetching'])
    const fresh = Array.from({ length: INLINE_LIMITS.stored + 1 }, () => remoteFile())
    expect(decideFetches(fresh, judging).filter(({ fileState }) => 'refused' in fileState)).toHaveLength(1)
  })

  it('is judged once', () => {
    expect(judge('blocked', remoteFile({ progress: fetching() }))).toBeUndefined()
  })
})

describe('fetchable', () => {
  const due = (
    fileState: RemoteFileEntry['progress'],
    now = T,
    alive: (claim: { pid: number }) => boolean = () => true,
  ) => filesToFetch([remoteFile({ progress: fileState })], now, alive).length === 1

  it('at once, then after longer and longer waits', () => {
    expect(due(fetching())).toBe(true)
    for (const [tries, wait] of [30, 120, 600, 3600, 21_600, 21_600].entries()) {
      expect(due(fetching({ tries: tries + 1, at: T }), T + wait - 1)).toBe(false)
      expect(due(fetching({ tries: tries + 1, at: T }), T + wait)).toBe(true)
    }
    // A clock that was set back.
    expect(due(fetching({ tries: 1, at: T + 1_000_000 }), T)).toBe(true)
  })

  it('by one process at a time, as long as that lives', () => {
    const claim = { pid: 7, at: T }
    expect(due(fetching({ claim }), T + 1)).toBe(false)
    expect(due(fetching({ claim }), T + 1, nobody)).toBe(true)
    expect(due(fetching({ claim }), T + 3600)).toBe(true)
  })

  it('not before it was judged', () => {
    expect(due(undefined)).toBe(false)
  })

  it('for seven days', () => {
    const held = remoteFile({ progress: fetching({ tries: 3, at: T, why: 'away' }) })
    expect(afterFailedFetch(held, { why: 'gone', have: 5 }, T + 7 * 86_400)).toEqual({
      fetching: { have: 5, tries: 4, at: T + 7 * 86_400, why: 'gone' },
    })
    expect(afterFailedFetch(held, { why: 'gone', have: 5 }, T + 7 * 86_400 + 1)).toEqual({
      refused: expect.stringMatching(/7 days: gone/),
    })
  })
})

describe('what came was something else', () => {
  const wrong = { why: 'not it', have: 0, wrong: true } as const

  it('three times, with waits in between, and is final then', () => {
    let held = remoteFile({ progress: fetching() })
    for (const times of [1, 2]) {
      const next = afterFailedFetch(held, wrong, T)
      expect(next).toEqual({ fetching: { have: 0, tries: times, at: T, why: 'not it', wrong: times } })
      // What else goes wrong in between, and a pause, take nothing back.
      const away = afterFailedFetch(
        remoteFile({ progress: 'fetching' in next ? next.fetching : undefined }),
        { why: 'away', have: 9 },
        T,
      )
      expect(away).toMatchObject({ fetching: { why: 'away', have: 9, wrong: times } })
      expect(afterPausedFetch(remoteFile({ progress: 'fetching' in next ? next.fetching : undefined }), 4)).toEqual({
        fetching: { have: 4, tries: 0, at: 0, why: '', wrong: times },
      })
      held = remoteFile({ progress: 'fetching' in next ? next.fetching : undefined })
    }
    expect(afterFailedFetch(held, wrong, T)).toEqual({ refused: 'not it, 3 times' })
  })

  it('counts for nothing where it never happened', () => {
    expect(afterPausedFetch(remoteFile(), 4)).toEqual({ fetching: { have: 4, tries: 0, at: 0, why: '' } })
  })
})

it('is found in letters until its fate is known, and never settled twice', () => {
  const template = signalTemplate(body, { call: undefined, to: me, seq: 1, prev: undefined, ack: NOTHING }, T)
  const rumor = rumorOf(template, ada)
  const letters = {
    [ada]: { version: 1 as const, peer: ada, letters: { [rumor.id]: { rumor, heard: T, unread: true } } },
  }
  const state: State = { index: emptyIndex(), logs: {}, letters }
  const [found] = remoteFilesOf(state, [])
  if (found === undefined) throw new Error('not found')
  expect(found).toMatchObject({ id: rumor.id, call: undefined, from: ada, heard: T, body: { name: 'a' }, remote })
  const speaker = { me, now: T }
  const begun = recordFetched(state, [{ remoteFile: found, fileState: { fetching: fetching({ have: 3 }) } }], speaker)
  expect(remoteFilesOf(begun, [])[0]?.progress).toEqual(fetching({ have: 3 }))
  const done = recordFetched(begun, [{ remoteFile: found, fileState: { path: '/x' } }], speaker)
  expect(remoteFilesOf(done, [])).toEqual([])
  const late = recordFetched(done, [{ remoteFile: found, fileState: { refused: 'no' } }], speaker)
  expect(late.letters?.[ada]?.letters[rumor.id]?.file).toEqual({ path: '/x' })
})

const BLANK: Call = {
  ...{
    id: '',
    caller: '',
    callee: '',
    role: 'caller',
    peer: '',
    topic: '',
    peerName: '',
    peerRelays: [],
    createdAt: 0,
  },
  ...{ deadline: 0, phase: 'active', lines: [], waiting: [], own: NOTHING, taken: NOTHING, gaps: [] },
  ...{ acked: 0, peerRead: 0, ends: {}, digest: undefined, fork: undefined, held: false },
  ...{ merges: undefined, lost: undefined },
  ...{ verified: 'pending', last: 0 },
}
