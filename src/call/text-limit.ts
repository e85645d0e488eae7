// How much of a text goes into one message. What counts is the size on the wire, where quotes, line breaks and letters beyond
// ASCII take more room than they do in the text: so the limit is another one for every text.

/**
 * Bytes (UTF-8) of the parts into which a text may be cut anywhere, so that each of them fits: a round number, or 0 where not
 * even a single letter does.
 * @param fits whether a part goes into one message; of parts of one length, the one that takes the most room decides
 */
export function partLimit(text: string, fits: (part: string) => boolean): number {
  const letters = [...text].map((letter) => ({
    letter,
    bytes: Buffer.byteLength(letter),
    wire: Buffer.byteLength(JSON.stringify(letter)) - 2,
  }))
  let [good, bad] = [0, Buffer.byteLength(text) + 1]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (fits(widestPart(letters, middle))) good = middle
    else bad = middle
  }
  return good < 1_000 ? good : Math.floor(good / 100) * 100
}

type Letter = { letter: string; bytes: number; wire: number }

/** Of all parts of at most `most` bytes the one that takes the most room on the wire. */
function widestPart(letters: readonly Letter[], most: number): string {
  const window = { from: 0, bytes: 0, wire: 0 }
  let best = { from: 0, to: 0, wire: -1 }
  for (const [to, { bytes, wire }] of letters.entries()) {
    window.bytes += bytes
    window.wire += wire
    while (window.bytes > most) {
      window.bytes -= letters[window.from]?.bytes ?? 0
      window.wire -= letters[window.from]?.wire ?? 0
      window.from++
    }
    if (window.wire > best.wire) best = { from: window.from, to: to + 1, wire: window.wire }
  }
  return letters
    .slice(best.from, best.to)
    .map(({ letter }) => letter)
    .join('')
}
