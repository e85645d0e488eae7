// What a peer's answer makes of a proposal, and what it does not, whatever it names.
import { expect, test } from 'vitest'
import { agentOf } from '../../src/call/agents.ts'
import { agreementsOf, judgeItems } from '../../src/call/agreements.ts'
import { itemsOf } from '../../src/call/inbox-items.ts'
import type { Body } from '../../src/call/signal.ts'
import { transcriptOf } from '../../src/call/transcript/transcript.ts'
import { plain } from '../../src/call/wording.ts'
import { newsLines } from '../../src/commands/text.ts'
import { callIn, hears, inCall, logIn, rawIn, says, send } from '../support/conversation.ts'

const PEOPLE = { contacts: [], owner: undefined, names: {} }

test('an answer that names no open proposal of ours is told as what it is', () => {
  const { ada: me, ben: peer, id } = inCall()
  const [question] = says(me, send('Shall I delete it?'))
  const [offer] = says(me, { type: 'propose', text: 'Four columns', wait: undefined })
  const [other] = says(me, { type: 'propose', text: 'By Friday', wait: undefined })
  hears(
    peer,
    [question, offer, other].flatMap((rumor) => rumor ?? []),
  )
  let place: { seq: number; prev: string | undefined } | undefined
  const answer = (body: Body, re?: string) => {
    const rumor = rawIn(peer, id, body, { ...place, ...(re !== undefined && { re }) })
    const seq = (place?.seq ?? callIn(peer, id).own.seq + 1) + 1
    place = { seq, prev: rumor.id }
    hears(me, [rumor])
    return rumor.id
  }
  answer({ type: 'agree', text: '' }, question?.id)
  answer({ type: 'decline', text: '' }, offer?.id)
  answer({ type: 'agree', text: 'after all' }, offer?.id)
  const own = answer({ type: 'propose', text: 'All of it' })
  answer({ type: 'agree', text: '' }, own)
  answer({ type: 'agree', text: '' })
  answer({ type: 'agree', text: '' }, other?.id)

  const call = callIn(me, id)
  const items = judgeItems(itemsOf(logIn(me, id), call, PEOPLE), call)
  const told = items.flatMap(({ type, re, void: isVoid }) =>
    type === 'agree' || type === 'decline' ? [[type, re, isVoid]] : [],
  )
  expect(told).toEqual([
    ['agree', 'me/2', true],
    ['decline', 'me/3', undefined],
    ['agree', 'me/3', true],
    ['agree', 'peer/5', true],
    ['agree', undefined, true],
    ['agree', 'me/4', undefined],
  ])
  expect(agreementsOf(call).map(({ ref }) => ref)).toEqual(['me/4'])
  const transcript = transcriptOf(call, logIn(me, id), agentOf(PEOPLE, me.key), PEOPLE)
  expect(transcript.entries.flatMap(({ ref, void: isVoid }) => (isVoid ? [ref] : []))).toEqual([
    'peer/2',
    'peer/4',
    'peer/6',
    'peer/7',
  ])
  const lines = newsLines(items).map(plain)
  expect(lines.filter((line) => / agreed to /.test(line))).toHaveLength(1)
  expect(lines.filter((line) => /says that it agrees to .* counts for nothing/.test(line))).toHaveLength(4)
})
