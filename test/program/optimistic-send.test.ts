// A message in an active call leaves in the same flight as the question for what is new.
import { expect, test } from 'vitest'
import { startCall, withPair } from '../support/two-programs.ts'

test('send waits for no answer before it speaks, where nothing that it may hear can change what it says', async () => {
  await withPair({ auth: 'dm', processes: true }, async (pair) => {
    const { relay, ada } = pair
    await startCall(pair)
    await ada.json(['inbox'])
    const before = relay.seen.length
    await ada.json(['send', 'hello'])
    const verbs = relay.seen.slice(before).map(({ frame }) => frame[0])
    // CLOSE is what it says to the end of the stored events.
    expect(verbs).toEqual(['AUTH', 'REQ', 'EVENT', 'CLOSE'])
  })
})
