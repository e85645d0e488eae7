// Gift wraps made by nostr-tools, as any other program on Nostr may put them on a relay: honest ones and lies.
import { finalizeEvent, getEventHash, nip19, nip44 } from 'nostr-tools'
import { createSeal, createWrap } from 'nostr-tools/nip59'
import { loadIdentity } from '../../../src/io/home/identity.ts'
import { homeOf } from '../../../src/io/home/paths.ts'
import { callKeyIn } from '../call-key-of.ts'
import { openNostrClient } from '../nostr-client.ts'
import { expand } from './expectations.ts'
import type { Word } from './parse-story.ts'
import { findActor } from './scene.ts'
import { npubOf, type Stage } from './stage.ts'

const FORM =
  /^(?<from>\w+)(?: as (?<claims>\w+))? to (?<to>\w+) (?:(?<op>[a-z]+) in (?<call>[0-9a-f]{64}) seq (?<seq>\S+) prev (?<prev>\S+)|(?<letter>dm|reaction)(?: re (?<re>[0-9a-f]{64}))?)$/

/**
 * `wrap carol to bob dm 'hi'`: a plain NIP-17 message; `dm re $ID`: one that answers another; `reaction re $ID '+'`: NIP-25's. `wrap mallory as alice to bob message in $CALL seq 2 prev $CALL 'hi'`: a
 * rumor of that call, sealed with mallory's key, and with alice's name on it. Whoever has the key of the call seals with that.
 */
export async function publishWrap(stage: Stage, words: Word[]): Promise<void> {
  const text = expand(stage, words.at(-1))
  const form = FORM.exec(
    words
      .slice(0, -1)
      .map((word) => expand(stage, word))
      .join(' '),
  )?.groups
  if (form === undefined)
    throw new Error('wrap carol to bob dm "…", or: wrap mallory to bob message in $CALL seq 2 prev $CALL "…"')
  const { from = '', claims = from, to = '', op, call = '', seq = '', prev = '', letter, re } = form
  const { secret } = loadIdentity(homeOf(undefined, { HOME: named(stage, from).home }), {})
  const receiver = hexOf(stage, to)
  const numbers = [
    ['call-id', call],
    ['seq', seq],
    ['prev', prev],
    ['ack', '0'],
  ]
  const rumor = {
    kind: letter === 'reaction' ? 7 : op === undefined || op === 'message' ? 14 : 1410,
    created_at: Math.floor(Date.now() / 1000) + stage.ahead,
    tags: [
      ['p', receiver],
      ...(op === undefined ? [] : numbers),
      ...(re === undefined ? [] : [['e', re]]),
      ...(op === undefined || op === 'message' ? [] : [['op', op]]),
    ],
    content: text,
    pubkey: hexOf(stage, claims),
  }
  const whole = { ...rumor, id: getEventHash(rumor) }
  const callKey = op === undefined ? undefined : callKeyIn(named(stage, from).home, call)
  const content = callKey && nip44.encrypt(JSON.stringify(whole), callKey.key)
  const sealed =
    content === undefined
      ? createSeal(whole, secret, receiver)
      : finalizeEvent({ kind: 13, created_at: rumor.created_at, tags: [], content }, secret)
  const event = createWrap(sealed, receiver)
  for (const relay of stage.relays.values()) {
    const client = await openNostrClient(relay.url)
    const { accepted, reason } = await client.publish(event)
    client.socket.close()
    if (accepted !== true) throw new Error(`the relay refused it: ${reason}`)
  }
}

function hexOf(stage: Stage, name: string): string {
  const decoded = nip19.decode(npubOf(stage, named(stage, name)))
  if (decoded.type !== 'npub') throw new Error('no npub')
  return decoded.data
}

function named(stage: Stage, text: string) {
  return findActor(stage, { text, quoted: false })
}
