// A mailbox of which much is known, at a relay that speaks NIP-77: only what is new travels, and whatever goes wrong with it
// the old way finds.
import { describe, expect, test } from 'vitest'
import type { EmbeddedRelay } from '../../../scripts/relay.ts'
import type { QueryAnswer } from '../../../src/io/relay/query.ts'
import { randomKeys } from '../../../src/nostr/crypto.ts'
import { type Event, finalize } from '../../../src/nostr/event.ts'
import { alice } from '../../support/people.ts'
import { finalizeQuickly } from '../../support/quick-signatures.ts'
import {
  connectAsAlice,
  farDeadline,
  inboxFilter,
  nowSeconds,
  startScriptedRelay,
  startTestRelay,
  unusedAddress,
} from '../../support/scripted-relay.ts'

const throwawayKeys = randomKeys()
const NOW = nowSeconds()
const wraps = Array.from({ length: 260 }, (_, n) =>
  finalizeQuickly(
    { kind: 1059, created_at: NOW - n, tags: [['p', alice.pubkey]], content: `wrap ${n}` },
    throwawayKeys,
  ),
)

async function relayWith(
  options: Parameters<typeof startTestRelay>[0],
  kept: readonly Event[] = wraps,
): Promise<EmbeddedRelay> {
  const relay = await startTestRelay({ negentropy: 'nip77', ...options })
  const trusting = relay.policy.trust
  relay.policy.trust = true
  const writer = connectAsAlice(relay.url, { pace: { burst: 1_000, gapMs: 0 } })
  const receipts = await Promise.all(kept.map((event) => writer.publish(event, farDeadline())))
  expect(receipts.every((receipt) => receipt.accepted)).toBe(true)
  writer.close()
  relay.policy.trust = trusting
  return relay
}

/** Asks as `status` would that knows all but the first `fresh` of them. */
async function queryRelay(url: string, fresh: number, patience = farDeadline()): Promise<QueryAnswer> {
  const known = new Map(wraps.slice(fresh).map((event) => [event.id, event.created_at]))
  return await connectAsAlice(url).query({
    filter: { ...inboxFilter, since: NOW - 10_000 },
    held: [...known],
    skip: (id) => known.has(id),
    page: true,
    deadline: patience,
  })
}

const contents = (answer: QueryAnswer) => answer.events.map((event) => event.content).sort()
const verbs = (relay: EmbeddedRelay, from: number) => relay.seen.slice(from).map(({ frame }) => frame[0])

describe.each(['none', 'dm', 'late', 'all'] as const)('where AUTH is for %s', (auth) => {
  test('nothing new takes one question and no event', async () => {
    const relay = await relayWith({ auth })
    const before = relay.seen.length
    const answer = await queryRelay(relay.url, 0)
    expect(answer).toMatchObject({ complete: true, reconciled: true, events: [], known: 0 })
    expect(verbs(relay, before).filter((verb) => verb === 'REQ')).toEqual([])
    expect(verbs(relay, before).filter((verb) => verb === 'NEG-OPEN').length).toBe(auth === 'late' ? 2 : 1)
  })

  test('what is new comes, and nothing else', async () => {
    const relay = await relayWith({ auth })
    const answer = await queryRelay(relay.url, 3)
    expect(answer).toMatchObject({ complete: true, reconciled: true, known: 0 })
    expect(contents(answer)).toEqual(['wrap 0', 'wrap 1', 'wrap 2'])
  })
})

test('more than one question holds, and more than the relay sends at a time', async () => {
  const relay = await relayWith({ auth: 'none', limit: 100 })
  const answer = await queryRelay(relay.url, 250)
  expect(answer).toMatchObject({ complete: true, reconciled: true })
  expect(answer.events).toHaveLength(250)
})

test('what we hold and the relay does not is left out of account', async () => {
  const relay = await relayWith({ auth: 'none' }, wraps.slice(0, 40))
  expect(contents(await queryRelay(relay.url, 2))).toEqual(['wrap 0', 'wrap 1'])
})

describe('a relay that does not play along is asked in the old way', () => {
  test('one that refuses', async () => {
    const relay = await relayWith({ auth: 'dm', negentropy: 'refused' })
    const answer = await queryRelay(relay.url, 2)
    expect(answer).toMatchObject({ complete: true, reconciled: false, known: 258 })
    expect(contents(answer)).toEqual(['wrap 0', 'wrap 1'])
  })

  const serve = (say: (...frame: unknown[]) => void, frame: unknown[]) => {
    if (frame[0] !== 'REQ') return
    for (const event of wraps.slice(0, 2)) say('EVENT', frame[1], event)
    say('EOSE', frame[1])
  }
  test.each<[string, (say: (...frame: unknown[]) => void, sub: unknown) => void]>([
    ['khatru, which lists it', (say) => say('NOTICE', 'failed to parse envelope: unknown envelope label')],
    ['one that does not know what NEG-OPEN is', (say) => say('NOTICE', 'error: unknown command NEG-OPEN')],
    ['one that says nothing to it', () => {}],
    ['one that talks nonsense', (say, sub) => say('NEG-MSG', sub, '6100')],
    ['one that sends what is no hex', (say, sub) => say('NEG-MSG', sub, 'hello')],
    ['one that goes on forever', (say, sub) => say('NEG-MSG', sub, `61000001${'ab'.repeat(16)}`)],
    ['one that wants AUTH and sends no challenge', (say, sub) => say('NEG-ERR', sub, 'auth-required: who are you?')],
  ])('%s', async (_, reply) => {
    const relay = await startScriptedRelay({
      heard(say, frame) {
        if (frame[0] === 'NEG-OPEN' || frame[0] === 'NEG-MSG') reply(say, frame[1])
        serve(say, frame)
      },
    })
    const answer = await queryRelay(relay.url, 2)
    expect(answer).toMatchObject({ complete: true, reconciled: false })
    expect(contents(answer)).toEqual(['wrap 0', 'wrap 1'])
  })
})

