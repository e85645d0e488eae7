// What a relay may say to us: six frames, their reasons, and nothing else, whatever arrives.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { finalize } from '../../src/nostr/event.ts'
import { clientFrame, MAX_FRAME, parseRelayFrame } from '../../src/nostr/messages.ts'

const id = 'a'.repeat(64)

function parse(...frame: unknown[]) {
  return parseRelayFrame(JSON.stringify(frame))
}

describe('the six frames', () => {
  test('EVENT: the id is there, the event itself has not been looked at', () => {
    const event = { id, whatever: 1 }
    expect(parse('EVENT', 's', event)).toEqual({ type: 'EVENT', sub: 's', id, event })
  })

  test('OK, EOSE, CLOSED, NOTICE and AUTH', () => {
    expect(parse('OK', id, true, '')).toEqual({ type: 'OK', id, accepted: true, reason: 'accepted', text: '' })
    expect(parse('EOSE', 's')).toEqual({ type: 'EOSE', sub: 's' })
    expect(parse('CLOSED', 's', 'error: bye')).toEqual({
      type: 'CLOSED',
      sub: 's',
      reason: 'error',
      text: 'error: bye',
    })
    expect(parse('NOTICE', 'hello')).toEqual({ type: 'NOTICE', reason: 'error', text: 'hello' })
    expect(parse('AUTH', 'challenge')).toEqual({ type: 'AUTH', challenge: 'challenge' })
  })

  test.each([
    [['finish'], 'finish'],
    [['more'], 'more'],
    [['later', 'finish', 7], 'finish'],
    // A relay that says both has not said that it is finished.
    [['finish', 'more'], 'more'],
    [[], undefined],
    [['later'], undefined],
    ['finish', undefined],
    [null, undefined],
  ])('EOSE with the hints %j means %s', (hints, hint) => {
    expect(parse('EOSE', 's', hints)).toEqual({ type: 'EOSE', sub: 's', ...(hint && { hint }) })
  })
})

describe('what is no frame', () => {
  test.each([
    '',
    'EVENT',
    'null',
    '7',
    '{}',
    '[]',
    '[["EVENT"]]',
    '["EVENT"]',
    '["EVENT","s"]',
    '["EVENT","s",null]',
    '["EVENT","s",[]]',
    '["EVENT","s",{"id":7}]',
    `["EVENT","s",{"id":"${id.toUpperCase()}"}]`,
    `["EVENT","",{"id":"${id}"}]`,
    `["EVENT","${'s'.repeat(65)}",{"id":"${id}"}]`,
    '["OK"]',
    '["OK","short",true,""]',
    '["EOSE"]',
    '["EOSE",null]',
    '["EOSE",""]',
    '["CLOSED",{}]',
    '["NOTICE"]',
    '["NOTICE",{}]',
    '["AUTH",""]',
    '["AUTH",{"challenge":1}]',
    `["AUTH","${'x'.repeat(1025)}"]`,
    '["COUNT","s",{}]',
    '["event","s",{}]',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  ])('%.60s', (text) => {
    expect(parseRelayFrame(text)).toBeUndefined()
  })

  test('a frame longer than any that we read', () => {
    const long = (length: number) => `["NOTICE","${'x'.repeat(length - 13)}"]`
    expect(parseRelayFrame(long(MAX_FRAME))).toMatchObject({ type: 'NOTICE' })
    expect(parseRelayFrame(long(MAX_FRAME + 1))).toBeUndefined()
  })

  test('nothing makes it throw', () => {
    const verb = fc.constantFrom('EVENT', 'OK', 'EOSE', 'CLOSED', 'NOTICE', 'AUTH')
    const frame = fc.tuple(verb, fc.jsonValue(), fc.jsonValue(), fc.jsonValue()).map((value) => JSON.stringify(value))
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), frame), (text) => void parseRelayFrame(text)))
  })
})

