// Which of our questions an owner's word answers, and what it closes.
import { describe, expect, test } from 'vitest'
import type { Escalation } from '../../src/call/escalation.ts'
import type { Rumor } from '../../src/nostr/event.ts'
import { escalationMeant } from '../../src/run/owner-answer.ts'
import { foreign } from '../../src/sanitize.ts'
import { answerByLetter, markAnswerRead, pruneEscalations, recordAnswer } from '../../src/state/owner-answers.ts'
import { openEscalation, recordOwnerTold } from '../../src/state/pending-escalations.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'
import { beginTransaction, type Transaction } from '../../src/state/transaction.ts'

const T = 1_800_000_000

const asked = (id: string, text = `May I ${id}?`): Escalation => ({
  ...{ id, at: T, agent: '', npub: '', name: foreign``, call: '', text, told: '' },
  ...{ peer: '', peerNpub: '', peerName: foreign``, peerTrust: '', topic: foreign``, topicBy: '' },
})

/** A state in which so many things are asked: e1 by the letter r1, and so on. */
function asking(...ids: string[]): State {
  let state: State = { index: emptyIndex(), logs: {} }
  for (const id of ids) state = openEscalation(state, asked(id), ['webhook'], id.replace('e', 'r'))
  return state
}

function edited(state: State, edit: (transaction: Transaction) => void): State {
  const transaction = beginTransaction(state)
  edit(transaction)
  return transaction.commit()
}

const letter = (text: string, e?: string, kind = 14, at = T + 10): Rumor => ({
  ...{ id: `letter ${text}`, pubkey: 'owner', created_at: at, kind, content: text },
  tags: [['p', 'me'], ...(e === undefined ? [] : [['e', e]])],
})

/** The escalations that a letter closes. */
const closes = (state: State, rumor: Rumor) => {
  const { escalations } = edited(state, (edit) => answerByLetter(edit, rumor, T + 20)).index
  return Object.keys(escalations).filter((id) => (escalations[id]?.answers.length ?? 0) > 0)
}

describe('a letter of the owner', () => {
  test('answers what it replies to', () => {
    expect(closes(asking('e1', 'e2'), letter('Yes', 'r2'))).toEqual(['e2'])
  })

  test('that replies to something else answers nothing', () => {
    expect(closes(asking('e1'), letter('Yes', 'r9'))).toEqual([])
  })

  test('that replies to nothing answers the only one that is open', () => {
    expect(closes(asking('e1'), letter('Yes'))).toEqual(['e1'])
    expect(closes(asking('e1', 'e2'), letter('Yes'))).toEqual([])
    const one = edited(asking('e1', 'e2'), (edit) => answerByLetter(edit, letter('Yes', 'r1'), T))
    expect(closes(one, letter('And yes'))).toEqual(['e1', 'e2'])
  })

  test('answers all that ask the same in the same call, whichever it replies to', () => {
    const twice = (...texts: string[]): State =>
      texts.reduce<State>(
        (state, text, n) => openEscalation(state, asked(`e${n + 1}`, text), ['webhook'], `r${n + 1}`),
        { index: emptyIndex(), logs: {} },
      )
    expect(closes(twice('May I?', 'May I?'), letter('Yes'))).toEqual(['e1', 'e2'])
    expect(closes(twice('May I?', 'May I?'), letter('Yes', 'r2'))).toEqual(['e1', 'e2'])
    expect(closes(twice('May I?', 'May I?', 'Else?'), letter('Yes'))).toEqual([])
    expect(closes(twice('May I?', 'May I?', 'Else?'), letter('Yes', 'r1'))).toEqual(['e1', 'e2'])
    expect(escalationMeant(twice('May I?', 'May I?'), undefined)).toMatchObject({ escalation: { id: 'e1' } })
  })

  test('from before the question answers nothing', () => {
    expect(closes(asking('e1'), letter('Good morning', undefined, 14, T - 3600))).toEqual([])
  })

  test('that brings a file answers only what it replies to', () => {
    expect(closes(asking('e1'), letter('https://x.example/a', undefined, 15))).toEqual([])
    expect(closes(asking('e1'), letter('https://x.example/a', 'r1', 15))).toEqual(['e1'])
  })

  test('that is a reaction answers only what it is one to', () => {
    expect(closes(asking('e1'), letter('+', undefined, 7))).toEqual([])
    expect(closes(asking('e1'), letter('+', 'r1', 7))).toEqual(['e1'])
  })
})

