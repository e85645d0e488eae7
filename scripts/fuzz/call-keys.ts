// Fuzzes call keys, as a stranger sends them and as a disk damages them: a call that counts as secret must be secret.
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseSignal } from '../../src/call/signal-codec.ts'
import { callKeyPath, readCallKey } from '../../src/io/store/call-keys.ts'
import { bindCall, type CallKey, deriveCallKey, ekFault } from '../../src/nostr/call-key.ts'
import { isPubkey, type Keys, keysFrom, toHex } from '../../src/nostr/crypto.ts'
import { finalize, parseRumor, type Rumor, rumorOf, tags } from '../../src/nostr/event.ts'
import { conversationKey, encrypt } from '../../src/nostr/nip44.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { keyringOf } from '../../test/support/call-pair.ts'
import vectors from '../../test/vectors/protocol.json' with { type: 'json' }
import { fileText, withFuzzHome } from './home-files.ts'
import { NASTY, spoiledJson, spoiledText } from './mutate.ts'
import type { SeededChoices } from './random.ts'
import { agents, mustBe, NOW, stranger } from './samples.ts'
import { type Fault, faultOf, target } from './target.ts'

const { caller, callee } = agents
const data = vectors.callKeys
const { binding } = data
const eks = { caller: keysOf(data.callKeys.caller.secret), callee: keysOf(data.callKeys.callee.secret) }
const [request, accept] = [0, 1].map((n) => mustBe(parseRumor(data.signals[n]?.rumor)))
const message = mustBe(parseRumor(data.signals[2]?.rumor))

/** What somebody may send as a call key: good ones, other people's, and what is no key. */
const WORDS: readonly string[] = [
  ...[binding.callerEk, binding.calleeEk, binding.callerEk.toUpperCase(), `02${binding.callerEk}`],
  ...[caller.pubkey, callee.pubkey, stranger.pubkey, 'f'.repeat(64), '0'.repeat(64), `${binding.calleeEk} `],
  ...[`${binding.callerEk}${binding.callerEk}`, binding.calleeEk.slice(1), ''],
]

const ekValues = (chance: SeededChoices): string[] =>
  Array.from({ length: chance.pick([0, 1, 1, 1, 1, 2, 3]) }, () =>
    chance.often(70) ? chance.pick(WORDS) : spoiledText(chance, [...WORDS, ...NASTY]),
  )

const signalsWithKeys = target(
  'ek',
  60,
  (chance) => ({ requestEks: ekValues(chance), acceptEks: ekValues(chance) }),
  (sent): Fault => {
    const sides = { call: binding.call, caller: caller.pubkey, callee: callee.pubkey }
    const bound = bindCall({ ...sides, ...sent })
    // Read from the two rumors, the keys are the same as in their tags.
    const read = [mustBe(request), mustBe(accept)].map((rumor, n) =>
      ekIn(withEks(rumor, n === 0 ? sent.requestEks : sent.acceptEks)),
    )
    const same = bindCall({ ...sides, requestEks: read[0] ?? [], acceptEks: read[1] ?? [] })
    if (JSON.stringify(same.sealedWith) !== JSON.stringify(bound.sealedWith)) return 'it is not read as it is sent'
    if (bound.sealedWith === 'identity') return faultOf({ 'it says why': Object.keys(bound.faults).length > 0 })
    const { callerEk, calleeEk } = bound.binding
    const own = [eks.caller, eks.callee].find(({ pubkey }) => pubkey === callerEk)
    const key = own && deriveCallKey(own, bound.binding, caller.pubkey)
    return faultOf({
      'each side has sent one key': sent.requestEks.join() === callerEk && sent.acceptEks.join() === calleeEk,
      'both are points': isPubkey(callerEk) && isPubkey(calleeEk),
      'all four are different': new Set([callerEk, calleeEk, caller.pubkey, callee.pubkey]).size === 4,
      'whoever has the secret has the key': own === undefined || key?.key.length === 32,
      'nobody has it with an identity': [caller, callee].every(
        (identity) => deriveCallKey(identity, bound.binding, identity.pubkey) === undefined,
      ),
    })
  },
)

// "Changed later": another accept, with another key, opens nothing of what was said under the first.
const changed = target(
  'another ek',
  8,
  (chance) => [...chance.bytes(32)],
  (secret): Fault => {
    const other = keysFrom(Uint8Array.from(secret))
    if (other === undefined || ekFault([other.pubkey], [caller.pubkey, callee.pubkey]) !== undefined) return undefined
    const later = deriveCallKey(other, { ...binding, calleeEk: other.pubkey }, callee.pubkey)
    const opened = later && unwrap(around(message, mustBe(sideOf('caller')).key), callee, keyringOf([later]))
    return opened?.ok === true && opened.key === 'call' ? 'what was said under one key opens with another' : undefined
  },
)