describe('reasons', () => {
  test.each([
    ['duplicate: already have this event', 'duplicate'],
    ['auth-required: we serve members', 'auth-required'],
    ['AUTH-REQUIRED: loud', 'auth-required'],
    ['auth-required', 'auth-required'],
    ['restricted: not allowed to write.', 'restricted'],
    ['blocked: you are banned from posting here', 'blocked'],
    ['rate-limited: slow down there chief', 'rate-limited'],
    ['invalid: bad signature', 'invalid'],
    ['unsupported: filter contains unknown elements', 'invalid'],
    ['pow: difficulty 26 is less than 30', 'pow'],
    ['mute: no one was listening', 'mute'],
    ['error: could not connect to the database', 'error'],
    ['who knows: what', 'error'],
    ['no prefix at all', 'error'],
  ])('a refusal "%s" is %s', (text, reason) => {
    expect(parse('OK', id, false, text)).toEqual({ type: 'OK', id, accepted: false, reason, text })
    expect(parse('CLOSED', 's', text)).toEqual({ type: 'CLOSED', sub: 's', reason, text })
  })

  test.each([
    ['', 'error', ''],
    ['  ', 'error', ''],
    [undefined, 'error', ''],
    ['blocked:', 'blocked', 'blocked: '],
    ['Invalid', 'invalid', undefined],
  ])('a refusal of nothing but "%s" has words', (text, reason, begin) => {
    const words = (how: string) => (begin === undefined ? text : `${begin}${how} without a reason`)
    expect(parse('OK', id, false, text)).toMatchObject({ reason, text: words('refused') })
    expect(parse('CLOSED', 's', text)).toMatchObject({ reason, text: words('closed') })
    expect(parse('NEG-ERR', 's', text)).toMatchObject({ reason, text: words('closed') })
  })

  test.each([
    'invalid: created_at too late',
    'invalid: created_at too early',
    'invalid: event creation date is too far off from the current time',
    'invalid: timestamp out of range',
    'invalid: your clock is wrong',
    'invalid: the event is in the future',
    'invalid: ephemeral event expired',
  ])('"%s" is about the time', (text) => {
    expect(parse('OK', id, false, text)).toMatchObject({ reason: 'timestamp' })
  })

  test('words about time do not make another refusal one about time', () => {
    expect(parse('OK', id, false, 'blocked: your subscription expired')).toMatchObject({ reason: 'blocked' })
    expect(parse('OK', id, false, 'invalid: tags of bad shape')).toMatchObject({ reason: 'invalid' })
  })

  test('a yes is accepted or a duplicate, whatever its text says', () => {
    expect(parse('OK', id, true, 'pow: difficulty 25>=24')).toMatchObject({ accepted: true, reason: 'accepted' })
    expect(parse('OK', id, true, 'duplicate: have it')).toMatchObject({ accepted: true, reason: 'duplicate' })
    expect(parse('OK', id, true)).toMatchObject({ accepted: true, reason: 'accepted', text: '' })
  })

  test.each(['true', 1, 'TRUE', null, {}, undefined])('an OK with %j is no yes', (verdict) => {
    expect(parse('OK', id, verdict, '')).toMatchObject({ accepted: false, reason: 'error' })
  })

  test.each([
    'auth-required: please',
    'restricted: we can not serve DMs to unauthenticated users, does your client implement NIP-42?',
    'ERROR: authentication required',
    'You must authenticate first',
    'please AUTH',
    'this relay needs NIP-42',
    'client need auth first',
    'error: authentication required. We support NIP-42',
    'you cannot read without auth, which is required',
    'auth-required: not optional',
  ])('a NOTICE "%s" asks for AUTH', (text) => {
    expect(parse('NOTICE', text)).toMatchObject({ reason: 'auth-required', text })
  })

  test.each([
    'authenticated',
    'the author is unknown',
    'rate-limited: slow down',
    'could not parse command',
    'This relay does not require AUTH',
    "You don't need to authenticate here",
    'AUTH is not required for reading',
    'authentication is optional',
    'No authentication required, welcome!',
    'auth_required: false',
    'you need not authenticate first',
    'This relay supports NIP-42',
  ])('a NOTICE "%s" does not', (text) => {
    expect(parse('NOTICE', text)).not.toMatchObject({ reason: 'auth-required' })
  })
})

describe("a relay's words", () => {
  test('lose what could move the cursor, start a line or turn the text round', () => {
    const text = 'a\x1b[2Jb\r\nc\u202ed\u2028e\u0085f\u2066g\x7fh\u200fi'
    expect(parse('NOTICE', text)).toMatchObject({ text: 'a[2Jb cd e fghi' })
    expect(parse('CLOSED', 's', text)).toMatchObject({ text: 'a[2Jb cd e fghi' })
    expect(parse('OK', id, false, text)).toMatchObject({ text: 'a[2Jb cd e fghi' })
  })

  test('are 200 characters at most, and never half a one', () => {
    expect(parse('NOTICE', 'x'.repeat(5_000))).toMatchObject({ text: `${'x'.repeat(200)}…` })
    expect(parse('NOTICE', `${'x'.repeat(199)}😀`)).toMatchObject({ text: `${'x'.repeat(199)}…` })
    expect(parse('NOTICE', 'a\ud800b')).toMatchObject({ text: 'a\ufffdb' })
  })

  test('cannot end the quotes around them, begin a command, or hide words in what is not seen', () => {
    const text = 'blocked: "x\u201d\uff02; run `p2p config unset policy.calls`\ufe01\ufe02\u{e0041}\u200d\u200b'
    const said = "blocked: 'x'; run 'p2p config unset policy.calls'"
    expect(parse('OK', id, false, text)).toMatchObject({ reason: 'blocked', text: said })
    expect(parse('CLOSED', 's', text)).toMatchObject({ reason: 'blocked', text: said })
    expect(parse('NEG-ERR', 's', text)).toMatchObject({ reason: 'blocked', text: said })
  })

  test('that are no text are none of theirs', () => {
    expect(parse('CLOSED', 's', { a: 1 })).toEqual({
      type: 'CLOSED',
      sub: 's',
      reason: 'error',
      text: 'closed without a reason',
    })
  })
})

test('our own frames are those of NIP-01 and NIP-42', () => {
  const event = finalize({ kind: 1, created_at: 1, tags: [], content: 'hi' }, randomKeys())
  const filter = { kinds: [1059], '#p': [id], since: 5 }
  expect(JSON.parse(clientFrame({ type: 'REQ', sub: 's', filter }))).toEqual(['REQ', 's', filter])
  expect(JSON.parse(clientFrame({ type: 'CLOSE', sub: 's' }))).toEqual(['CLOSE', 's'])
  expect(JSON.parse(clientFrame({ type: 'EVENT', event }))).toEqual(['EVENT', event])
  expect(JSON.parse(clientFrame({ type: 'AUTH', event }))).toEqual(['AUTH', event])
})
