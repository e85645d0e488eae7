// NIP-42 as relays really do it: before, during and after a question, in a NOTICE, too late, twice, or never.
import { describe, expect, test, vi } from 'vitest'
import { type Event, parseEvent, tag, verifyEvent } from '../../../src/nostr/event.ts'
import { emptyWrapFor } from '../../support/nostr-client.ts'
import { alice } from '../../support/people.ts'
import {
  connectAsAlice,
  farDeadline,
  inboxFilter,
  nearDeadline,
  nowSeconds,
  type SendFrame,
  startScriptedRelay,
  startTestRelay,
} from '../../support/scripted-relay.ts'

const event = emptyWrapFor(alice, nowSeconds() - 60)

/** The id of the event of an AUTH frame. */
function idOf(frame: unknown[] | undefined): string {
  return authEvent(frame).id
}

function authEvent(frame: unknown[] | undefined): Event {
  const parsed = parseEvent(frame?.[1])
  if (parsed === undefined) throw new Error('no AUTH')
  return parsed
}

const sayOk = (say: SendFrame, frame: unknown[], accepted = true, text = '') => say('OK', idOf(frame), accepted, text)

describe('the embedded relay', () => {
  test.each(['dm', 'all', 'late', 'notice'] as const)('that asks for AUTH in mode %s serves us', async (auth) => {
    const relay = await startTestRelay({ auth })
    const connection = connectAsAlice(relay.url)
    expect(await connection.publish(event, farDeadline())).toMatchObject({ accepted: true })
    const answer = await connection.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: true, events: [{ id: event.id }] })
  })

  test('that refuses our AUTH is told from one that has nothing, and says why', async () => {
    const relay = await startTestRelay({ auth: 'dm', serviceUrl: 'wss://somewhere-else.example' })
    const connection = connectAsAlice(relay.url)
    const answer = await connection.query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, events: [] })
    expect(answer.text).toMatch(/^AUTH refused: /)
  })

  test('gets the AUTH that NIP-42 describes', async () => {
    const relay = await startTestRelay({ auth: 'dm' })
    await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    const auth = authEvent(relay.seen.find(({ frame }) => frame[0] === 'AUTH')?.frame)
    expect(verifyEvent(auth)).toBe(true)
    expect(auth).toMatchObject({ kind: 22242, pubkey: alice.pubkey, content: '' })
    expect(tag(auth, 'relay')).toBe(relay.url)
    expect(Math.abs(auth.created_at - nowSeconds())).toBeLessThan(10)
  })
})

describe('a clock that is a day wrong', () => {
  test.each([86_400_000, -86_400_000])('does not keep us out: AUTH is dated by the relay (%i ms)', async (wrong) => {
    const relay = await startTestRelay({ auth: 'dm' })
    const now = () => Date.now() + wrong
    const connection = connectAsAlice(relay.url, { now })
    const answer = await connection.query({ filter: inboxFilter, deadline: now() + 20_000 })
    expect(answer).toMatchObject({ complete: true })
    expect(connection.health().clockAhead).toBeCloseTo(wrong / 1000, -1)
  })
})

