// `doctor` carried out. It opens no world, whose files may be what is broken.
import { spellOut } from '../command-name.ts'
import { checkLines } from '../commands/doctor.ts'
import { EXIT } from '../errors.ts'
import { openProbe } from '../io/doctor/probe.ts'
import type { EnvironmentOptions } from '../io/environment.ts'
import { diagnose, faultsIn } from '../run/doctor.ts'
import { stateCodec } from '../state/state-codec.ts'
import { printFailure, write } from './output.ts'
import { rowsOf, terminalWidth } from './terminal.ts'

export type DoctorOptions = Pick<EnvironmentOptions, 'home' | 'relays' | 'budget' | 'trace'> & {
  json: boolean
  quiet: boolean
}

/** Prints what was found; the exit code. */
export async function runDoctor({ json, quiet, ...opening }: DoctorOptions, env: NodeJS.ProcessEnv): Promise<number> {
  const checks = await diagnose(openProbe(opening, env, stateCodec))
  const failure = faultsIn(checks)
  if (failure !== undefined && json) return await printFailure('doctor', failure, true, { checks })
  const lines = json
    ? [JSON.stringify({ ok: true, command: 'doctor', checks })]
    : checkLines(checks, quiet).flatMap((line) => rowsOf(spellOut(line), { width: terminalWidth(process.stdout, env) }))
  await write(lines.map((line) => `${line}\n`).join(''), json)
  return failure === undefined ? EXIT.ok : await printFailure('doctor', failure, false, {})
}
