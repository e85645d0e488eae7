// What `status` prints fits into what an agent is shown of it: behind that, what is new would count as read and be seen by nobody.
import { expect, test } from 'vitest'
import { agentOf } from '../../src/call/agents.ts'
import type { InboxItem } from '../../src/call/inbox-items.ts'
import type { Intent } from '../../src/call/intent.ts'
import { plain } from '../../src/call/wording.ts'
import { fitOutcome } from '../../src/commands/fit.ts'
import { status } from '../../src/commands/status.ts'
import { unreadItems } from '../../src/run/outcome.ts'
import { foreign } from '../../src/sanitize.ts'
import { markRead } from '../../src/state/read-marks.ts'
import { callsOf } from '../../src/state/state.ts'
import { hears, type Side, says, send, side, T } from '../support/conversation.ts'
import { must } from '../support/must.ts'

const PEOPLE = { contacts: [], owner: undefined, names: {} }
const LETTERS = '23456789abcdef'

/** What I am shown: calls of many peers, each with as long a topic and a last progress as there are, and `words` unread of two of them. */
function statusWith(peers: number, words: number) {
  const me = side('1')
  const theirs = [...LETTERS.slice(0, peers)].map((letter) => callFrom(side(letter), me))
  me.state = markRead(me.state, newsOf(me), { me: me.key, now: T })
  for (const { peer, id } of theirs.slice(0, 2))
    for (let n = 0; n < words; n++) hears(me, says(peer, send('word '.repeat(300)), { selector: id }))
  const calls = callsOf(me.state, me.key, T)
  const common = {
    state: me.state,
    calls,
    news: newsOf(me),
    people: PEOPLE,
    now: T,
    me: agentOf(PEOPLE, me.key),
    transcripts: {},
  }
  const relays = Array.from({ length: 5 }, (_, n) => ({
    url: `wss://relay-${n}.example`,
    ok: false,
    error: foreign`down`,
  }))
  const outcome = fitOutcome({
    ...common,
    relays,
    notices: [],
    failure: undefined,
    intent: { type: 'status' as const },
  })
  const lines = must(status.text)(outcome).map(plain)
  return { lines, shown: lines.filter((line) => /^call [0-9a-f]{8} /.test(line)).length, outcome }
}

/** A call that I have accepted, in which the peer has told how far it is. */
function callFrom(peer: Side, me: Side): { peer: Side; id: string } {
  const request = says(
    peer,
    { type: 'call', agent: '', topic: 'topic '.repeat(160), wait: undefined },
    { peer: me.key },
  )
  const id = must(request[0]).id
  hears(me, request)
  hears(peer, says(me, { type: 'answer', accept: true, text: '', wait: undefined }, { selector: id }))
  const progress: Intent = { type: 'send', text: 'progress '.repeat(50), progress: true, wait: undefined }
  hears(me, says(peer, progress, { selector: id }))
  return { peer, id }
}

function newsOf({ state, key }: Side): InboxItem[] {
  return unreadItems(state, callsOf(state, key, T), PEOPLE, T)
}

test('as many calls as there are, where there is room', () => {
  const { lines, shown } = statusWith(5, 0)
  expect(shown).toBe(5)
  expect(lines.join('\n')).not.toContain('more calls')
})

test('fewer calls where much is new, and how many more there are', () => {
  const { lines, shown, outcome } = statusWith(14, 5)
  const text = lines.join('\n')
  expect(text.length).toBeLessThanOrEqual(14_200)
  expect(shown).toBeGreaterThan(0)
  expect(text).toContain(`${14 - shown} more calls: `)
  expect(outcome.news.length).toBeGreaterThan(3)
  expect(text).toContain(`${outcome.news.length} items are now marked as read`)
})
