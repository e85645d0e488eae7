// How lines look at a terminal: the one place that decides. Commands print plain lines, and a pipe gets them as they are.
// The attack: words that a peer chose and that look like facts of ours. Only what stands outside of quotes and of quoted
// lines is ever given a colour, and every row of a long quoted line bears its speaker's mark.

export type Style = 'strong' | 'faint' | 'good' | 'warm' | 'bad' | 'name' | 'command'

export type Span = { text: string; look?: Style }

/**
 * `width`: columns of the terminal; undefined for a pipe, where lines stay as they are. `now`: unix seconds, without which
 * times stay as they are; `exact`: they do so too, since what is printed is a record.
 */
export type TerminalOptions = { width: number | undefined; now?: number; exact?: boolean }

type Stream = { isTTY?: boolean; columns?: number }

/** The width of a terminal that wants colours; undefined for anything else. See https://no-color.org */
export function terminalWidth(
  { isTTY, columns }: Stream,
  env: Readonly<Record<string, string | undefined>>,
): number | undefined {
  const wanted = isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  return wanted ? Math.max(columns || 80, 40) : undefined
}

/** A line as it is printed: in a pipe itself, at a terminal in rows with their escape sequences. */
export function rowsOf(line: string, { width, now, exact = false }: TerminalOptions): string[] {
  if (width === undefined) return [line]
  const told = now === undefined || exact ? line : withAge(line, now)
  return wrapped(told, width).map((row) => spansOf(row).map(ansi).join(''))
}

/** A line with its times as a person tells them: "3 min ago". */
export function withAge(line: string, now: number): string {
  if (QUOTED.test(line)) return line
  const parts = line.split(/("[^"]*")/)
  return parts.map((part, i) => (i % 2 === 1 ? part : sinceThen(part, now))).join('')
}

/** What of a line stands out, and how. */
export function spansOf(line: string): Span[] {
  const [, mark, speaker, words = ''] = QUOTED.exec(line) ?? []
  if (mark !== undefined) return [{ text: mark, look: speaker === 'me' ? 'faint' : 'warm' }, { text: words }]
  if (ASIDE.test(line)) return [{ text: line, look: 'faint' }]
  // Behind the address of a relay stand the relay's own words.
  const theirs = line.search(/[;(] ?wss?:\/\//)
  const ours = theirs === -1 ? line : line.slice(0, theirs)
  const spans: Span[] = []
  let at = 0
  for (const match of ours.matchAll(TOKENS)) {
    if (match.index > at) spans.push({ text: ours.slice(at, match.index) })
    const look = STYLE_PATTERNS[match.slice(1).findIndex((group) => group !== undefined)]?.[0]
    spans.push(look === undefined ? { text: match[0] } : { text: match[0], look })
    at = match.index + match[0].length
  }
  return [...spans, { text: line.slice(at) }].filter(({ text }) => text !== '')
}

const QUOTED = /^( {2}(peer|me|owner|repeat)> )(.*)$/s
const ASIDE = /^(?: *(?:next|hint|saved|truncated)[:;] |p2p: hint: |note: |Lines behind "peer>"|\(truncated: )/

const STATE = (words: string) => `(?<= is |[0-9a-f]{8} |\\), )(?:${words})(?=$|[,:])`

// In the order in which they are looked for: what stands in quotes is found first, and so left alone.
const STYLE_PATTERNS: readonly (readonly [Style | undefined, string])[] = [
  [undefined, '"[^"]*"'],
  ['command', '`[^`]*`'],
  ['bad', '^p2p: error:|^FAIL\\b|\\bNOT\\b|\\bfailed\\b|(?<=\\()blocked(?=,)'],
  [
    'strong',
    '^(?:incoming call|missed call|direct message|message (?:me|peer)/\\d+|proposal|progress|file|calling|transcript of call|call|\\d+ on line)\\b',
  ],
  [
    'name',
    '(?<=^|from |with |to |calling )[^"(),]{1,64}(?= \\((?:known|trusted|blocked), npub1)|your owner(?= \\(npub1)',
  ],
  ['good', `${STATE('active')}|^ok\\b|\\b(?:delivered|read|verified|available)\\b|(?<=\\()(?:trusted|known)(?=,)`],
  ['warm', `${STATE('ringing|dialing')}|^warn\\b|\\b(?:relayed|queued|busy)\\b|\\d+ unread|(?<=\\()unknown(?=[,)])`],
  ['faint', STATE('ended|rejected|missed|cancelled|expired|merged|forked')],
]
const TOKENS = new RegExp(STYLE_PATTERNS.map(([, pattern]) => `(${pattern})`).join('|'), 'g')

const CODES: Readonly<Record<Style, string>> = {
  strong: '1',
  faint: '2',
  good: '32',
  warm: '33',
  bad: '31',
  name: '1;36',
  command: '36',
}

function ansi({ text, look }: Span): string {
  return look === undefined ? text : `\u001b[${CODES[look]}m${text}\u001b[0m`
}

function sinceThen(text: string, now: number): string {
  return text
    .replace(/\b(\d{4}-\d\d-\d\d) (\d\d:\d\d)Z/g, (stamp, day, time) => {
      const at = Date.parse(`${day}T${time}Z`) / 1000
      // What is too long ago, or not over yet, is told better by its date.
      return at > now || now - at > 30 * 86_400 ? stamp : now - at < 60 ? 'just now' : ago(now - at)
    })
    .replace(/\b(\d{1,7}) s ago\b/g, (_, seconds) => ago(Number(seconds)))
}

function ago(seconds: number): string {
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  const days = Math.floor(seconds / 86_400)
  return days === 1 ? 'yesterday' : `${days} days ago`
}

// A terminal would go on at its left edge, where our own lines begin.
function wrapped(line: string, columns: number): string[] {
  const [, mark, , words] = QUOTED.exec(line) ?? []
  if (mark === undefined || words === undefined) return [line]
  const rows = ['']
  let room = columns - mark.length
  for (const word of words.split(/(?<=\s)/)) {
    for (const part of splitWord(word, columns - mark.length)) {
      const width = widthOf(part)
      if (width > room && rows.at(-1) !== '') {
        rows.push('')
        room = columns - mark.length
      }
      rows.push(`${rows.pop()}${part}`)
      room -= width
    }
  }
  return rows.map((row) => `${mark}${row}`)
}

/** A word in pieces that fit a row each. */
function splitWord(word: string, most: number): string[] {
  if (widthOf(word) <= most) return [word]
  const found = ['']
  for (const letter of word) {
    const last = found.at(-1) ?? ''
    if (widthOf(last + letter) > most) found.push(letter)
    else found[found.length - 1] = last + letter
  }
  return found
}

// Columns at the most: a row may end early, but never late.
function widthOf(text: string): number {
  let width = 0
  for (const letter of text) width += letter === '\t' ? 8 : /[\u0020-\u024f]/.test(letter) ? 1 : 2
  return width
}
