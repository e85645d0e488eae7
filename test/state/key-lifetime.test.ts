// How long the key of a call lives: 7 days after its end, whatever the other side goes on to do.
import { describe, expect, test } from 'vitest'
import type { Body } from '../../src/call/signal.ts'
import { parseSignal } from '../../src/call/signal-codec.ts'
import { isCleanUpDue } from '../../src/state/clean-up.ts'
import { dueRumors } from '../../src/state/outbox.ts'
import { emptyIndex } from '../../src/state/state.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import {
  ACCEPT,
  callIn,
  END,
  hears,
  inCall,
  raw,
  rawIn,
  ringing,
  type Side,
  STATUS,
  says,
  send,
  T,
  turn,
} from '../support/conversation.ts'
import { must } from '../support/must.ts'

const DAY = 86_400

const overIn = ({ state }: Side, id: string) => must(state.index.calls[id]).overAt

describe('a call that one side has ended', () => {
  // The attack: a peer that never says its end, so that the key of the call outlives the rule for as long as it likes.
  test('is over since then, though the other side goes on speaking in it', () => {
    const { ada, ben, id } = inCall()
    says(ada, END)
    expect(overIn(ada, id)).toBe(T)
    let said = rawIn(ben, id, { type: 'message', text: '0' })
    for (let day = 1; day <= 9; day++) {
      hears(ben, [], { now: T + day * DAY })
      said = rawIn(ben, id, { type: 'message', text: `day ${day}` }, {}, T + day * DAY)
      keep(ben, id, said)
      hears(ada, [said], { now: T + day * DAY })
      expect(overIn(ada, id)).toBe(T)
    }
    expect(must(ada.state.index.calls[id]).last).toBe(T + 9 * DAY)
    // What is offered until then is sealed with that key.
    expect(dueRumors(ada.state, T + 6 * DAY, () => false).map(({ call }) => call)).toContain(id)
    expect(dueRumors(ada.state, T + 7 * DAY + 1, () => false)).toEqual([])
  })

  // The attack: it says its end on the last day, so that the key lives for twice as long.
  test('is over since then, though the other side ends it days later', () => {
    const { ada, ben, id } = inCall()
    const end = says(ada, END)
    const confirmed = hears(ben, end, { now: T + 3 * DAY }).said.map(({ rumor }) => rumor)
    hears(ada, confirmed, { now: T + 3 * DAY })
    // The other one has heard of it only then.
    expect([overIn(ada, id), overIn(ben, id)]).toEqual([T, T + 3 * DAY])
    hears(ada, confirmed, { now: T + 5 * DAY })
    turn(ada, STATUS, { now: T + 5 * DAY })
    expect(overIn(ada, id)).toBe(T)
    expect(must(stateCodec.rebuild(new Map(Object.entries(ada.state.logs))).calls[id]).overAt).toBe(T)
  })

  // What answers the end of a ring that came to nothing must be readable.
  test('is over anew with the first end of one that nobody had ended', () => {
    const { ada, ben, id } = ringing()
    const accept = says(ben, ACCEPT)
    const read = { relay: 'wss://r', cursor: T + DAY, began: T + DAY }
    turn(ada, STATUS, { now: T + DAY, mail: { completeReads: [read] } })
    expect([callIn(ada, id, T + DAY).phase, overIn(ada, id)]).toEqual(['missed', T + DAY])
    const said = hears(ada, accept, { now: T + 5 * DAY }).said.map(({ rumor }) => rumor)
    expect(overIn(ada, id)).toBe(T + 5 * DAY)
    hears(
      ada,
      hears(ben, said, { now: T + 6 * DAY }).said.map(({ rumor }) => rumor),
      { now: T + 6 * DAY },
    )
    expect(overIn(ada, id)).toBe(T + 5 * DAY)
  })

  // With the key of a request that rang in vain goes what could answer it: an end that nobody can seal would be owed, and told as a fault.
  test.each([
    ['the last second', 8 * DAY - 1, true, ['end'], 'call', {}],
    ['its key is gone', 8 * DAY, true, [], undefined, { 'too-late': 1 }],
    ['long after, from who has no key', 30 * DAY, false, ['end'], 'identity', {}],
  ] as const)('hears an accept in %s', (_, after, hasKeys, answer, secrecy, dropped) => {
    const { ada, ben, id } = ringing()
    const at = T + after
    const read = { relay: 'wss://r', cursor: T + DAY, began: T + DAY }
    turn(ada, STATUS, { now: T + DAY, mail: { completeReads: [read] } })
    const [honest] = says(ben, ACCEPT)
    const bare: Body = { type: 'accept', text: '', name: '', relays: [] }
    const accept = hasKeys ? must(honest) : raw(ben, bare, { call: id, to: ada.key, ack: { seq: 1, id } })
    const { said } = hears(ada, [accept], { now: at })
    expect(said.map(({ rumor }) => must(parseSignal(rumor)).body.type)).toEqual(answer)
    const { phase, secrecy: told } = must(ada.state.index.calls[id])
    expect([phase, told, ada.state.index.dropped]).toEqual(['missed', secrecy, dropped])
    // Words that come with it say that they open with nothing here, as those of a key that was lost do.
    expect(callIn(ada, id, at).lines).toHaveLength(hasKeys && said.length === 0 ? 1 : 3)
  })

  test('is over since then also where the index is lost', () => {
    const { ada, ben, id } = inCall()
    const end = says(ada, END)
    const late = says(ben, send('late'))
    hears(ada, late, { now: T + 6 * DAY })
    hears(ben, end)
    expect(must(stateCodec.rebuild(new Map(Object.entries(ada.state.logs))).calls[id]).overAt).toBe(T)
  })
})

describe('whichever command runs 7 days after the end', () => {
  const index = (cleaned: number) => {
    const { ada, id } = inCall()
    says(ada, END)
    return { ...emptyIndex(), cleanedAt: cleaned, calls: { [id]: must(ada.state.index.calls[id]) } }
  }

  test('looks for its key, however lately it was looked', () => {
    expect(isCleanUpDue(index(T + 7 * DAY - 60), T + 7 * DAY - 1)).toBe(false)
    expect(isCleanUpDue(index(T + 7 * DAY - 60), T + 7 * DAY)).toBe(true)
    expect(isCleanUpDue(index(T + 7 * DAY), T + 7 * DAY + 60)).toBe(false)
  })

  test('looks for keys once the state is lost and no call is here, and not on a first run', () => {
    expect(isCleanUpDue({ ...emptyIndex(), stateLostAt: T }, T)).toBe(true)
    expect(isCleanUpDue(emptyIndex(), T)).toBe(false)
  })
})

/** Has a side hold what it has said past its own program. */
function keep(who: Side, id: string, rumor: ReturnType<typeof rawIn>): void {
  const log = must(who.state.logs[id])
  who.state = {
    ...who.state,
    logs: { ...who.state.logs, [id]: { ...log, entries: { ...log.entries, [rumor.id]: { rumor } } } },
  }
}