describe('a question that is open', () => {
  test('is asked again under a new id in the flight of the AUTH, and the old one no longer counts', async () => {
    const relay = await startScriptedRelay({
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'REQ' && relay.heard('REQ').length === 1) say('AUTH', 'c')
        if (verb === 'AUTH') {
          // What a stranger is shown: nothing, and that is all there is.
          say('EOSE', relay.heard('REQ')[0]?.[1])
          sayOk(say, frame)
        }
        if (verb === 'REQ' && relay.heard('REQ').length === 2) {
          say('EVENT', sub, event)
          say('EOSE', sub)
        }
      },
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: true, events: [{ id: event.id }] })
    const [first, , , second] = relay.frames
    expect(relay.frames.slice(0, 4).map(([verb]) => verb)).toEqual(['REQ', 'AUTH', 'CLOSE', 'REQ'])
    expect(second?.[1]).not.toBe(first?.[1])
    expect(second?.[2]).toEqual(first?.[2])
  })

  test('does not believe an EOSE that overtakes the OK of the AUTH', async () => {
    let auth: unknown[] = []
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'AUTH') auth = frame
        if (verb === 'REQ' && relay.heard('REQ').length === 1) {
          say('EOSE', sub)
          sayOk(say, auth)
        } else if (verb === 'REQ') {
          say('EVENT', sub, event)
          say('EOSE', sub)
        }
      },
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: true, events: [{ id: event.id }] })
    expect(relay.heard('REQ')).toHaveLength(2)
  })

  test('is answered by a relay that takes the AUTH and never says so, within a second', async () => {
    const relay = await startTestRelay({ auth: 'dm', faults: { noAuthOk: true } })
    const started = Date.now()
    expect(await connectAsAlice(relay.url).publish(event, farDeadline())).toMatchObject({ accepted: true })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: true, events: [{ id: event.id }] })
    expect(Date.now() - started).toBeLessThan(1_500)
  })

  test('is answered by such a relay also where the timer is faster than the clock', async () => {
    const relay = await startTestRelay({ auth: 'dm', faults: { noAuthOk: true } })
    const started = Date.now()
    // Node fires timers up to a millisecond before the clock is there; by this clock all of them fire early.
    const now = () => started + Math.floor((Date.now() - started) * 0.9)
    await connectAsAlice(relay.url).publish(event, farDeadline())
    const answer = await connectAsAlice(relay.url, { now }).query({ filter: inboxFilter, deadline: now() + 8_000 })
    expect(answer).toMatchObject({ complete: true, events: [{ id: event.id }] })
  })

  test('is not believed before a relay that has not said what it makes of the AUTH was asked once more', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, [verb, sub]) {
        if (verb !== 'REQ') return
        // The first answer was meant for a stranger.
        if (relay.heard('REQ').length > 1) say('EVENT', sub, event)
        say('EOSE', sub)
      },
    })
    const answer = await connectAsAlice(relay.url, { authMs: 50 }).query({
      filter: inboxFilter,
      deadline: farDeadline(),
    })
    expect(answer).toMatchObject({ complete: true, events: [{ id: event.id }] })
  })

  test('at a slow relay waits for the OK of the AUTH while nothing else comes', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'AUTH') setTimeout(() => sayOk(say, frame, false, 'restricted: members only'), 200)
        if (verb === 'REQ') setTimeout(() => say('EOSE', sub), 200)
      },
    })
    const answer = await connectAsAlice(relay.url, { authMs: 50 }).query({
      filter: inboxFilter,
      deadline: farDeadline(),
    })
    expect(answer).toMatchObject({ complete: false, reason: 'restricted' })
  })

  test.each(['This relay does not require AUTH', 'We need NIP-42, says a greeting that means nothing'])(
    'is answered by an open relay that greets with "%s"',
    async (greeting) => {
      const relay = await startTestRelay({ auth: 'none', faults: { greeting } })
      const started = Date.now()
      const connection = connectAsAlice(relay.url)
      expect(await connection.publish(event, farDeadline())).toMatchObject({ accepted: true })
      const answer = await connection.query({ filter: inboxFilter, deadline: farDeadline() })
      expect(answer).toMatchObject({ complete: true, events: [{ id: event.id }] })
      expect(Date.now() - started).toBeLessThan(1_500)
    },
  )

  test('is never complete while the AUTH has no OK', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard: (say, [verb, sub]) => verb === 'REQ' && say('EOSE', sub),
    })
    expect(await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: nearDeadline() })).toMatchObject({
      complete: false,
    })
  })

  test('keeps what a relay shows to strangers when it refuses the AUTH, and is not complete', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        if (frame[0] === 'AUTH') sayOk(say, frame, false, 'restricted: members only')
        if (frame[0] !== 'REQ') return
        say('EVENT', frame[1], event)
        say('EOSE', frame[1])
      },
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'restricted', events: [{ id: event.id }] })
    expect(answer.text).toBe('AUTH refused: restricted: members only')
  })

  test('waits for the challenge when it is told to authenticate before it can', async () => {
    const relay = await startScriptedRelay({
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'AUTH') sayOk(say, frame)
        if (verb !== 'REQ') return
        if (relay.heard('AUTH').length > 0) return say('EOSE', sub)
        say('CLOSED', sub, 'auth-required: who are you?')
        setTimeout(() => say('AUTH', 'c'), 30)
      },
    })
    expect(await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      complete: true,
    })
    expect(relay.frames.map(([verb]) => verb).slice(0, 3)).toEqual(['REQ', 'AUTH', 'REQ'])
  })

  test('says so when the challenge never comes', async () => {
    const relay = await startScriptedRelay({
      heard: (say, [verb, sub]) => verb === 'REQ' && say('CLOSED', sub, 'auth-required: who are you?'),
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: nearDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'auth-required', text: 'auth-required: who are you?' })
    expect(relay.heard('REQ')).toHaveLength(1)
  })

  test('is asked once more after the OK when the relay had read the REQ first', async () => {
    let auth: unknown[] = []
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'AUTH') auth = frame
        if (verb === 'REQ' && relay.heard('REQ').length === 1) {
          say('CLOSED', sub, 'auth-required: who are you?')
          sayOk(say, auth)
        } else if (verb === 'REQ') say('EOSE', sub)
      },
    })
    expect(await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      complete: true,
    })
    expect(relay.heard('REQ')).toHaveLength(2)
  })

  test('gives up on a relay that has taken the AUTH and still wants it', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        if (frame[0] === 'AUTH') sayOk(say, frame)
        if (frame[0] === 'REQ') say('CLOSED', frame[1], 'auth-required: who are you?')
      },
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'auth-required' })
    expect(relay.heard('REQ')).toHaveLength(2)
  })

  test('has the refusal of the AUTH as its reason, whichever comes first', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        if (frame[0] === 'AUTH') setTimeout(() => sayOk(say, frame, false, 'invalid: created_at too early'), 30)
        if (frame[0] === 'REQ') say('CLOSED', frame[1], 'auth-required: who are you?')
      },
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'timestamp' })
    expect(answer.text).toBe('AUTH refused: invalid: created_at too early')
  })

  test('takes a NOTICE for what others say with CLOSED', async () => {
    const relay = await startScriptedRelay({
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'AUTH') sayOk(say, frame)
        if (verb !== 'REQ') return
        if (relay.heard('AUTH').length > 0) return say('EOSE', sub)
        say('NOTICE', 'restricted: you must authenticate')
        // What follows for a stranger is no answer.
        say('EOSE', sub)
        setTimeout(() => say('AUTH', 'c'), 30)
      },
    })
    expect(await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      complete: true,
    })
    expect(relay.heard('REQ')).toHaveLength(2)
  })

  test('is asked once more when the NOTICE comes after the OK', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'AUTH') sayOk(say, frame)
        if (verb === 'REQ' && relay.heard('REQ').length > 1) say('EOSE', sub)
        else if (verb === 'REQ') say('NOTICE', 'auth-required: once more')
      },
    })
    expect(await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      complete: true,
    })
    expect(relay.heard('REQ')).toHaveLength(2)
  })

  test('is asked once more when the NOTICE comes while the AUTH is being looked at', async () => {
    let auth: unknown[] = []
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        const [verb, sub] = frame
        if (verb === 'AUTH') auth = frame
        if (verb === 'REQ' && relay.heard('REQ').length > 1) say('EOSE', sub)
        else if (verb === 'REQ') {
          say('NOTICE', 'auth-required: who are you?')
          sayOk(say, auth)
        }
      },
    })
    expect(await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      complete: true,
    })
    expect(relay.heard('REQ')).toHaveLength(2)
  })

  test('with a NOTICE and no challenge has the NOTICE as its reason', async () => {
    const relay = await startScriptedRelay({
      heard: (say, [verb]) => verb === 'REQ' && say('NOTICE', 'please authenticate'),
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: nearDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'auth-required', text: 'please authenticate' })
  })
})

