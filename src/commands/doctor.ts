// `doctor`: what works and what does not, with what to do about it. It makes no run: what a run needs may be broken.

import { hintLine, type PrintedLine, span } from '../call/span.ts'
import { P2P } from '../command-name.ts'
import type { DoctorCheck } from '../run/doctor.ts'
import type { Verb } from './command.ts'

export const doctor: Verb = {
  usage: 'doctor',
  describe: 'Check keys, files, clock, proxy, owner channels and every relay; ends with 6 when something needs mending',
  examples: [`${P2P} doctor`],
}

/** A line for each check, and below a failed one or a warning what to do about it. `quiet`: only those. */
export function checkLines(checks: readonly DoctorCheck[], quiet: boolean): PrintedLine[] {
  const lines = checks.flatMap(({ name, ok, warning, detail, hint = '' }): PrintedLine[] => {
    if (quiet && ok && warning !== true) return []
    const mark = ok ? (warning === true ? span('warning', 'warn') : span('good', 'ok  ')) : span('fault', 'FAIL')
    return [[mark, ` ${name}: ${detail}`], ...(hint === '' ? [] : [hintLine(`     hint: ${hint}`)])]
  })
  return quiet || checks.some((check) => !check.ok) ? lines : [...lines, 'nothing needs mending']
}
