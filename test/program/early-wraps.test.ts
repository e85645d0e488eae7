// A relay says OK and stores nothing: two agents who are both on line do not wait ten minutes for the next wrap.
import { expect, test } from 'vitest'
import { startCall, withPair } from '../support/two-programs.ts'

test('what a relay has lost goes out again after twenty seconds, while the other side is there', async () => {
  await withPair({}, async (pair) => {
    const { relay, ada, ben } = pair
    await startCall(pair)
    const lost: string[] = []
    relay.faults.dropEvents = ({ kind, id }) => kind === 1059 && lost.length === 0 && lost.push(id) > 0
    const waiting = ben.start(['wait', '45', '--json'])
    const began = Date.now()
    const sending = ada.start(['send', 'are you there?', '--wait', '35', '--json'])
    const { code, stdout } = await waiting.ended
    expect(lost).toHaveLength(1)
    expect([code, JSON.parse(stdout).new]).toEqual([0, [expect.objectContaining({ text: 'are you there?' })]])
    expect(Date.now() - began).toBeGreaterThan(19_000)
    expect(Date.now() - began).toBeLessThan(40_000)
    await ben.json(['send', 'yes'])
    const answered = JSON.parse((await sending.ended).stdout)
    expect(answered).toMatchObject({ message: { state: 'read' }, new: [{ text: 'yes' }] })
  })
}, 90_000)