test('a relay that lists what it then does not send ends the answer all the same', async () => {
  const ghosts = `6100000202${'aa'.repeat(32)}${'bb'.repeat(32)}`
  const relay = await startScriptedRelay({
    heard(say, frame) {
      if (frame[0] === 'NEG-OPEN') say('NEG-MSG', frame[1], ghosts)
      if (frame[0] === 'REQ') say('EOSE', frame[1])
    },
  })
  expect(await queryRelay(relay.url, 0)).toMatchObject({ complete: true, reconciled: true, events: [] })
  expect(relay.heard('REQ').map((frame) => Object(frame[2]).ids)).toEqual([['aa'.repeat(32), 'bb'.repeat(32)]])
})

test('a relay that sends what was not asked for is not believed', async () => {
  const stranger = finalize(
    { kind: 1059, created_at: NOW, tags: [['p', throwawayKeys.pubkey]], content: 'x' },
    throwawayKeys,
  )
  const relay = await startScriptedRelay({
    heard(say, frame) {
      if (frame[0] === 'NEG-OPEN') say('NEG-MSG', frame[1], `6100000201${'aa'.repeat(32)}`)
      if (frame[0] === 'REQ') say('EVENT', frame[1], stranger)
      if (frame[0] === 'REQ') say('EVENT', frame[1], wraps[5])
      if (frame[0] === 'REQ') say('EOSE', frame[1])
    },
  })
  expect(await queryRelay(relay.url, 0)).toMatchObject({ complete: true, events: [] })
})

describe('a relay that leaves us without an answer is asked in the old way by the next run', () => {
  test('one that hangs up on the question', async () => {
    const relay = await startScriptedRelay({
      heard: (_, frame, socket) => {
        if (frame[0] === 'NEG-OPEN') socket.terminate()
      },
    })
    expect(await queryRelay(relay.url, 2)).toMatchObject({ complete: false, reconciled: false })
  })

  test('one that says nothing until the others are through', async () => {
    const relay = await startScriptedRelay({})
    const answer = await queryRelay(relay.url, 2, Date.now() + 1_000)
    expect(answer).toMatchObject({ complete: false, reason: 'silent', reconciled: false })
  })
})

test('a relay that has not even been reached says nothing against NIP-77', async () => {
  const { complete, reconciled } = await queryRelay(await unusedAddress(), 2)
  expect([complete, reconciled]).toEqual([false, undefined])
})

test('small talk is no answer', async () => {
  const relay = await startScriptedRelay({
    heard(say, frame) {
      if (frame[0] !== 'NEG-OPEN') return
      say('NOTICE', 'Welcome to relay.example, please be kind')
      say('NEG-MSG', frame[1], '61')
    },
  })
  expect(await queryRelay(relay.url, 0)).toMatchObject({ complete: true, reconciled: true })
})

describe('what a relay tells a stranger is not believed', () => {
  const list = `6100000202${wraps[0]?.id}${wraps[1]?.id}`

  // As one whose threads overtake each other: it answers what was asked before the AUTH when it has not read it yet.
  test.each([
    ['the challenge comes with the connection', true],
    ['the challenge comes with the question', false],
  ])('%s', async (_, early) => {
    let known = false
    const answers: string[] = []
    const relay = await startScriptedRelay({
      opened: (say) => void (early && say('AUTH', 'who are you?')),
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'NEG-OPEN') {
          if (!early && !known) say('AUTH', 'who are you?')
          answers.push(known ? list : '6100000200')
          say('NEG-MSG', sub, answers.at(-1))
        } else if (verb === 'AUTH') {
          const settle = () => {
            known = true
            say('OK', Object(sub).id, true, '')
          }
          setTimeout(settle, 100)
        } else if (verb === 'REQ') {
          for (const event of wraps.slice(0, 2)) say('EVENT', sub, event)
          say('EOSE', sub)
        }
      },
    })
    const answer = await queryRelay(relay.url, 2)
    expect(answer).toMatchObject({ complete: true, reconciled: true })
    expect(contents(answer)).toEqual(['wrap 0', 'wrap 1'])
    expect(answers).toEqual(['6100000200', list])
  })

  test('and one that refuses the AUTH gives no complete answer', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'who are you?'),
      heard(say, [verb, sub]) {
        if (verb === 'NEG-OPEN') say('NEG-MSG', sub, '6100000200')
        if (verb === 'AUTH') setTimeout(() => say('OK', Object(sub).id, false, 'restricted: not you'), 50)
        if (verb === 'REQ') say('EOSE', sub)
      },
    })
    expect(await queryRelay(relay.url, 2)).toMatchObject({ complete: false, reason: 'restricted' })
  })
})
