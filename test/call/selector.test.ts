// What a word means. The attacks: a stranger who calls itself by Bob's key, by his petname, or by a key's form, and whose call id
// was ground to begin with a petname of hex letters.
import { nprofileEncode } from 'nostr-tools/nip19'
import { describe, expect, test } from 'vitest'
import { type NamedKey, resolveSelector, type SelectorDirectory } from '../../src/call/selector.ts'
import { Failure } from '../../src/errors.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { npubEncode, nsecEncode } from '../../src/nostr/nip19.ts'

const keys = { bob: randomKeys(), mallory: randomKeys(), carol: randomKeys() }
const [bob, mallory, carol] = [keys.bob.pubkey, keys.mallory.pubkey, keys.carol.pubkey]

const ID = 'deadbeef'.padEnd(64, '0')
const TWIN = 'deadbeef'.padEnd(64, '1')
const named = (pubkey: string, ...names: string[]): NamedKey[] => names.map((name) => ({ pubkey, name }))

const nobody: SelectorDirectory = { petnames: [], calls: {}, calledBefore: [], claimed: [] }
const meaning = (word: string, known: Partial<SelectorDirectory> = {}) => {
  const found = resolveSelector(word, { ...nobody, ...known })
  return found instanceof Failure ? found.code : found
}
const agent = (pubkey: string, more = {}) => ({ type: 'agent', pubkey, relays: [], ...more })

describe('an exact key', () => {
  test.each([
    ['npub', npubEncode(bob)],
    ['with nostr: before it', `nostr:${npubEncode(bob)}`],
    ['hex', bob],
    ['capital hex', bob.toUpperCase()],
    ['between spaces', ` ${npubEncode(bob)} `],
  ])('%s', (_, word) => {
    const everybody = named(mallory, word, word.trim(), bob, npubEncode(bob))
    expect(meaning(word, { claimed: everybody, petnames: everybody, calledBefore: everybody })).toEqual(agent(bob))
  })

  test('an nprofile says where, too', () => {
    expect(meaning(nprofileEncode({ pubkey: bob, relays: ['wss://here.example'] }))).toMatchObject({
      pubkey: bob,
      relays: [expect.stringContaining('wss://here.example')],
    })
  })

  test.each([
    'npub1bob',
    'NPUB1BOB',
    `${npubEncode(bob).slice(0, 12)}…${npubEncode(bob).slice(-4)}`,
    npubEncode(bob).slice(0, -1),
    'f'.repeat(64),
    'nprofile1bob',
  ])('what only has its form leads to nobody: %s', (word) => {
    expect(meaning(word, { claimed: named(mallory, word) })).toBe('BAD_AGENT')
  })

  test.each([
    ['nprofile1bob', 'this nprofile is damaged: its checksum does not fit, or it holds no public key'],
    [npubEncode('f'.repeat(64)), 'this npub is damaged: its checksum does not fit, or it holds no public key'],
    ['nprofile1bob…k8j7', 'this nprofile is shortened: enough to tell agents apart, not to call one'],
  ])('that is none is said to be what it was: %s', (word, message) => {
    expect(resolveSelector(word, nobody)).toMatchObject({ code: 'BAD_AGENT', message })
  })

  test('a secret key is not repeated', () => {
    const secret = nsecEncode(keys.bob.secret)
    const refused = resolveSelector(secret, { ...nobody, claimed: named(mallory, secret) })
    expect(refused).toMatchObject({ code: 'BAD_AGENT' })
    expect(JSON.stringify([refused, String(refused)])).not.toContain(secret)
  })
})

