// Which pair a request gets its call key from.
import { expect, test } from 'vitest'
import { signalOf } from '../../src/call/log.ts'
import { makeCallKeys } from '../../src/nostr/call-key.ts'
import { attachCallKey } from '../../src/state/attach-call-key.ts'
import { logIn, ringing } from '../support/conversation.ts'

// The attack: a relay whose clock ours follows has two requests dated alike, and the later call keeps the key of the earlier one.
test('two requests of one second share a key only where they are one call', () => {
  const { ada, id } = ringing()
  const said = signalOf(logIn(ada, id), id)
  if (said?.body.type !== 'request') throw new Error('no request')
  const [kept, fresh] = [makeCallKeys(), makeCallKeys()]
  const source = { make: () => fresh, read: () => kept }
  const { ek: _, ...body } = said.body
  const keysFor = (change: Partial<typeof body>) => {
    const intended = { to: said.to, call: undefined, body: { ...body, ...change } }
    return attachCallKey(ada.state, intended, { me: ada.key, stamp: said.at }, source).keys
  }
  expect(keysFor({})).toBe(kept)
  const others = [
    { text: 'else' },
    { name: 'else' },
    { relays: ['wss://else.example'] },
    { deadline: body.deadline + 1 },
  ]
  for (const change of others) expect(keysFor(change)).toBe(fresh)
})
