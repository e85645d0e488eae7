// Names that agents give themselves and that we give to agents: how they are asked for, when two are the same, and when one only
// looks like another.

/** A presence's `n` tag: the name in NFC, trimmed, in lower case, since relays compare it letter by letter. */
export function nameTag(name: string): string {
  return name.normalize('NFC').trim().toLowerCase().normalize('NFC')
}

/** Whether two names are the same. "José" is in both of Unicode's normal forms, in capitals and in full-width letters. */
export function isSameName(a: string, b: string): boolean {
  return foldName(a) === foldName(b)
}

/**
 * Compares one name with many others. `same`: as isSameName. `alike`: whether a reader may take one for the other, since it is the same
 * name, or has letters of other alphabets that are drawn alike ("bob" with a Cyrillic "о"), or digits and letters that are (0 and o;
 * 1, l and i). A name that is only alike leads nowhere: the key has to be named.
 */
export function nameMatcher(name: string): { same: (other: string) => boolean; alike: (other: string) => boolean } {
  const [whole, drawing] = [foldName(name), skeleton(name)]
  const same = (other: string) => foldName(other) === whole
  return { same, alike: (other) => same(other) || skeleton(other) === drawing }
}

/** Whether a text holds a word, however both are written. */
export function holdsWord(text: string, word: string): boolean {
  return foldName(text).includes(foldName(word))
}

const PLAIN = /^[!-~]+(?: [!-~]+)*$/

function foldName(name: string): string {
  if (PLAIN.test(name)) return name.toLowerCase()
  return withoutInvisible(name.normalize('NFKC')).replace(/\s+/g, ' ').trim().toLowerCase().normalize('NFKC')
}

/** A name in which all that is drawn alike is one sign. It is only compared, never shown. */
function skeleton(name: string): string {
  const small = PLAIN.test(name)
    ? drawAlike(name.toLowerCase())
    : drawAlike(foldName(drawAlike(withoutInvisible(name.normalize('NFKC')))))
  return small.replace(/[1i|]/g, 'l').replaceAll('0', 'o').replaceAll('rn', 'm').replaceAll('vv', 'w')
}

function drawAlike(text: string): string {
  return [...text].map((letter) => ALIKE.get(letter) ?? letter).join('')
}

function withoutInvisible(name: string): string {
  return name.replace(/\p{Default_Ignorable_Code_Point}|\p{Cc}/gu, '')
}

// Letters that UTS 39 calls confusable with one of a to z, in the alphabets that names are written in: a library of all 6,000 would be
// a tenth of the program. A capital is listed here where it looks like another letter than its small form does (Ν, but ν).
const DRAWN_AS: Readonly<Record<string, string>> = {
  a: 'аАɑαΑᴀ',
  b: 'вВьΒβʙ',
  c: 'сСϲᴄ',
  d: 'ԁᴅ',
  e: 'еЕєҽεΕᴇ',
  f: 'ғƒꜰ',
  g: 'ɡԍցɢ',
  h: 'һнНΗհʜ',
  i: 'іІӏӀıιΙɪ',
  j: 'јЈϳյᴊ',
  k: 'кКқκΚᴋ',
  l: 'ǀլʟ',
  m: 'мМΜᴍ',
  n: 'пΝηոռɴ',
  o: 'оОөοΟσօᴏ',
  p: 'рРρΡᴘ',
  q: 'ԛզ',
  r: 'гʀ',
  s: 'ѕЅՏꜱ',
  t: 'тТτΤᴛ',
  u: 'υμսՍᴜ',
  v: 'ѵνᴠ',
  w: 'ԝѡωᴡ',
  x: 'хХҳχΧ',
  y: 'уУүΥγʏ',
  z: 'Ζᴢ',
  '-': '‐‑‒–—−',
  "'": '‘’ʼ`´',
}

const ALIKE = new Map(Object.entries(DRAWN_AS).flatMap(([as, signs]) => [...signs].map((sign) => [sign, as] as const)))
