// The name under which a received file may be written here. A peer chose it, so it is text to be distrusted.

/** Most UTF-8 bytes of a file name: they leave room for " (2)" on every file system. */
const MAX_BYTES = 120

/**
 * A name that is safe in any folder of any system, made of whatever a peer sent: no path, no control, direction or invisible
 * characters, nothing hidden, nothing that Windows keeps for devices, 1 to 120 bytes with its extension kept, NFC. A name that
 * is safe already stays as it is. "file" when nothing is left. Never throws.
 */
export function safeName(name: string): string {
  // Cut first, so that what follows need not be fast on a megabyte. The name is the last part of a path, of Unix or Windows.
  const base = name.slice(-4096).split(/[/\\]/).pop() ?? ''
  const seen = withoutInvisible(base.normalize('NFC')).replace(/\s/gu, ' ').replace(FORBIDDEN, '_')
  // Once more: characters that stood apart may have come together.
  const normalized = notDevice(trimName(seen.normalize('NFC')))
  // And once more: "con", 200 spaces and "x.txt" are cut to "con.txt".
  const short = notDevice(shorten(normalized))
  return short === '' ? 'file' : short
}

function notDevice(name: string): string {
  return RESERVED.test(name) ? `_${name}` : name
}

// Controls, format characters (direction marks and overrides, zero-width, soft hyphen, tags), surrogates, private use,
// unassigned, line and paragraph separators, variation selectors, and letters that are drawn as nothing: "report\u202Efdp.exe"
// is shown as "reportexe.pdf". Written here, so that a command without files does not pay for so large a pattern.
function withoutInvisible(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\uFFFD]/gu, '')
}

// What Windows and shells give a meaning.
const FORBIDDEN = /[<>:"|?*`$;&!'~%]/gu

// Microsoft, "Naming Files, Paths, and Namespaces": these names are devices, whatever extension follows.
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i

// A leading dot hides a file, a leading dash makes an option of it; Windows drops trailing dots and spaces, so "nul. " is
// "nul".
function trimName(name: string): string {
  return name.replace(/^[\s.-]+/u, '').replace(/[\s.]+$/u, '')
}

function shorten(name: string): string {
  if (byteLength(name) <= MAX_BYTES) return name
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && byteLength(name.slice(dot)) <= 20 ? name.slice(dot) : ''
  return (
    trimName(cutToBytes(name.slice(0, name.length - extension.length), MAX_BYTES - byteLength(extension))) + extension
  )
}

// By whole characters, never through the middle of one.
function cutToBytes(text: string, maxBytes: number): string {
  let kept = ''
  let size = 0
  for (const character of text) {
    size += byteLength(character)
    if (size > maxBytes) break
    kept += character
  }
  return kept
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
