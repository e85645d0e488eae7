// The kinds of settings: what config.json may hold, and how it is typed on a command line.

import { type Decoder, finite, flag, list, oneOf, parseJson, text, where } from '../../json.ts'
import { parseAddress } from '../../nostr/nip05.ts'
import { decodeNip19, npubEncode } from '../../nostr/nip19.ts'
import { isLoopback, relayUrl } from '../../nostr/relay-url.ts'

/**
 * One setting. `check` gives a JSON value in its proper shape, undefined where it is none that the setting takes. `typed` makes a JSON
 * value of the words on a command line; `check` judges that afterwards.
 */
export type Setting<T> = {
  readonly defaultValue: T
  readonly describe: string
  readonly expects: string
  readonly check: Decoder<T>
  typed(values: readonly string[]): unknown
}

/** Text on one line. @param maxLength most Unicode code points */
export function textSetting(maxLength: number, describe: string): Setting<string> {
  const check = where(line, (value) => [...value].length <= maxLength)
  return {
    defaultValue: '',
    describe,
    expects: `text of at most ${maxLength} characters on one line`,
    check,
    typed: joinWords,
  }
}

/** Several words. @param maxCount how many @param each most code points of one */
export function textsSetting(maxCount: number, each: number, describe: string): Setting<readonly string[]> {
  const words = list(
    where(line, (word) => word !== '' && [...word].length <= each),
    maxCount,
  )
  const expects = `at most ${maxCount} words of at most ${each} characters, with commas between them`
  return { defaultValue: [], describe, expects, check: (value) => withoutRepeats(words(value)), typed: parseList }
}

/** Relay addresses, each in its one spelling. An empty list is refused: it would cut the agent off. */
export function relaysSetting(defaultValue: readonly string[], describe: string): Setting<readonly string[]> {
  const urls = list((value) => relayUrl(text(value) ?? ''), 20)
  const check = (value: unknown) => {
    const known = withoutRepeats(urls(value))
    return known?.length === 0 ? undefined : known
  }
  return {
    defaultValue,
    describe,
    expects: '1 to 20 wss:// or ws:// addresses, with commas between them',
    check,
    typed: parseList,
  }
}

/** One of a few words. */
export function choiceSetting<const C extends string>(
  choices: readonly C[],
  defaultValue: NoInfer<C>,
  describe: string,
): Setting<C> {
  const check = oneOf(...choices)
  return { defaultValue, describe, expects: choices.join(', '), check, typed: joinWords }
}

/** On or off, in the words that people type for it. */
export function flagSetting(describe: string, defaultValue = false): Setting<boolean> {
  const words = new Map([
    ['true', true],
    ['on', true],
    ['yes', true],
    ['false', false],
    ['off', false],
    ['no', false],
  ])
  return {
    defaultValue,
    describe,
    expects: 'true or false',
    check: flag,
    typed: (values) => words.get(joinWords(values).toLowerCase()),
  }
}

/** A whole number from `min` to `max`, both included. */
export function numberSetting(min: number, max: number, defaultValue: number, describe: string): Setting<number> {
  const check = where(finite, (value) => Number.isInteger(value) && value >= min && value <= max)
  const typed = (values: readonly string[]) =>
    /^\d{1,12}$/.test(joinWords(values)) ? Number(joinWords(values)) : undefined
  return { defaultValue, describe, expects: `a whole number from ${min} to ${max}`, check, typed }
}

/** A command as a list of its words, run without a shell. It is typed as one JSON list, or as one value for each word. */
export function commandSetting(describe: string): Setting<readonly string[]> {
  const check = list(
    where(text, (word) => !word.includes('\0')),
    50,
  )
  const typed = (values: readonly string[]) =>
    values.length === 1 && isList(values[0]) ? parseJson(values[0]) : values
  const expects = 'a program and its arguments, each a value of its own, or one JSON list'
  return { defaultValue: [], describe, expects, check: (value) => withProgram(check(value)), typed }
}

/** An address that secrets are sent to: https://, or http:// to this machine, where nobody can listen on the way. */
export function safeUrlSetting(describe: string): Setting<string | undefined> {
  const expects = 'an address that begins with https://; http:// leads to this machine (localhost, 127.0.0.1) only'
  const check = where(text, (value) => value.length <= 2048 && URL.canParse(value) && isSafe(new URL(value)))
  return { defaultValue: undefined, describe, expects, check, typed: joinWords }
}

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

/** A NIP-05 name: name@domain, or a domain alone. */
export function addressSetting(describe: string): Setting<string | undefined> {
  const check = (value: unknown) =>
    typeof value === 'string' && parseAddress(value) !== undefined ? value.toLowerCase() : undefined
  return { defaultValue: undefined, describe, expects: 'a name like me@example.com', check, typed: joinWords }
}

/** A public key, typed as npub or nprofile and kept as npub. */
export function npubSetting(describe: string): Setting<string | undefined> {
  // NIP-21: "nostr:" in front, as apps copy it.
  const check = (value: unknown) => {
    const key = typeof value === 'string' ? decodeNip19(value.trim().replace(/^nostr:/i, '')) : undefined
    return key?.type === 'npub' || key?.type === 'nprofile' ? npubEncode(key.pubkey) : undefined
  }
  return { defaultValue: undefined, describe, expects: 'an npub', check, typed: joinWords }
}

/** A word that is handed to another program. With a dash in front it would be taken for an option. */
export function wordSetting(describe: string): Setting<string | undefined> {
  const check = where(line, (value) => /^[^-\s]\S{0,199}$/.test(value))
  return { defaultValue: undefined, describe, expects: 'a word that begins with no dash', check, typed: joinWords }
}

function withoutRepeats(items: readonly string[] | undefined): readonly string[] | undefined {
  return items && [...new Set(items)]
}

function withProgram(words: readonly string[] | undefined): readonly string[] | undefined {
  return words !== undefined && words.length > 0 && words[0] === '' ? undefined : words
}

function joinWords(values: readonly string[]): string {
  return values.join(' ').trim()
}

// "a, b", "a b" as two values, or ["a", "b"].
function parseList(values: readonly string[]): unknown {
  if (values.length === 1 && isList(values[0])) return parseJson(values[0])
  return values
    .flatMap((value) => value.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function isList(value: string | undefined): value is string {
  return value?.trimStart().startsWith('[') ?? false
}

/** Text on one line, in which nothing draws on a terminal. */
const line = where(text, (value) => !/\p{Cc}/u.test(value))
