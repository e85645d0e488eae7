// A message in an active call leaves in the same flight as the question for what is new.
import { expect, test } from 'vitest'
import { NO_PRELOAD } from '../support/preloads.ts'
import { startCall, withPair } from '../support/two-programs.ts'

test('send waits for no answer before it speaks, where nothing that it may hear can change what it says', async () => {
  await withPair({ auth: 'dm' }, async (pair) => {
    const { relay, ada } = pair
    await startCall(pair)
    await ada.json(['inbox'])
    expect(await ada.run(['send', 'hello'], 0, '', NO_PRELOAD)).toMatchObject({ code: 0 })
    // What came before runs in this process, and may hang up later.
    const last = Math.max(...relay.seen.map(({ connection }) => connection))
    const verbs = relay.seen.flatMap(({ connection, frame }) => (connection === last ? [frame[0]] : []))
    // CLOSE is what it says to the end of the stored events.
    expect(verbs).toEqual(['AUTH', 'REQ', 'EVENT', 'CLOSE'])
  })
})
