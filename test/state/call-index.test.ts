// Which of several calls is the latest.
import { expect, test } from 'vitest'
import { lastOver, latestFirst } from '../../src/state/call-index.ts'
import { CALL, hears, REJECT, says, side, T } from '../support/conversation.ts'
import { must } from '../support/must.ts'

test('the one in which somebody spoke last; of those of one second the one that was asked for last', () => {
  const [ada, ben, carol] = [side('a'), side('b'), side('c')]
  const call = (who = ben, now = T) => must(says(ada, CALL, { peer: who.key, now })[0])
  const [first, second] = [call(), call(carol)]
  expect(latestFirst(ada.state.index).map(([id]) => id)).toEqual([second.id, first.id])
  for (const [who, request] of [
    [ben, first],
    [carol, second],
  ] as const) {
    hears(who, [request])
    hears(ada, says(who, REJECT))
  }
  expect(lastOver(ada.state.index)?.id).toBe(second.id)
  const third = call(ben, T + 1)
  expect(latestFirst(ada.state.index).map(([id]) => id)).toEqual([third.id, second.id, first.id])
})
