// The lines of a story, as words. Nothing is meant yet: story.ts knows what the words do.

/** A word. What stood in quotes is text, also when it looks like a number or a sign. */
export type Word = { text: string; quoted: boolean }

export type Line = {
  /** Counted from 1. */
  number: number
  source: string
  /** Begins with "!": what follows must not succeed. */
  not: boolean
  /** Ends with "&": it is started, and the story goes on. */
  background: boolean
  words: Word[]
  /** `alice$ command`: for a shell, letter for letter. */
  shell: { agent: string; command: string } | undefined
}

/** Throws when a line cannot be read. Comments and empty lines are left out. */
export function readStory(text: string): Line[] {
  return text.split('\n').flatMap((raw, i) => {
    const source = raw.trim()
    return source === '' || source.startsWith('#') ? [] : [readLine(source, i + 1)]
  })
}

function readLine(source: string, number: number): Line {
  const not = source.startsWith('! ')
  const rest = not ? source.slice(2).trim() : source
  const [, agent = '', command = ''] = /^([a-z]\w*)\$ (.*)$/.exec(rest) ?? []
  if (agent !== '') return { number, source, not, background: false, words: [], shell: { agent, command } }
  const words = wordsOf(rest)
  const last = words.at(-1)
  const background = last?.text === '&' && !last.quoted
  return { number, source, not, background, words: background ? words.slice(0, -1) : words, shell: undefined }
}

// 'as it stands', "with \n and \u0007 as in JSON", bare.
function wordsOf(text: string): Word[] {
  const words: Word[] = []
  let rest = text
  while (rest !== '') {
    const [whole, single, double, bare] = /^(?:'([^']*)'|("(?:[^"\\]|\\.)*")|([^\s'"]+))(?=\s|$)/.exec(rest) ?? []
    if (whole === undefined) throw new Error(`cannot read: ${rest}`)
    const inside: unknown = double === undefined ? undefined : JSON.parse(double)
    words.push({ text: single ?? (typeof inside === 'string' ? inside : (bare ?? '')), quoted: bare === undefined })
    rest = rest.slice(whole.length).trimStart()
  }
  return words
}