describe('an answer', () => {
  const answer = { text: 'Yes', at: T + 5, channel: 'webhook' as const }

  test('closes it: the owner is told no more', () => {
    const { index } = edited(asking('e1', 'e2'), (edit) => recordAnswer(edit, 'e1', answer))
    expect(Object.keys(index.pendingEscalations)).toEqual(['e2'])
    expect(index.escalations.e1?.answers).toMatchObject([{ text: 'Yes', channel: 'webhook', unread: true }])
  })

  test('comes with the telling', () => {
    const told = { id: 'e1', results: { webhook: undefined }, answers: { webhook: 'Yes' }, others: { log: undefined } }
    const { index } = recordOwnerTold(asking('e1'), [told], ['webhook'], T)
    expect(index.pendingEscalations).toEqual({})
    expect(index.escalations.e1).toMatchObject({
      channels: [
        { channel: 'log', ok: true },
        { channel: 'webhook', ok: true },
      ],
      answers: [{ text: 'Yes', channel: 'webhook' }],
    })
  })

  test('is read once', () => {
    const state = edited(asking('e1'), (edit) => recordAnswer(edit, 'e1', answer))
    const id = state.index.escalations.e1?.answers[0]?.id ?? ''
    const read = edited(state, (edit) => expect(markAnswerRead(edit, id)).toBe(true))
    expect(read.index.escalations.e1?.answers[0]?.unread).toBe(false)
    edited(read, (edit) => expect(markAnswerRead(edit, id)).toBe(false))
  })

  test('is kept while it is unread and for a week; what is open is kept forever', () => {
    const late = T + 30 * 86_400
    const left = (state: State, now: number) =>
      Object.keys(edited(state, (edit) => pruneEscalations(edit, now)).index.escalations)
    const unread = edited(asking('e1', 'e2'), (edit) => recordAnswer(edit, 'e1', answer))
    expect(left(unread, late)).toEqual(['e1', 'e2'])
    const read = edited(unread, (edit) => {
      markAnswerRead(edit, unread.index.escalations.e1?.answers[0]?.id ?? '')
    })
    expect(left(read, T + 86_400)).toEqual(['e1', 'e2'])
    expect(left(read, late)).toEqual(['e2'])
  })
})

test('a prefix names one, no prefix the only one that is open', () => {
  const state = asking('e1', 'f2')
  expect(escalationMeant(state, 'E1')).toMatchObject({ escalation: { id: 'e1' } })
  expect(escalationMeant(state, undefined)).toMatchObject({ code: 'SEVERAL_ESCALATIONS' })
  expect(escalationMeant(state, '9')).toMatchObject({ code: 'NO_ESCALATION' })
  expect(escalationMeant(asking(), undefined)).toMatchObject({ code: 'NO_ESCALATION' })
  expect(escalationMeant(asking('e1'), undefined)).toMatchObject({ escalation: { id: 'e1' } })
})

test('an answer that is written down twice is one, and another one is another', () => {
  const write = (...texts: string[]) =>
    edited(asking('e1'), (edit) => {
      for (const text of texts) recordAnswer(edit, 'e1', { text, at: T, channel: 'answered' })
    }).index.escalations.e1?.answers.map(({ text }) => text)
  expect(write('Yes', 'Yes')).toEqual(['Yes'])
  expect(write('Yes', 'No', 'Yes')).toEqual(['Yes', 'No', 'Yes'])
})
