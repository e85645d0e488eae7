// What somebody else's program or server says about a failure, made fit for one line of our own.

/** At most `most` characters on one line: no controls, no terminal escapes, nothing that turns the direction of text. */
export function remark(text: string, most = 160): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return line.length <= most ? line : `${line.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
