// Names that peers send, and what is made of them.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safeName } from '../../src/call/filename.ts'
import { codePoint } from '../support/code-points.ts'

const size = (name: string) => Buffer.byteLength(name)

it.each([
  ['report.json', 'report.json'],
  ['Bericht – Übersicht (2).tar.gz', 'Bericht – Übersicht (2).tar.gz'],
  ['日本語.txt', '日本語.txt'],
  ['a b.txt', 'a b.txt'],
  // Paths, of either kind.
  ['../../../etc/passwd', 'passwd'],
  ['..\\..\\windows\\system.ini', 'system.ini'],
  ['/etc/cron.d/x', 'x'],
  ['C:\\x\\evil.bat', 'evil.bat'],
  ['C:evil.bat', 'C_evil.bat'],
  ['dir/', 'file'],
  ['..', 'file'],
  ['.', 'file'],
  ['', 'file'],
  ['///', 'file'],
  ['\0', 'file'],
  ['   ', 'file'],
  ['a\0b.txt', 'ab.txt'],
  // Hidden, or an option to a program.
  ['.bashrc', 'bashrc'],
  ['...hidden', 'hidden'],
  ['. .x', 'x'],
  ['-rf', 'rf'],
  ['--help.txt', 'help.txt'],
  // What the eye does not see, or sees in another order: shown as "invoiceexe.pdf".
  ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
  ['a\u200B\u200D\uFEFF.txt', 'a.txt'],
  ['\u200B.bashrc', 'bashrc'],
  ['a\u2066b\u2069.txt', 'ab.txt'],
  ['a\u00ADb', 'ab'],
  ['a\u{E0041}b', 'ab'],
  ['\u3164\u115F\u2800', 'file'],
  ['a\r\nb\tc\x1b[31m', 'abc[31m'],
  ['a\u2028b', 'ab'],
  ['a\uD800b', 'ab'],
  ['a\u00A0b\u3000c', 'a b c'],
  // Composed: one name for what looks the same.
  ['Ame\u0301lie', 'Am\u00E9lie'],
  ['e\u200B\u0301', '\u00E9'],
  // Windows.
  ['con', '_con'],
  ['CON.txt', '_CON.txt'],
  ['nul. ', '_nul'],
  [`con${' '.repeat(200)}x.txt`, '_con.txt'],
  [`con.${'x'.repeat(200)}`, `_con.${'x'.repeat(115)}`],
  ['NUL .txt', '_NUL .txt'],
  ['com1.tar.gz', '_com1.tar.gz'],
  ['LPT²', '_LPT²'],
  ['conin$', 'conin_'],
  ['console.log', 'console.log'],
  ['trailing. . .', 'trailing'],
  ['a<b>c:d"e|f?g*h', 'a_b_c_d_e_f_g_h'],
  // A shell that somebody pastes the path into.
  ['$(rm -rf ~).txt', '_(rm -rf _).txt'],
  ['a`id`;b&c', 'a_id__b_c'],
])('%j becomes %j', (name, safe) => {
  expect(safeName(name)).toBe(safe)
})

describe('long names', () => {
  it.each([
    ['x'.repeat(300), 120, ''],
    [`${'x'.repeat(300)}.json`, 120, '.json'],
    [`${'ü'.repeat(300)}.tar.gz`, 119, '.gz'],
    [`${'😀'.repeat(300)}.txt`, 120, '.txt'],
    [`a.${'x'.repeat(300)}`, 120, ''],
    [`${'x'.repeat(115)} .json`, 120, '.json'],
    [`${'x'.repeat(114)} ${'y'.repeat(20)}.json`, 119, '.json'],
  ])('%# are cut to 120 bytes and keep their extension', (name, bytes, extension) => {
    expect(size(safeName(name))).toBe(bytes)
    expect(safeName(name).endsWith(extension)).toBe(true)
    expect(safeName(name)).not.toMatch(/\uFFFD/)
  })

  it('of a megabyte take no time', () => {
    for (const part of ['x', '.', ' ', 'a.', '\u202E', '/', '\uD800', 'e\u0301']) {
      const begun = performance.now()
      safeName(part.repeat(1_000_000))
      expect(performance.now() - begun).toBeLessThan(500)
    }
  })
})

it('is safe for whatever is sent, and leaves alone what is safe', () => {
  const odd = fc.constantFrom(
    ...'./\\-~ :\0\n$()',
    '\u202E',
    '\u200B',
    '\u0301',
    'con',
    'nul',
    '.txt',
    '\uD800',
    '😀',
    'é',
    '\u00A0',
  )
  const names = fc.oneof(
    fc.string({ unit: codePoint, maxLength: 200 }),
    fc.array(odd, { maxLength: 150 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(names, (name) => {
      const safe = safeName(name)
      expect(size(safe)).toBeLessThanOrEqual(120)
      expect(safe).not.toMatch(/[/\\<>:"|?*`$;&!'~%]|^[.\s-]|[.\s]$|^$/)
      expect(safe).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      expect(safe).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i)
      expect(safe).toBe(safe.normalize('NFC'))
      expect(safeName(safe)).toBe(safe)
    }),
    { numRuns: 500 },
  )
})
