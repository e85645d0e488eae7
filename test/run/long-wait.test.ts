// What a command that stays for weeks does beside waiting: what every other command would have done meanwhile.
import { expect, test } from 'vitest'
import { must } from '../support/must.ts'
import { twoMachines } from '../support/two-machines.ts'

const INBOX = { type: 'inbox', peek: false, all: false, deep: false } as const
const DAY = 86_400_000

// "Deleted 7 days after the end, by whichever command runs then": it began before, and no other one runs.
test.each([
  ['until it has waited for long enough', false],
  ['for as long as it streams', true],
])('a wait deletes the key of a call that is over, %s', async (_, follow) => {
  const stop = new AbortController()
  const held: { ms: number; has: boolean }[] = []
  const leap = { ms: 0 }
  const here = twoMachines({
    stopped: stop.signal,
    slept(ms) {
      if (leap.ms === 0) return
      held.push({ ms, has: ada.disk.keys.has(id) })
      // Nobody sits out every quarter of a second of ten days.
      pass(leap.ms)
      if (ms > overAt + 9 * DAY) stop.abort()
    },
  })
  const { ada, ben, asAda, asBen, pass, said } = here
  const { call } = await asAda('call', { type: 'call', agent: ben.keys.pubkey, topic: 'rain', wait: undefined })
  const { id } = must(call)
  await asBen('answer', { type: 'answer', accept: true, text: '' })
  await asAda('send', { type: 'send', text: 'it rains', wait: undefined })
  await asAda('end', { type: 'end', text: '', maxChars: 0 })
  await asBen('inbox', INBOX)
  await asAda('inbox', INBOX)
  expect(must(ada.disk.index.calls[id])).toMatchObject({ phase: 'ended', verified: true, secrecy: 'call' })
  const overAt = 1000 * must(ada.disk.index.calls[id]?.overAt)
  leap.ms = DAY / 24
  const waiting = { type: 'wait', seconds: 10 * 86_400, settle: 0, for: [], follow, call: undefined } as const
  const { notices } = await asAda('wait', waiting)
  const [early, late] = [held.filter(({ ms }) => ms < overAt + 7 * DAY), held.filter(({ ms }) => ms > overAt + 7 * DAY)]
  expect([early.length > 100, late.length > 20]).toEqual([true, true])
  expect(early.every(({ has }) => has)).toBe(true)
  // The first look of a wait after that may still find it; none later.
  expect(late.slice(2).filter(({ has }) => has)).toEqual([])
  // "What is deleted is named", when it is: a stream may go on for ever.
  expect((follow ? said : notices).filter((line) => line.startsWith('deleted'))).toEqual([`deleted calls/${id}.key`])
})

// Exec tools kill at 60 s what was told to wait for 45.
test('what is owed is offered again by a wait, and no relay has longer for it than the wait lasts', async () => {
  const deadlines: number[] = []
  const { ada, ben, asAda, asBen, seconds } = twoMachines({ publishing: (deadline) => void deadlines.push(deadline) })
  await asAda('call', { type: 'call', agent: ben.keys.pubkey, topic: 'rain', wait: undefined })
  await asBen('answer', { type: 'answer', accept: true, text: '' })
  await asAda('inbox', INBOX)
  ada.cut = new Set(['wss://r0.example.com'])
  await asAda('send', { type: 'send', text: 'it rains', wait: undefined })
  deadlines.splice(0)
  const until = 1000 * (seconds() + 1 + 45)
  await asAda('wait', { type: 'wait', seconds: 45, settle: 0, for: [], follow: false, call: undefined })
  expect(deadlines.length).toBeGreaterThan(2)
  expect(Math.max(...deadlines)).toBe(until)
})

test('what came and was shown by another command meanwhile is not waited for any longer', async () => {
  let shown: Promise<unknown> | undefined
  const here = twoMachines({
    async slept() {
      if (shown !== undefined || !ada.disk.logs[id]?.unread.includes(word)) return
      shown = asAda('inbox', INBOX)
      await shown
    },
  })
  const { ada, ben, asAda, asBen, seconds } = here
  let [id, word] = ['', '']
  const { call } = await asAda('call', { type: 'call', agent: ben.keys.pubkey, topic: 'rain', wait: undefined })
  id = must(call).id
  await asBen('answer', { type: 'answer', accept: true, text: '' })
  await asAda('inbox', INBOX)
  const { said } = await asBen('send', { type: 'send', text: 'it rains', wait: undefined })
  word = must(said).rumor.id
  const began = seconds()
  const { news, failure, notices } = await asAda('wait', {
    ...{ type: 'wait', seconds: 45, settle: 5, for: [], follow: false, call: undefined },
  })
  expect([shown !== undefined, news, failure]).toEqual([true, [], undefined])
  expect(notices.join()).toContain('shown by another command')
  expect(seconds() - began).toBeLessThan(10)
})
