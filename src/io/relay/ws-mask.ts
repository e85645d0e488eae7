// The masking of frames (RFC 6455, 5.3), a word at a time. ws does it byte by byte, unless the native module `bufferutil` is installed. The
// build puts this file in the place of that module.

/** Writes `length` bytes of `source`, masked with four bytes, to `output` from `offset` on. */
export function mask(source: Uint8Array, key: Uint8Array, output: Uint8Array, offset: number, length: number): void {
  output.set(masked(source, key, length), offset)
}

/** Masks the bytes in place, which also takes a mask off. */
export function unmask(bytes: Uint8Array, key: Uint8Array): void {
  bytes.set(masked(bytes, key, bytes.length))
}

function masked(source: Uint8Array, key: Uint8Array, length: number): Uint8Array {
  // In a copy, which begins at a word's boundary. The byte order does not matter: it is the same for the words and for the key.
  const words = new Uint32Array(Math.ceil(length / 4))
  const bytes = new Uint8Array(words.buffer)
  bytes.set(source.subarray(0, length))
  const [word = 0] = new Uint32Array(Uint8Array.from(key).buffer)
  for (let at = 0; at < words.length; at++) words[at] = (words[at] ?? 0) ^ word
  return bytes.subarray(0, length)
}
