// Whether somebody sits in front of a stream. How it looks there is in terminal-rows.ts, which only a terminal loads.

type Stream = { isTTY?: boolean; columns?: number }

/** The width in columns of a terminal that wants colours; undefined for anything else. See https://no-color.org */
export function terminalWidth(
  { isTTY, columns }: Stream,
  env: Readonly<Record<string, string | undefined>>,
): number | undefined {
  const wanted = isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  return wanted ? Math.max(columns || 80, 40) : undefined
}