describe('a petname', () => {
  test('goes before what others call themselves, and before ids that begin with it', () => {
    const known = {
      petnames: named(bob, 'deadbeef', 'Bob'),
      calls: { [ID]: { peer: mallory } },
      claimed: named(mallory, 'bob', 'deadbeef'),
      calledBefore: named(mallory, 'bob'),
    }
    expect(meaning('deadbeef', known)).toEqual(agent(bob))
    expect(meaning('BOB', known)).toEqual(agent(bob))
  })

  test('is found in the other normal form', () => {
    expect(meaning('Jose\u0301', { petnames: named(bob, 'Jos\u00e9') })).toEqual(agent(bob))
  })

  test('of two contacts is a tie', () => {
    const tie = resolveSelector('bob', { ...nobody, petnames: [...named(bob, 'bob'), ...named(carol, 'Bob')] })
    expect(tie).toMatchObject({ code: 'AGENT_AMBIGUOUS' })
    expect(String(tie)).toContain(npubEncode(bob))
    expect(String(tie)).toContain(npubEncode(carol))
  })

  test('that only looks like what was typed leads nowhere, least of all to who is called so', () => {
    const known = { petnames: named(bob, 'bob'), claimed: named(mallory, 'b\u043eb') }
    expect(meaning('b\u043eb', known)).toBe('AGENT_AMBIGUOUS')
    expect(meaning('bob', known)).toEqual(agent(bob))
  })
})

describe('the id of a call', () => {
  const calls = { [ID]: { peer: bob }, [TWIN]: { peer: mallory } }

  test('whole, or its beginning of 8 characters or more', () => {
    expect(meaning(ID, { calls })).toEqual({ type: 'call', id: ID, peer: bob })
    expect(meaning(ID.slice(0, 9), { calls })).toEqual({ type: 'call', id: ID, peer: bob })
    expect(meaning('DEADBEEF', { calls: { [ID]: { peer: bob } } })).toMatchObject({ id: ID })
  })

  test('that two begin with is a tie, whose candidates can be told apart', () => {
    const tie = String(resolveSelector('deadbeef', { ...nobody, calls }))
    expect(tie).toContain(ID)
    expect(tie).toContain(TWIN)
  })

  test.each(['deadbe', 'deadbee'])('is not named by %s, and that is nobody’s name then', (word) => {
    expect(meaning(word, { calls, claimed: named(mallory, word) })).toBe('NO_SUCH_CALL')
  })

  test('that is gone is nobody’s name', () => {
    expect(meaning('cafebabe', { calls, claimed: named(mallory, 'cafebabe') })).toBe('NO_SUCH_CALL')
    // Short, it is a word like another.
    expect(meaning('facade', { calls, claimed: named(carol, 'facade') })).toEqual(agent(carol, { claimed: 'facade' }))
  })
})

describe('a name that an agent gave itself', () => {
  test('leads to it when it is the only one', () => {
    expect(meaning('carol', { claimed: named(carol, 'Carol', 'carol') })).toEqual(agent(carol, { claimed: 'carol' }))
    expect(meaning('carol')).toEqual({ type: 'name', name: 'carol' })
  })

  test('of two agents is a tie', () => {
    const claimed = [...named(carol, 'carol'), ...named(mallory, 'Carol')]
    expect(meaning('carol', { claimed })).toBe('AGENT_AMBIGUOUS')
  })

  test('that has led to somebody leads to nobody else', () => {
    const known = { calledBefore: named(carol, 'Carol'), claimed: named(mallory, 'carol', 'c\u0430rol') }
    expect(meaning('carol', known)).toEqual(agent(carol, { claimed: 'carol' }))
    // In look-alike letters neither.
    expect(meaning('c\u0430rol', known)).toBe('AGENT_AMBIGUOUS')
    // Until our owner says otherwise.
    expect(meaning('carol', { ...known, petnames: named(mallory, 'carol') })).toEqual(agent(mallory))
  })

  test('that looks like one of somebody else leads nowhere', () => {
    expect(meaning('car0l', { claimed: [...named(carol, 'carol'), ...named(mallory, 'car0l')] })).toBe(
      'AGENT_AMBIGUOUS',
    )
  })

  test.each(['bob@example.com', 'example.com'])('is not the address %s', (word) => {
    expect(meaning(word, { claimed: named(mallory, word) })).toMatchObject({ type: 'address' })
  })
})

test('nothing is no agent', () => {
  expect(meaning('  ')).toBe('BAD_AGENT')
})