describe('challenges', () => {
  test('that come after the answer make live questions ask again, and nothing comes twice', async () => {
    const arrived: string[] = []
    const relay = await startScriptedRelay({
      heard(say, frame) {
        if (frame[0] === 'AUTH') sayOk(say, frame)
        if (frame[0] !== 'REQ') return
        say('EVENT', frame[1], event)
        say('EOSE', frame[1])
      },
    })
    const onEvent = (one: Event) => arrived.push(one.id)
    const answer = await connectAsAlice(relay.url).query({
      filter: inboxFilter,
      deadline: farDeadline(),
      live: true,
      onEvent,
    })
    expect(answer).toMatchObject({ complete: true, events: [{ id: event.id }] })
    const tell = (...frame: unknown[]) => {
      for (const socket of relay.sockets) socket.send(JSON.stringify(frame))
    }
    tell('AUTH', 'later')
    await vi.waitFor(() => expect(relay.heard('REQ')).toHaveLength(2))
    const news = emptyWrapFor(alice, nowSeconds())
    tell('EVENT', relay.heard('REQ')[1]?.[1], news)
    await vi.waitFor(() => expect(arrived).toEqual([news.id]))
  })

  test('that are new give a relay another chance to make up its mind', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c1'),
      heard(say, frame) {
        const [verb, sub] = frame
        const count = relay.heard('REQ').length
        // The first AUTH is taken and does not help; the second one helps, once its OK is there.
        if (verb === 'AUTH' && relay.heard('AUTH').length === 1) sayOk(say, frame)
        if (verb !== 'REQ') return
        if (count === 4) return say('EOSE', sub)
        if (count === 2) return say('AUTH', 'c2')
        say('CLOSED', sub, 'auth-required: who are you?')
        const auth = relay.heard('AUTH')[1]
        if (auth) sayOk(say, auth)
      },
    })
    expect(await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      complete: true,
    })
    expect(relay.heard('REQ')).toHaveLength(4)
  })

  test('that are the same again are answered once', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        if (frame[0] === 'AUTH') sayOk(say, frame)
        if (frame[0] !== 'REQ') return
        for (let n = 0; n < 20; n++) say('AUTH', 'c')
        say('EOSE', frame[1])
      },
    })
    expect(await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({
      complete: true,
    })
    expect(relay.heard('AUTH')).toHaveLength(1)
    expect(relay.heard('REQ')).toHaveLength(1)
  })

  test('without end end the connection', async () => {
    let count = 0
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c0'),
      heard(say, [verb]) {
        count += 1
        if (verb === 'AUTH') say('AUTH', `c${count}`)
      },
    })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false, reason: 'unreachable', text: 'it sends challenge after challenge' })
    expect(relay.heard('AUTH').length).toBeLessThan(10)
  })
})

