// How much of a text goes into one message. What counts is the size on the wire, where quotes, line breaks and letters beyond
// ASCII take more room than they do in the text, so the limit differs from text to text.

/**
 * Most bytes (UTF-8) of a part of the text, so that it fits wherever the text is cut: rounded down to hundreds from 1,000 on, or 0 where
 * not even a single letter fits.
 * @param fits whether a part goes into one message; of parts of one length, the one that takes the most room decides
 */
export function partLimit(text: string, fits: (part: string) => boolean): number {
  const letters = [...text]
  const bytes = Uint8Array.from(letters, (letter) => Buffer.byteLength(letter))
  const wire = Uint8Array.from(letters, (letter, n) => (ESCAPED.test(letter) ? escapedSize(letter) : (bytes[n] ?? 0)))
  let [good, bad] = [0, Buffer.byteLength(text) + 1]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    const [from, to] = widestPart(bytes, wire, middle)
    if (fits(letters.slice(from, to).join(''))) good = middle
    else bad = middle
  }
  return good < 1_000 ? good : Math.floor(good / 100) * 100
}

// What JSON escapes: control characters, quotes, backslashes, and half of a surrogate pair.
const ESCAPED = /^[\0-\x1f"\\\ud800-\udfff]$/

function escapedSize(letter: string): number {
  return JSON.stringify(letter).length - 2
}

/** Of all parts of at most `maxBytes` bytes the one that takes the most room on the wire: where it begins, and the letter behind its end. */
function widestPart(bytes: Uint8Array, wire: Uint8Array, maxBytes: number): [from: number, to: number] {
  let [from, size, room, widest] = [0, 0, 0, -1]
  let best: [number, number] = [0, 0]
  for (let to = 0; to < bytes.length; to++) {
    size += bytes[to] ?? 0
    room += wire[to] ?? 0
    for (; size > maxBytes; from++) {
      size -= bytes[from] ?? 0
      room -= wire[from] ?? 0
    }
    if (room <= widest) continue
    widest = room
    best = [from, to + 1]
  }
  return best
}
