// Calls as 0.1.0 kept them: shown once, and a damaged file is in nobody's way.
import { expect, test } from 'vitest'
import { legacyCall } from '../../../src/call/transcript/legacy.ts'
import { rumorOf } from '../../../src/nostr/event.ts'
import { npubEncode } from '../../../src/nostr/nip19.ts'

const [ME, PEER] = ['a'.repeat(64), 'b'.repeat(64)]

/** The file of a call that we have asked for. @param tags those of its request */
function fileOf(tags: string[][]): unknown {
  const request = rumorOf({ kind: 1410, created_at: 1_795_000_000, tags, content: 'rain' }, ME)
  return { version: 2, id: request.id, entries: { [request.id]: { rumor: request } } }
}

test('names the peer', () => {
  const file = fileOf([
    ['p', PEER],
    ['op', 'request'],
  ])
  expect(legacyCall([file], ME)?.markdown).toContain(`- Peer: ${npubEncode(PEER)}`)
})

test.each([[[]], [[['p', 'nobody']]]])('is no call with nobody: %j', (tags) => {
  expect(legacyCall([fileOf(tags)], ME)).toBeUndefined()
})
