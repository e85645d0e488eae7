// What `doctor` examines the outside with. It opens no environment, which needs files that may be what is broken.
import type { Keys } from '../../nostr/crypto.ts'
import type { EnvironmentOptions } from '../environment.ts'
import type { Config } from '../home/config.ts'
import { homeOf } from '../home/paths.ts'
import { namedRoles, type RelayRoles, rolesOf } from '../home/relay-roles.ts'
import { openRoutes } from '../http/agent.ts'
import type { StoreCodec } from '../store/codec.ts'
import { type DoctorCheck, examineFiles, programPath } from './doctor.ts'
import { examineProxies } from './doctor-proxy.ts'
import { type ExaminationPlan, examineRelay, type RelayExamination } from './relay.ts'

export type Probe<I = unknown> = {
  /** The checks of our own files. */
  checks: readonly DoctorCheck[]
  keys: Keys | undefined
  config: Config | undefined
  /** The index; undefined where it cannot be read. */
  index: I | undefined
  /** Undefined where the settings that name them cannot be read. */
  relays: RelayRoles | undefined
  programPath: (program: string) => string | undefined
  proxies: (addresses: readonly string[], ms: number) => Promise<DoctorCheck[]>
  relay: (plan: Omit<ExaminationPlan, 'routeTo' | 'now' | 'trace'>) => Promise<RelayExamination>
  /** Unix ms. */
  clock: () => number
  /** Milliseconds that the network has to answer. */
  budget: number
}

/** Examines the files, and opens what `doctor` examines the rest with. Throws BAD_HOME and BAD_RELAY. */
export function openProbe<I, L, C, P>(
  { home, relays, budget, trace }: Pick<EnvironmentOptions, 'home' | 'relays' | 'budget' | 'trace'>,
  env: NodeJS.ProcessEnv,
  codec: StoreCodec<I, L, C, P>,
): Probe<I> {
  const { checks, keys, config, index } = examineFiles(homeOf(home, env), env, codec)
  const left: DoctorCheck[] = []
  const warn = (detail: string) => left.push({ name: 'relays', ok: true, warning: true, detail })
  const roles = config === undefined ? namedRoles(relays, env) : rolesOf(config, relays, env, warn)
  if (roles === undefined) warn('not checked: they are in the configuration')
  // All of them are our own choice.
  const routeTo = openRoutes(env, () => true)
  return {
    checks: [...checks, ...left],
    keys,
    config,
    index,
    relays: roles,
    programPath: (program) => programPath(program, env),
    proxies: (addresses, ms) => examineProxies(addresses, env, ms),
    relay: (plan) => examineRelay({ ...plan, routeTo, now: Date.now, trace }),
    clock: Date.now,
    budget,
  }
}