describe('the address in an AUTH', () => {
  const spelled = (frame: unknown[]) => tag(authEvent(frame), 'relay')

  test('is spelled the other way once where a relay does not take it as we have it', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        const fits = frame[0] === 'AUTH' && spelled(frame) === `${relay.url}/`
        if (frame[0] === 'AUTH') sayOk(say, frame, fits, fits ? '' : 'invalid: wrong relay')
        if (frame[0] === 'REQ') say('EOSE', frame[1])
      },
    })
    const connection = connectAsAlice(relay.url)
    expect(await connection.query({ filter: inboxFilter, deadline: farDeadline() })).toMatchObject({ complete: true })
    expect(relay.heard('AUTH').map(spelled)).toEqual([relay.url, `${relay.url}/`])
  })

  test('is refused for good after that', async () => {
    const relay = await startTestRelay({ auth: 'dm', serviceUrl: 'wss://somewhere-else.example' })
    const answer = await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(answer).toMatchObject({ complete: false })
    expect(relay.seen.filter(({ frame }) => frame[0] === 'AUTH')).toHaveLength(2)
  })

  test('is not what a relay minds that lets members in only', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        if (frame[0] === 'AUTH') sayOk(say, frame, false, 'restricted: members only')
        if (frame[0] === 'REQ') say('CLOSED', frame[1], 'auth-required: who are you?')
      },
    })
    await connectAsAlice(relay.url).query({ filter: inboxFilter, deadline: farDeadline() })
    expect(relay.heard('AUTH')).toHaveLength(1)
  })
})

