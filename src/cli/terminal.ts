// Whether a stream is a terminal. How lines look there is in terminal-rows.ts, which is loaded only for a terminal.

type Stream = { isTTY?: boolean; columns?: number }

/** The width in columns of a terminal that takes colours, at least 40; undefined for anything else. See https://no-color.org */
export function terminalWidth(
  { isTTY, columns }: Stream,
  env: Readonly<Record<string, string | undefined>>,
): number | undefined {
  const wanted = isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  return wanted ? Math.max(columns || 80, 40) : undefined
}