type Envelope = { rumor: unknown; under: 'call' | 'identity' | 'other'; by: 'peer' | 'stranger' }

const seals = target(
  'call seals',
  10,
  (chance): Envelope => ({
    rumor: chance.often(60) ? spoiledJson(chance, message) : withCallId(chance),
    under: chance.pick(['call', 'call', 'identity', 'other'] as const),
    by: chance.often(80) ? 'peer' : 'stranger',
  }),
  ({ rumor, under, by }): Fault => {
    const author = by === 'peer' ? caller : stranger
    const ours = mustBe(sideOf('callee'))
    const key =
      under === 'call'
        ? ours.key
        : under === 'other'
          ? OTHER.key
          : mustBe(conversationKey(author.secret, callee.pubkey))
    const opened = unwrap(around(rumor, key, author), callee, keyringOf([ours, OTHER]))
    if (!opened.ok) return undefined
    return faultOf({
      'its author sealed it': opened.from === author.pubkey && opened.rumor.pubkey === author.pubkey,
      'it says with which key': opened.key === (under === 'identity' ? 'identity' : 'call'),
      'a stranger has no call key': opened.key === 'identity' || by === 'peer',
      'it belongs to the call of the key':
        opened.key === 'identity' ||
        JSON.stringify(tags(opened.rumor, 'call-id').map((t) => t[1])) === JSON.stringify([opened.call]),
    })
  },
)

const FILE = { version: 1, call: binding.call, secretKey: toHex(eks.caller.secret), pubkey: eks.caller.pubkey }

const files = target(
  'call key files',
  5,
  (chance) => fileText(chance, FILE),
  (content) =>
    withFuzzHome(
      (home) => {
        mkdirSync(home.calls, { recursive: true })
        writeFileSync(callKeyPath(home, binding.call), content, { mode: 0o600 })
        const read = readCallKey(home, binding.call)
        if (read === 'damaged' || read === undefined) return undefined
        return faultOf({ 'it is the key that was kept': keysFrom(read.secret)?.pubkey === read.pubkey })
      },
      [toHex(eks.caller.secret).slice(0, 32)],
    ),
)

/** A call key of the same two for another call. */
const OTHER: CallKey = { call: 'ab'.repeat(32), peer: caller.pubkey, key: new Uint8Array(32).fill(9) }

function sideOf(side: 'caller' | 'callee'): CallKey | undefined {
  return deriveCallKey(eks[side], binding, agents[side].pubkey)
}

function withEks(rumor: Rumor, values: readonly string[]): Rumor {
  const own = rumor.tags.filter(([name]) => name !== 'ek')
  return rumorOf({ ...rumor, tags: [...own, ...values.map((value) => ['ek', value])] }, rumor.pubkey)
}

function ekIn(rumor: Rumor): readonly string[] {
  const body = parseSignal(rumor)?.body
  return body?.type === 'request' || body?.type === 'accept' ? (body.ek ?? []) : ['not read']
}

// With the call-ids of other calls, several ones, or none.
function withCallId(chance: SeededChoices): Rumor {
  const ids = Array.from({ length: chance.int(3) }, () => chance.pick([binding.call, OTHER.call, ...NASTY]))
  const others = message.tags.filter(([name]) => name !== 'call-id')
  return rumorOf({ ...message, tags: [...ids.map((id) => ['call-id', id]), ...others] }, message.pubkey)
}

function around(rumor: unknown, key: Uint8Array, author: Keys = caller) {
  const nonce = Buffer.alloc(32, 5)
  const said = JSON.stringify(rumor) ?? '?'
  const content = encrypt(Buffer.byteLength(said) > 60_000 ? '?' : said, key, nonce)
  const sealed = finalize({ kind: 13, created_at: NOW, tags: [], content }, author)
  const outside = mustBe(conversationKey(stranger.secret, callee.pubkey))
  const inner = encrypt(JSON.stringify(sealed), outside, nonce)
  return {
    ...rumorOf({ kind: 1059, created_at: NOW, tags: [['p', callee.pubkey]], content: inner }, stranger.pubkey),
    sig: '',
  }
}

function keysOf(secret: string): Keys {
  return mustBe(keysFrom(Buffer.from(secret, 'hex')))
}

export const callKeyTargets = [signalsWithKeys, changed, seals, files]
