// What names an agent or a call, while a stranger calls itself just so.
import { isSameName, nameMatcher } from '../../src/call/name.ts'
import { resolveSelector } from '../../src/call/selector.ts'
import { Failure } from '../../src/errors.ts'
import { npubEncode } from '../../src/nostr/nip19.ts'
import { spoiledText } from './mutate.ts'
import { KEYS } from './samples.ts'
import { faultOf, target } from './target.ts'

const bob = 'b95a743835356a978762fe7ab5c6832d6587f11bd2164b3b321a32a516472155'
const mallory = '1'.repeat(64)
const CALL = 'deadbeef'.padEnd(64, '0')
const PETNAMES = ['bob', 'José', 'facade', 'deadbee']
const WORDS = [
  ...KEYS,
  ...PETNAMES,
  bob,
  npubEncode(bob),
  `nostr:${npubEncode(bob)}`,
  CALL,
  CALL.slice(0, 9),
  'a@b.example',
]

const selectors = target(
  'selectors',
  10,
  (chance) => spoiledText(chance, WORDS),
  (word) => {
    const petnames = PETNAMES.map((name) => ({ pubkey: bob, name }))
    const claimed = [{ pubkey: mallory, name: word }]
    const meant = resolveSelector(word, { petnames, calls: { [CALL]: { peer: bob } }, calledBefore: [], claimed })
    const isStranger = !(meant instanceof Failure) && 'pubkey' in meant && meant.pubkey === mallory
    return faultOf({
      'a petname is no stranger’s': !isStranger || !PETNAMES.some(nameMatcher(word).alike),
      'a key is no stranger’s': !isStranger || !/^\s*(nostr:)?n(pub|profile|sec)1|^\s*[0-9a-f]{8,64}\s*$/i.test(word),
      'a name is like itself': isSameName(word, word) && nameMatcher(word).alike(word),
    })
  },
)

export const selectorTargets = [selectors]
