// Publishing to one relay: a yes is an OK true and nothing else, and every no has its reason.
import { describe, expect, test, vi } from 'vitest'
import { parseEvent } from '../../../src/nostr/event.ts'
import { emptyWrapFor } from '../../support/nostr-client.ts'
import { alice } from '../../support/people.ts'
import {
  connectAsAlice,
  farDeadline,
  nearDeadline,
  nowSeconds,
  startScriptedRelay,
  startTestRelay,
  unusedAddress,
} from '../../support/scripted-relay.ts'

const wrap = () => emptyWrapFor(alice, nowSeconds() - 60)
const idOf = (frame: unknown[]) => parseEvent(frame[1])?.id

describe('a receipt', () => {
  test('is accepted when the relay took it, and when it had it', async () => {
    const relay = await startTestRelay({ auth: 'none' })
    const event = wrap()
    const connection = connectAsAlice(relay.url)
    const first = await connection.publish(event, farDeadline())
    expect(first).toEqual({ relay: relay.url, event: event.id, accepted: true, reason: 'accepted', text: '' })
    expect(await connection.publish(event, farDeadline())).toMatchObject({ accepted: true, reason: 'duplicate' })
  })

  test.each([
    ['blocked: you are banned', 'blocked'],
    ['restricted: members only', 'restricted'],
    ['invalid: created_at too early', 'timestamp'],
    ['pow: more', 'pow'],
    ['something else', 'error'],
  ])('of "%s" has the reason %s and is final', async (text, reason) => {
    const relay = await startTestRelay({ auth: 'none', faults: { refuse: text } })
    expect(await connectAsAlice(relay.url).publish(wrap(), farDeadline())).toMatchObject({
      accepted: false,
      reason,
      text,
    })
    expect(relay.seen).toHaveLength(1)
  })

  test('is no yes when the relay says "true"', async () => {
    const relay = await startScriptedRelay({ heard: (say, frame) => say('OK', idOf(frame), 'true', '') })
    expect(await connectAsAlice(relay.url).publish(wrap(), farDeadline())).toMatchObject({
      accepted: false,
      reason: 'error',
    })
  })

  test('is no yes when the relay takes another event', async () => {
    const relay = await startScriptedRelay({ heard: (say) => say('OK', wrap().id, true, '') })
    expect(await connectAsAlice(relay.url).publish(wrap(), nearDeadline())).toMatchObject({
      accepted: false,
      reason: 'silent',
    })
  })

  test('is silent when no OK comes in time, and tells what the relay said instead', async () => {
    const relay = await startScriptedRelay({ heard: (say) => say('NOTICE', 'error: too many words') })
    const receipt = await connectAsAlice(relay.url).publish(wrap(), nearDeadline())
    expect(receipt).toMatchObject({ accepted: false, reason: 'silent' })
    expect(receipt.text).toBe('no answer in time; it said: "error: too many words"')
    const mute = await startTestRelay({ auth: 'none', faults: { noOk: true } })
    expect(await connectAsAlice(mute.url).publish(wrap(), nearDeadline())).toMatchObject({
      reason: 'silent',
      text: 'no answer in time',
    })
  })

  test('is unreachable when the connection is refused or lost', async () => {
    expect(await connectAsAlice(await unusedAddress()).publish(wrap(), farDeadline())).toMatchObject({
      reason: 'unreachable',
    })
    const relay = await startScriptedRelay({ heard: (_, __, socket) => socket.terminate() })
    expect(await connectAsAlice(relay.url).publish(wrap(), farDeadline())).toMatchObject({
      accepted: false,
      reason: 'unreachable',
    })
  })

  test('is there before the deadline when it is cut off', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { silent: true } })
    const receipt = await connectAsAlice(relay.url).publish(wrap(), farDeadline(), AbortSignal.timeout(50))
    expect(receipt).toMatchObject({ accepted: false, reason: 'silent' })
  })
})

describe('auth-required', () => {
  test.each(['OK', 'NOTICE'])('in an %s is answered, and the event sent once more', async (how) => {
    const relay = await startScriptedRelay({
      heard(say, frame) {
        const id = idOf(frame)
        if (frame[0] === 'AUTH') return say('OK', id, true, '')
        if (relay.heard('AUTH').length > 0) return say('OK', id, true, '')
        if (how === 'OK') say('OK', id, false, 'auth-required: who are you?')
        else say('NOTICE', 'auth-required: who are you?')
        say('AUTH', 'c')
      },
    })
    expect(await connectAsAlice(relay.url).publish(wrap(), farDeadline())).toMatchObject({ accepted: true })
    expect(relay.frames.map(([verb]) => verb)).toEqual(['EVENT', 'AUTH', 'EVENT'])
  })

  test('without a challenge is the reason in the end', async () => {
    const relay = await startScriptedRelay({
      heard: (say, frame) => say('OK', idOf(frame), false, 'auth-required: who?'),
    })
    expect(await connectAsAlice(relay.url).publish(wrap(), nearDeadline())).toMatchObject({
      accepted: false,
      reason: 'auth-required',
    })
    expect(relay.heard('EVENT')).toHaveLength(1)
  })

  test('again after the AUTH was taken is final', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard: (say, frame) => say('OK', idOf(frame), frame[0] === 'AUTH', 'auth-required: who?'),
    })
    expect(await connectAsAlice(relay.url).publish(wrap(), farDeadline())).toMatchObject({
      accepted: false,
      reason: 'auth-required',
    })
    expect(relay.heard('EVENT')).toHaveLength(2)
  })

  test('with an AUTH that is refused has that as its reason', async () => {
    const relay = await startScriptedRelay({
      opened: (say) => say('AUTH', 'c'),
      heard: (say, frame) => {
        const text = frame[0] === 'AUTH' ? 'restricted: members only' : 'auth-required: who?'
        say('OK', idOf(frame), false, text)
      },
    })
    const receipt = await connectAsAlice(relay.url).publish(wrap(), farDeadline())
    expect(receipt).toMatchObject({ reason: 'restricted', text: 'AUTH refused: restricted: members only' })
  })
})