describe('at a relay that only a peer has named', () => {
  const guest = { guest: true }
  const signers = (relay: { heard(verb: string): unknown[][] }) => relay.heard('AUTH').map((f) => authEvent(f).pubkey)

  test('a challenge alone is not answered', async () => {
    const relay = await startTestRelay({ auth: 'dm' })
    const connection = connectAsAlice(relay.url, guest)
    expect(await connection.publish(event, farDeadline())).toMatchObject({ accepted: true })
    const answer = await connection.query({
      filter: { kinds: [10050], authors: [alice.pubkey] },
      deadline: farDeadline(),
    })
    expect(answer).toMatchObject({ complete: true })
    expect(relay.seen.filter(({ frame }) => frame[0] === 'AUTH')).toEqual([])
  })

  test.each(['OK', 'NOTICE'])('a key made for it answers where a write is not taken without (%s)', async (how) => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        if (frame[0] === 'AUTH') return sayOk(say, frame)
        if (relay.heard('AUTH').length > 0) return say('OK', idOf(frame), true, '')
        if (how === 'OK') say('OK', idOf(frame), false, 'auth-required: who are you?')
        else say('NOTICE', 'auth-required: who are you?')
      },
    })
    const connection = connectAsAlice(relay.url, guest)
    const others = [emptyWrapFor(alice, nowSeconds()), emptyWrapFor(alice, nowSeconds())]
    const receipts = await Promise.all([event, ...others].map((one) => connection.publish(one, farDeadline())))
    expect(receipts.map(({ accepted }) => accepted)).toEqual([true, true, true])
    expect(signers(relay)).toHaveLength(1)
    expect(signers(relay)).not.toContain(alice.pubkey)
  })

  test.each(['AUTH', 'restricted: members only', 'blocked: who are you?', 'auth-required: somebody else'])(
    'our identity answers only where that one is refused (%s)',
    async (how) => {
      const relay = await startScriptedRelay({
        opened: (say) => say('AUTH', 'c'),
        heard(say, frame) {
          const isOurs = signers(relay).includes(alice.pubkey)
          if (frame[0] === 'AUTH') {
            sayOk(say, frame, how !== 'AUTH' || authEvent(frame).pubkey === alice.pubkey, 'restricted: members only')
          } else if (isOurs) say('OK', idOf(frame), true, '')
          else if (relay.heard('AUTH').length === 0) say('OK', idOf(frame), false, 'auth-required: who are you?')
          else say('OK', idOf(frame), false, how)
        },
      })
      expect(await connectAsAlice(relay.url, guest).publish(event, farDeadline())).toMatchObject({ accepted: true })
      const [mask, ...rest] = signers(relay)
      expect(mask).not.toBe(alice.pubkey)
      expect(rest).toEqual([alice.pubkey])
    },
  )

  test('our identity is not shown for what anybody may read', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard(say, frame) {
        if (frame[0] === 'AUTH') sayOk(say, frame, false, 'restricted: members only')
        if (frame[0] === 'REQ') say('CLOSED', frame[1], 'auth-required: who are you?')
      },
    })
    const filter = { kinds: [10050], authors: [alice.pubkey] }
    expect(await connectAsAlice(relay.url, guest).query({ filter, deadline: farDeadline() })).toMatchObject({
      reason: 'restricted',
    })
    expect(signers(relay)).toHaveLength(1)
    expect(signers(relay)).not.toContain(alice.pubkey)
  })

  test('a challenge that comes late is answered for what waits for it', async () => {
    const relay = await startTestRelay({ auth: 'late' })
    const answer = await connectAsAlice(relay.url, guest).query({ filter: inboxFilter, deadline: nearDeadline(2_000) })
    // A wrap for us is shown to us alone.
    expect(answer).toMatchObject({ complete: false, reason: 'restricted' })
    expect(relay.seen.filter(({ frame }) => frame[0] === 'AUTH')).toHaveLength(1)
  })
})
