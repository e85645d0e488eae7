// A peer's words made harmless to look at: no control or bidi characters, bounded. Never a banner: facts stand beside it.
// What somebody else's program or server says about a failure, made fit for one line of our own.

// C0 and C1 controls (terminal escapes), interlinear annotations, and all that Unicode wants drawn as nothing: marks of
// direction, zero-width spaces, soft hyphens, invisible operators, fillers, tags. What joins emoji and letters, and chooses
// between their forms, stays: whole scripts need it.
const INVISIBLE_CHARACTERS =
  /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufff9-\ufffb]|(?!\u200c|\u200d|[\u180b-\u180d\u180f]|[\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}/gu

// Whatever a terminal or an editor may take for the end of a line.
const LINE_BREAKS = /\r\n|[\n\u000b\u000c\r\u0085\u2028\u2029]/g

/** Several lines: breaks become \n, tabs stay. Lone surrogates become U+FFFD. */
export function cleanText(text: string, most = 100_000): string {
  return truncate(wellFormed(text).replace(LINE_BREAKS, '\n').replace(INVISIBLE_CHARACTERS, ''), most)
}

/** One line: breaks, tabs and runs of spaces become one space. */
export function cleanLine(text: string, most = 200): string {
  return truncate(
    wellFormed(text).replace(LINE_BREAKS, ' ').replace(INVISIBLE_CHARACTERS, '').replace(/\s+/g, ' ').trim(),
    most,
  )
}

function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

function truncate(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`
}

/** At most `most` characters on one line: no controls, no terminal escapes, nothing that turns the direction of text. */
export function cleanReason(text: string, most = 160): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return line.length <= most ? line : `${line.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`
}

export function formatSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