describe('pace', () => {
  test('rate-limited is waited out and tried again', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { refuse: 'rate-limited: slow down', refuseTimes: 2 } })
    const receipt = await connectAsAlice(relay.url, { backoffMs: 5 }).publish(wrap(), farDeadline())
    expect(receipt).toMatchObject({ accepted: true })
    expect(relay.seen).toHaveLength(3)
  })

  test('rate-limited until the deadline is said, without waiting for what cannot come', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { refuse: 'rate-limited: slow down' } })
    const started = Date.now()
    const receipt = await connectAsAlice(relay.url, { backoffMs: 60_000 }).publish(wrap(), started + 10_000)
    expect(receipt).toMatchObject({ accepted: false, reason: 'rate-limited', text: 'rate-limited: slow down' })
    expect(Date.now() - started).toBeLessThan(5_000)
    expect(relay.seen).toHaveLength(1)
  })

  test.each(['at once', 'when asked again'])('rate-limited and then lost %s is unreachable', async (when) => {
    const relay = await startScriptedRelay({
      heard(say, frame, socket) {
        if (relay.heard('EVENT').length > 1) return socket.terminate()
        say('OK', idOf(frame), false, 'rate-limited: slow down')
        if (when === 'at once') setTimeout(() => socket.terminate(), 30)
      },
    })
    const backoffMs = when === 'at once' ? 60_000 : 5
    const receipt = await connectAsAlice(relay.url, { backoffMs }).publish(wrap(), farDeadline())
    expect(receipt).toMatchObject({ accepted: false, reason: 'unreachable' })
  })

  test('rate-limited and then nothing is rate-limited', async () => {
    const relay = await startScriptedRelay({
      heard(say, frame) {
        if (relay.heard('EVENT').length === 1) say('OK', idOf(frame), false, 'rate-limited: slow down')
      },
    })
    const receipt = await connectAsAlice(relay.url, { backoffMs: 5 }).publish(wrap(), nearDeadline())
    expect(receipt).toMatchObject({ accepted: false, reason: 'rate-limited' })
    expect(relay.heard('EVENT')).toHaveLength(2)
  })

  test('several events share a connection, each with its own receipt', async () => {
    const relay = await startTestRelay({ auth: 'none', faults: { refuse: 'blocked: this one', refuseTimes: 1 } })
    const connection = connectAsAlice(relay.url)
    const events = [wrap(), wrap(), wrap()]
    const receipts = await Promise.all(events.map((event) => connection.publish(event, farDeadline())))
    expect(receipts.map(({ event, accepted }) => ({ event, accepted }))).toEqual(
      events.map(({ id }, n) => ({ event: id, accepted: n > 0 })),
    )
    expect(new Set(relay.seen.map(({ connection: n }) => n)).size).toBe(1)
  })

  test('a burst goes at once, the rest one by one', async () => {
    const relay = await startScriptedRelay({ heard: (say, frame) => say('OK', idOf(frame), true, '') })
    const connection = connectAsAlice(relay.url, { pace: { burst: 2, gapMs: 100 } })
    await connection.publish(wrap(), farDeadline())
    const started = Date.now()
    const receipts = [1, 2, 3].map(() => connection.publish(wrap(), farDeadline()))
    await vi.waitFor(() => expect(relay.heard('EVENT').length).toBeGreaterThanOrEqual(2))
    await Promise.all(receipts)
    expect(Date.now() - started).toBeGreaterThan(150)
  })

  test('what has no turn before the deadline was not sent, and says so', async () => {
    const relay = await startScriptedRelay({ heard: (say, frame) => say('OK', idOf(frame), true, '') })
    const connection = connectAsAlice(relay.url, { pace: { burst: 1, gapMs: 60_000 } })
    const receipts = await Promise.all([wrap(), wrap()].map((event) => connection.publish(event, Date.now() + 9_000)))
    expect(receipts).toMatchObject([{ accepted: true }, { accepted: false, reason: 'slow' }])
    expect(relay.heard('EVENT')).toHaveLength(1)
  })
})
