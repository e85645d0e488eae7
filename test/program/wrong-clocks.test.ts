// A clock that is a day wrong on either side: order and delivery hold, and the user is told.
import { expect, test } from 'vitest'
import { messagesOf, startCall, stringField, withPair } from '../support/two-programs.ts'

const DAY = 86_400_000

/** The relay's clock is right, whatever ours says. */
const RIGHT = { now: () => Math.floor(Date.now() / 1000) }

test.each([
  ['ahead of', DAY, 0],
  ['behind', -DAY, 0],
  ['ahead of', DAY, -DAY],
])('one clock is a day %s the relays (%i ms), the other %i ms', async (word, wrong, other) => {
  await withPair(RIGHT, async (pair) => {
    const { ada, ben } = pair
    const call = await startCall(pair)
    for (let i = 0; i < 2; i++) {
      await ada.json(['send', `ada ${i}`], wrong)
      await ben.json(['inbox'], other)
      await ben.json(['send', `ben ${i}`], other)
      await ada.json(['inbox'], wrong)
    }
    const ours = await messagesOf(ada, call, wrong)
    expect(ours).toEqual(['ada 0', 'ben 0', 'ada 1', 'ben 1'])
    expect(await messagesOf(ben, call, other)).toEqual(ours)
    const status = await ada.run(['status'], wrong)
    expect(status.stdout).toMatch(new RegExp(`your clock looks wrong: it is 24 hours ${word} the relays`))
  })
})

test('an announcement and a call reach each other though the clocks are two days apart', async () => {
  await withPair(RIGHT, async ({ ada, ben }) => {
    await ben.json(['config', 'set', 'name', 'ben'])
    await ben.json(['announce'], DAY)
    await ada.json(['call', 'ben', 'hello'], -DAY)
    expect((await ben.run(['status'], DAY)).stdout).toContain('incoming call')
    await ben.json(['answer', 'accept'], DAY)
    expect((await ada.run(['status'], -DAY)).stdout).toContain('active, outgoing')
  })
})

test('a call is answered though the clock of its caller is a day behind, or the one of its callee a day ahead', async () => {
  await withPair(RIGHT, async ({ ada, ben }) => {
    const { agent } = await ben.json(['whoami'])
    await ada.json(['call', stringField(agent, 'npub'), 'hello'], -DAY)
    await ben.json(['answer', 'accept'])
    await ada.json(['end'], -DAY)
    await ada.json(['call', stringField(agent, 'npub'), 'hello again'])
    await ben.json(['answer', 'accept'], DAY)
  })
})
