// A call with keys of its own, step by step: what another implementation must compute, what is no call key, and what is dropped.
import {
  bindCall,
  CALL_KEY_LABEL,
  type CallBinding,
  type CallKey,
  callSalt,
  deriveCallKey,
} from '../../src/nostr/call-key.ts'
import { type Keys, sharedX, toHex } from '../../src/nostr/crypto.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { RETENTION, seal, wrap } from '../../src/nostr/nip59.ts'
import { agents, NOW } from './call.ts'
import { downgrades, ekCases, foreignWraps } from './call-key-forgeries.ts'
import { keysOf, seededBytes } from './seeded-bytes.ts'

const { caller, callee } = agents
const eks = { caller: keysOf('p2p-comm caller ek'), callee: keysOf('p2p-comm callee ek') }

/** Everything about call keys that the vectors hold, as data. */
export function callKeyVectors() {
  const { request, accept, binding } = introduced('API review', eks)
  const keys = sidesOf(binding, eks)
  const message = said(
    caller,
    14,
    [
      ['call-id', request.id],
      ['seq', '2'],
      ['prev', request.id],
      ['ack', '1', accept.id],
    ],
    'Is v2 final?',
  )
  const reply = said(
    callee,
    14,
    [
      ['call-id', request.id],
      ['seq', '2'],
      ['prev', accept.id],
      ['ack', '2', message.id],
    ],
    'Almost.',
  )
  return {
    label: CALL_KEY_LABEL,
    callKeys: {
      caller: { secret: toHex(eks.caller.secret), ek: eks.caller.pubkey },
      callee: { secret: toHex(eks.callee.secret), ek: eks.callee.pubkey },
    },
    binding,
    ecdhX: toHex(must(sharedX(eks.caller.secret, eks.callee.pubkey))),
    salt: toHex(must(callSalt(binding))),
    conversationKey: toHex(keys.caller.key),
    signals: [
      sealedStep(request, caller, undefined),
      sealedStep(accept, callee, undefined),
      sealedStep(message, caller, keys.caller),
      sealedStep(reply, callee, keys.callee),
    ],
    eks: ekCases(eks.caller.pubkey, eks.callee.pubkey),
    downgrades: downgrades(accept.created_at),
    invalid: invalidWraps(message, reply, keys),
  }
}

/** The steps of the derivation as a Markdown table, for docs/PROTOCOL.md. */
export function callKeyTable({
  callKeys,
  binding,
  ecdhX,
  salt,
  conversationKey,
}: ReturnType<typeof callKeyVectors>): string {
  const rows = [
    ["caller's call key", callKeys.caller.secret],
    ['its `ek`', callKeys.caller.ek],
    ["callee's call key", callKeys.callee.secret],
    ['its `ek`', callKeys.callee.ek],
    ['call-id', binding.call],
    ['x of ECDH', ecdhX],
    ['salt (176 bytes)', `${salt.slice(0, 64)}…`],
    ['conversation key', conversationKey],
  ]
  return ['| step | hex |', '|---|---|', ...rows.map(([step, hex]) => `| ${step} | \`${hex}\` |`)].join('\n')
}

type Pair = { caller: Keys; callee: Keys }

function introduced(topic: string, pair: Pair): { request: Rumor; accept: Rumor; binding: CallBinding } {
  const relay = ['relay', 'wss://relay.example']
  const request = said(
    caller,
    1410,
    [
      ['op', 'request'],
      ['seq', '1'],
      ['ack', '0'],
      ['expiration', String(NOW + 900)],
      ['name', 'ada'],
      relay,
      ['ek', pair.caller.pubkey],
    ],
    topic,
  )
  const accept = said(
    callee,
    1410,
    [
      ['op', 'accept'],
      ['call-id', request.id],
      ['seq', '1'],
      ['ack', '1', request.id],
      ['name', 'ben'],
      relay,
      ['ek', pair.callee.pubkey],
    ],
    'Sure.',
  )
  const bound = bindCall({
    ...{ call: request.id, caller: caller.pubkey, callee: callee.pubkey },
    ...{ requestEks: [pair.caller.pubkey], acceptEks: [pair.callee.pubkey] },
  })
  if (bound.sealedWith !== 'call') throw new Error('the call has no key')
  return { request, accept, binding: bound.binding }
}

function sidesOf(binding: CallBinding, pair: Pair): { caller: CallKey; callee: CallKey } {
  return {
    caller: must(deriveCallKey(pair.caller, binding, caller.pubkey)),
    callee: must(deriveCallKey(pair.callee, binding, callee.pubkey)),
  }
}

function said(author: Keys, kind: number, tags: string[][], content: string): Rumor {
  const to = author === caller ? callee : caller
  return rumorOf({ kind, created_at: NOW, tags: [['p', to.pubkey], ...tags], content }, author.pubkey)
}

// The random bytes of each layer are seeded, so that another implementation can make the same ones and get the same result.
function sealedStep(rumor: Rumor, author: Keys, callKey: CallKey | undefined) {
  const to = author === caller ? callee.pubkey : caller.pubkey
  const sealed = seal(rumor, author, to, { stamp: NOW - 3600, callKey }, seededBytes(`seal ${rumor.id}`))
  const options = { now: NOW, expiration: NOW + RETENTION, callKey }
  return {
    by: author === caller ? 'caller' : 'callee',
    sealedWith: callKey === undefined ? 'identity' : 'call',
    rumor,
    nonce: Buffer.from(sealed.content, 'base64').subarray(1, 33).toString('hex'),
    payload: sealed.content,
    seal: sealed,
    wrap: wrap(rumor, author, to, options, seededBytes(`wrap ${rumor.id}`)),
  }
}

/** Wraps for the callee, which has the keys of two calls, and what becomes of them. */
function invalidWraps(message: Rumor, reply: Rumor, { caller: ours, callee: theirs }: ReturnType<typeof sidesOf>) {
  const otherEks = { caller: keysOf('p2p-comm caller other ek'), callee: keysOf('p2p-comm callee other ek') }
  const { binding } = introduced('Another review', otherEks)
  const other = sidesOf(binding, otherEks).caller.key
  return {
    otherCall: {
      binding,
      callKeys: { caller: toHex(otherEks.caller.secret), callee: toHex(otherEks.callee.secret) },
    },
    wraps: foreignWraps({ message, reply, ours: ours.key, theirs: theirs.key, other }),
  }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a vector is missing')
  return value
}
