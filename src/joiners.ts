// Invisible characters that whole scripts need: joiners of letters and emoji, and selectors between two forms.
// The attack: a sentence spelled in them, bit by bit, which a person does not see and a model reads.

/** The text with joiners and selectors only where they change what is drawn, so that nothing can be hidden in how they are chosen. */
export function withoutIdleJoiners(text: string): string {
  if (!/(?:\u200c|\u200d|[\u180b-\u180d\u180f]|[\ufe00-\ufe0f])/.test(text)) return text
  rules ??= makeRules()
  const { signs } = rules
  // A long text repeats the same few places again and again.
  const known = new Map<string, string>()
  const kept = text.replace(RUNS, (run: string, at: number) => {
    // The rules look back no farther than to a letter and the marks on it.
    const before = text.slice(Math.max(0, at - 12), at)
    const after = text.slice(at + run.length, at + run.length + 2)
    const around = `${before}\0${after}`
    const place = `${run}${around}`
    const found = known.get(place) ?? signsKept(run, around, signs)
    known.set(place, found)
    return found
  })
  return tameEmoji(kept, rules)
}

const RUNS = /(?:\u200c|\u200d|[\u180b-\u180d\u180f]|[\ufe00-\ufe0f])+/g

/** What stays of a run: one selector, where the base before it takes one, and behind it one joiner, where it joins something. */
function signsKept(run: string, around: string, signs: Rules['signs']): string {
  const keep = (sign: string) => signs.some((rule) => rule.signs.includes(sign) && rule.around.test(around))
  const chosen = run.charAt(0)
  const joiner = /[\u200c\u200d]/.exec(run)?.[0] ?? chosen
  if (joiner === chosen) return keep(chosen) ? chosen : ''
  return (keep(chosen) ? chosen : '') + (keep(joiner) ? joiner : '')
}

// Emoji stay joined where Unicode knows the sequence, and each is drawn as text or in colour as its first occurrence is.
function tameEmoji(text: string, { chain, chains, full, selected }: Rules): string {
  if (!/[\u200d\ufe0e\ufe0f]/.test(text)) return text
  const first = new Map<string, string>()
  const tamed = new Map<string, string>()
  const tame = (emoji: string) => {
    const isKnown = chains().test(emoji.replaceAll('\ufe0f', '').replace(full, '$&\ufe0f'))
    return isKnown ? emoji : emoji.replaceAll('\u200d', '')
  }
  return text
    .replace(chain, (emoji) => {
      const known = tamed.get(emoji) ?? tame(emoji)
      tamed.set(emoji, known)
      return known
    })
    .replace(selected, (_, base: string, selector: string) => {
      const chosen = first.get(base) ?? selector
      first.set(base, chosen)
      return base + chosen
    })
}

type Rules = {
  /** Where these signs change what is drawn: what is before and behind them, with \0 in their place. */
  signs: readonly { signs: string; around: RegExp }[]
  /** Emoji with joiners between them, or a joiner with no emoji behind it. */
  chain: RegExp
  chains: () => RegExp
  /** An emoji that a complete chain writes with the selector for colour. */
  full: RegExp
  /** An emoji that takes a selector, and the one that it has. */
  selected: RegExp
}

let rules: Rules | undefined

// Made when such a text is met: the patterns are large, and most commands need none of them.
function makeRules(): Rules {
  const textual = '(?!\\p{Emoji_Presentation})(?=\\p{Emoji})\\p{Extended_Pictographic}(?!\\p{Emoji_Modifier})'
  const emoji = '\\p{Extended_Pictographic}[\\p{Emoji_Modifier}\\ufe0f]?'
  const emojiEnd = '[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f]'
  let known: RegExp | undefined
  return {
    signs: [
      { signs: '\u200d', around: new RegExp(`${emojiEnd}\\0\\p{Extended_Pictographic}`, 'u') },
      { signs: '\ufe0e\ufe0f', around: new RegExp(`${textual}\\0`, 'u') },
      { signs: '\ufe0f', around: /[#*0-9]\0\u20e3/ },
      // RFC 5892, A.1 and A.2: both joiners change something behind a virama, the non-joiner also between two letters that
      // would be joined. Bengali has a joiner in front of a virama.
      { signs: '\u200c', around: new RegExp(`(?!${UNJOINED})${CURSIVE}\\p{M}*\\0${CURSIVE}`, 'u') },
      { signs: '\u200c\u200d', around: new RegExp(`${VIRAMA}\\0\\p{L}`, 'u') },
      { signs: '\u200d', around: new RegExp(`\\p{L}\\0${VIRAMA}`, 'u') },
      { signs: '\u180b\u180c\u180d\u180f', around: /\p{sc=Mongolian}\0/u },
    ],
    chain: new RegExp(`${emoji}(?:\\u200d${emoji})+|(?<=${emojiEnd})\\u200d`, 'gu'),
    chains: () => {
      // TypeScript refuses the flag itself, which is later than the JavaScript that we compile to; Node knows it.
      known ??= new RegExp('^\\p{RGI_Emoji_ZWJ_Sequence}$', UNICODE_SETS)
      return known
    },
    full: new RegExp(textual, 'gu'),
    selected: new RegExp(`(${textual}|[#*0-9](?=\\ufe0f?\\u20e3))([\\ufe0e\\ufe0f]?)`, 'gu'),
  }
}

const UNICODE_SETS = 'v'

const VIRAMA =
  '[\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u0f84\\u1039\\u17d2\\u1b44\\ua8c4\\ua953\\ua9c0]'

const CURSIVE =
  '(?:(?=\\p{L})[\\p{sc=Arabic}\\p{sc=Syriac}\\p{sc=Nko}\\p{sc=Mandaic}\\p{sc=Mongolian}\\p{sc=Adlam}\\p{sc=Rohg}])'

/** Letters of Arabic and Syriac that never join the letter behind them. */
const UNJOINED =
  '[\\u0621-\\u0625\\u0627\\u0629\\u062f-\\u0632\\u0648\\u0671-\\u0677\\u0688-\\u0699\\u06c0\\u06c3-\\u06cb\\u06cd\\u06cf\\u06d2\\u06d3\\u06d5\\u06ee\\u06ef\\u0710\\u0715-\\u0719\\u071e\\u0728\\u072a\\u072c]'
