// Carries out `doctor`. It opens no environment, which needs files that may be what is broken.
import { checkLines } from '../commands/doctor.ts'
import { EXIT } from '../errors.ts'
import { openProbe } from '../io/doctor/probe.ts'
import type { EnvironmentOptions } from '../io/environment.ts'
import { diagnose, faultsIn } from '../run/doctor.ts'
import { stateCodec } from '../state/state-codec.ts'
import type { Host } from './host.ts'
import { printFailure, textOf, write } from './output.ts'
import { terminalWidth } from './terminal.ts'

export type DoctorOptions = Pick<EnvironmentOptions, 'home' | 'relays' | 'budget' | 'trace'> & {
  json: boolean
  quiet: boolean
}

/** Examines everything and prints what was found. The exit code. */
export async function runDoctor(host: Host, { json, quiet, ...opening }: DoctorOptions): Promise<number> {
  const checks = await diagnose(openProbe(opening, host.env, stateCodec))
  const failure = faultsIn(checks)
  if (failure !== undefined && json)
    return await printFailure(host, { verb: 'doctor', failure, json, fields: { checks } })
  const text = json
    ? `${JSON.stringify({ ok: true, command: 'doctor', checks })}\n`
    : await textOf(checkLines(checks, quiet), terminalWidth(host.stdout, host.env))
  await write(host, text, json)
  return failure === undefined ? EXIT.ok : await printFailure(host, { verb: 'doctor', failure, json })
}
