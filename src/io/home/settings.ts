// The one table of settings: every key of config.json with its default, its bounds and what it is for.
import {
  addressSetting,
  choiceSetting,
  commandSetting,
  flagSetting,
  npubSetting,
  numberSetting,
  relaysSetting,
  type Setting,
  safeUrlSetting,
  textSetting,
  textsSetting,
  wordSetting,
} from './setting-types.ts'

/**
 * Three relays of three operators, so that no one of them can cut an agent off: by the pubkeys of their NIP-11 documents as reported in
 * phantomyard/phantombot#359 (August 2026: nos.lol c5fadeb5…, the same as nostr.mom; relay.primal.net dd9b989d…) and by whose domain it is
 * (ditto.pub, of Soapbox). `npm run smoke -- --defaults` tries them.
 */
const THREE_OPERATORS = ['wss://nos.lol', 'wss://relay.primal.net', 'wss://relay.ditto.pub']

const TABLE = {
  name: textSetting(64, 'what others see you as'),
  about: textSetting(280, 'one line about you, shown in lists'),
  capabilities: textsSetting(20, 32, 'what you can be asked to do'),
  nip05: addressSetting('your NIP-05 name, which others can check at its domain'),
  'presence.every': numberSetting(
    2,
    30,
    2,
    'minutes between two announcements; you are in lists for 2.5 times as long',
  ),
  'presence.pow': numberSetting(0, 32, 0, 'proof of work (NIP-13 bits) that goes into each announcement'),
  'relays.presence': relaysSetting(THREE_OPERATORS, 'where you announce yourself and look for others'),
  'relays.inbox': relaysSetting(THREE_OPERATORS, 'where others leave what is for you'),
  'relays.lookup': relaysSetting(
    ['wss://purplepag.es'],
    'where the inbox relays of others are looked up, besides the ones above',
  ),
  'relays.allowPrivate': flagSetting('contact relays in private networks that peers name'),
  'owner.npub': npubSetting('your owner on Nostr: told of escalations, and obeyed'),
  'owner.webhook': safeUrlSetting('an address that escalations are posted to'),
  'owner.command': commandSetting('a program that is run for an escalation'),
  'owner.openclaw.channel': wordSetting('the OpenClaw channel of your owner (telegram, slack, …)'),
  'owner.openclaw.target': wordSetting('the address of your owner in that channel'),
  'owner.openclaw.account': wordSetting('the OpenClaw account to send with'),
  'policy.calls': choiceSetting(['anyone', 'contacts', 'nobody'], 'anyone', 'who may call you'),
  'policy.autoAnswer': choiceSetting(['nobody', 'trusted'], 'nobody', 'whose calls are answered without asking'),
  'policy.silent': flagSetting('leave calls that the policy refuses without an answer'),
  'policy.pow': numberSetting(0, 32, 0, 'proof of work (NIP-13 bits) that strangers need to call you'),
  'policy.presencePow': numberSetting(0, 32, 0, 'proof of work without which strangers are left out of your lists'),
  'receipts.read': flagSetting('tell others that you have looked', true),
  'call.ring': numberSetting(10, 86_400, 900, 'seconds that your calls ring'),
  'call.maxMessages': numberSetting(1, 1_000_000, 500, 'messages from which on you are told that a call is long'),
  'transcript.keep': numberSetting(
    0,
    36_500,
    0,
    'days after which a call that is over is deleted, its transcript and files with it; 0: not before `forget`',
  ),
  'hook.command': commandSetting('a program that announce and wait run when something came in'),
  'hook.unknown': flagSetting('run it for strangers too'),
  'file.inlineMax': numberSetting(0, 16_777_216, 262_144, 'bytes up to which a file is sent through relays'),
  'file.server': safeUrlSetting('the Blossom server for larger files'),
  'file.fetchMax': numberSetting(0, 100_000_000_000, 268_435_456, 'bytes up to which a file is fetched from a server'),
  'file.allowPrivate': flagSetting('fetch files from private networks'),
} as const

export type SettingKey = keyof typeof TABLE

/** The type of each setting's value. */
export type SettingValues = { readonly [K in SettingKey]: (typeof TABLE)[K] extends Setting<infer T> ? T : never }

export const SETTINGS: { readonly [K in SettingKey]: Setting<SettingValues[K]> } = TABLE

/** All keys in the order of the table. */
export const SETTING_KEYS: readonly SettingKey[] = Object.keys(SETTINGS).filter(isSettingKey)

/** Whether a text is the key of a setting. Own keys only: "constructor" and "__proto__" come with every object. */
export function isSettingKey(text: string): text is SettingKey {
  return Object.hasOwn(SETTINGS, text)
}

/** At most three keys that a mistyped one may have meant, the closest first. */
export function similarKeys(text: string): SettingKey[] {
  const wanted = text.slice(0, 64).toLowerCase()
  const last = (key: string) => key.slice(key.lastIndexOf('.') + 1)
  const distanceTo = (key: SettingKey) => {
    const lower = key.toLowerCase()
    if (lower.startsWith(`${wanted}.`) || last(lower) === last(wanted)) return 1
    return distance(lower, wanted)
  }
  return SETTING_KEYS.map((key) => ({ key, by: distanceTo(key) }))
    .filter(({ by }) => by <= Math.max(2, wanted.length / 3))
    .sort((a, b) => a.by - b.by)
    .slice(0, 3)
    .map(({ key }) => key)
}

// Levenshtein distance: how many letters are changed, added or left out.
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
