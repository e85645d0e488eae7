// The one table of settings: every key of config.json with its preset, its bounds and what it is for.
import { choice, command, flag, npub, relays, type Setting, safeUrl, text, texts, whole, word } from './setting.ts'

const TABLE = {
  name: text(64, 'what others see you as'),
  about: text(280, 'one line about you, shown in lists'),
  capabilities: texts(20, 32, 'what you can be asked to do'),
  'relays.presence': relays(
    ['wss://nos.lol', 'wss://relay.primal.net', 'wss://nostr.mom'],
    'where you announce yourself and look for others',
  ),
  'relays.inbox': relays(
    ['wss://nos.lol', 'wss://relay.primal.net', 'wss://relay.ditto.pub'],
    'where others leave what is for you',
  ),
  'relays.lookup': relays(
    ['wss://purplepag.es'],
    'where the inbox relays of others are looked up, besides the ones above',
  ),
  'relays.allowPrivate': flag('contact relays in private networks that peers name'),
  'owner.npub': npub('your owner on Nostr: told of escalations, and obeyed'),
  'owner.webhook': safeUrl('an address that escalations are posted to'),
  'owner.command': command('a program that is run for an escalation'),
  'owner.openclaw.channel': word('the OpenClaw channel of your owner (telegram, slack, …)'),
  'owner.openclaw.target': word('the address of your owner in that channel'),
  'owner.openclaw.account': word('the OpenClaw account to send with'),
  'policy.calls': choice(['anyone', 'contacts', 'nobody'], 'anyone', 'who may call you'),
  'policy.autoAnswer': choice(['nobody', 'trusted'], 'nobody', 'whose calls are answered without asking'),
  'policy.silent': flag('leave calls that the policy refuses without an answer'),
  'policy.pow': whole(0, 32, 0, 'proof of work (NIP-13 bits) that strangers need to call you'),
  'call.ring': whole(10, 86_400, 900, 'seconds that your calls ring'),
  'call.maxMessages': whole(1, 1_000_000, 500, 'messages from which on you are told that a call is long'),
  'hook.command': command('a program that is run by announce when something came in'),
  'hook.unknown': flag('run it for strangers too'),
  'file.inlineMax': whole(0, 16_777_216, 262_144, 'bytes up to which a file is sent through relays'),
  'file.server': safeUrl('the Blossom server for larger files'),
  'file.fetchMax': whole(0, 100_000_000_000, 268_435_456, 'bytes up to which a file is fetched from a server'),
  'file.allowPrivate': flag('fetch files from private networks'),
} as const

export type Key = keyof typeof TABLE

/** What each key's value is. */
export type Values = { readonly [K in Key]: (typeof TABLE)[K] extends Setting<infer T> ? T : never }

export const SETTINGS: { readonly [K in Key]: Setting<Values[K]> } = TABLE

/** All keys in the order of the table. */
export const KEYS: readonly Key[] = Object.keys(SETTINGS).filter(isKey)

/** Whether a text is a key. Own keys only: "constructor" and "__proto__" come with every object. */
export function isKey(text: string): text is Key {
  return Object.hasOwn(SETTINGS, text)
}

/** The up to three keys that a mistyped one may have meant, the closest first. */
export function closeKeys(text: string): Key[] {
  const wanted = text.slice(0, 64).toLowerCase()
  const last = (key: string) => key.slice(key.lastIndexOf('.') + 1)
  const far = (key: Key) => {
    const lower = key.toLowerCase()
    if (lower.startsWith(`${wanted}.`) || last(lower) === last(wanted)) return 1
    return distance(lower, wanted)
  }
  return KEYS.map((key) => ({ key, by: far(key) }))
    .filter(({ by }) => by <= Math.max(2, wanted.length / 3))
    .sort((a, b) => a.by - b.by)
    .slice(0, 3)
    .map(({ key }) => key)
}

// Levenshtein: how many letters to change, add or leave out.
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const changed = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
