// What was found at relays, as checks of `doctor`: each step by its name, a failed one with what to do about it; and our clock.
import { inQuotes, renderRefusal } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import type { DoctorCheck } from '../io/doctor/doctor.ts'
import type { RelayExamination, RelayStep } from '../io/doctor/relay.ts'
import { foreign, isBlank, matches } from '../sanitize.ts'
import { medianClockError } from './clock.ts'
import { type EventNeeds, limitsHit } from './relay-limits.ts'

/** A check of one relay. `step`: a step of its examination, or nip11, latency, canary, limits. */
export type RelayCheck = DoctorCheck & { relay: string; step: string }

/** Ms from which on a relay counts as slow: a command has 8 s for all that it does. */
const SLOW = 2_000

/** Our clock against the relays'; nothing where there are no relays. */
export function clockCheck(examined: readonly RelayExamination[]): DoctorCheck[] {
  const clocks = examined.flatMap((one) => one.clockAhead ?? [])
  const name = 'clock'
  if (examined.length === 0) return []
  if (clocks.length === 0) return [{ name, ok: true, warning: true, detail: 'no relay has told its time' }]
  const ahead = medianClockError(clocks)
  const relays = clocks.length === 1 ? 'one relay' : `${clocks.length} relays`
  if (ahead === 0) return [{ name, ok: true, detail: `right to the minute, by ${relays}` }]
  const detail = `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} the time of ${relays}`
  return [{ name, ok: false, detail, hint: 'set the clock, or let the network do so: `timedatectl set-ntp true`' }]
}

/** The checks of one relay, one a step, with what to do about each that has failed. */
export function relayChecks(examined: RelayExamination, roles: readonly string[], needs: EventNeeds): RelayCheck[] {
  const { url, steps } = examined
  const keys = roles.map((role) => `relays.${role}`)
  // A relay that cannot be reached has no information either: one line about it is enough.
  const silent = steps.some(({ step, ok }) => step === 'connect' && !ok) && examined.introduction.info === undefined
  return [
    ...(silent ? [] : [nip11Check(examined, needs)]),
    ...steps.map((step): RelayCheck => {
      const base = { name: `${url} ${step.step}`, relay: url, step: step.step }
      if (!step.ok) return { ...base, ok: false, detail: stepFailure(step), hint: stepHint(step, keys) }
      return { ...base, ok: true, detail: STEP_DONE[step.step](step.ms), ...stepRemark(step) }
    }),
    ...latencyCheck(examined),
  ]
}

const NO_LIMITS = { auth: false, payment: false, restricted: false }

function nip11Check(
  {
    url,
    introduction: { info, why = foreign`no answer` },
    subscriptions: shown = Number.POSITIVE_INFINITY,
  }: RelayExamination,
  needs: EventNeeds,
): RelayCheck {
  const base = { name: `${url} nip11`, relay: url, step: 'nip11', ok: true }
  // Never a failure: a relay works without NIP-11, only its limits are not known.
  const subscriptions = Math.min(shown, info?.limits.subscriptions ?? Number.POSITIVE_INFINITY)
  if (info === undefined) {
    const hit = limitsHit({ ...NO_LIMITS, subscriptions }, needs)
    return {
      ...base,
      warning: true,
      detail: [`it says nothing of its limits (${inQuotes(why)})`, ...hit].join('; '),
      hint: 'nothing to do: its limits are learned in use',
    }
  }
  const told = isBlank(info.software) ? 'its information was read' : `it says that it is ${inQuotes(info.software)}`
  const hit = limitsHit({ ...info.limits, subscriptions }, needs)
  if (hit.length === 0) return { ...base, detail: `${told}, no limit in our way` }
  return {
    ...base,
    warning: true,
    detail: `${told}: ${hit.join('; ')}`,
    hint: 'a relay without such limits would suit better',
  }
}

type FailedStep = Extract<RelayStep, { ok: false }>

type PassedStep = Extract<RelayStep, { ok: true }>

const STEP_DONE: Readonly<Record<RelayStep['step'], (ms: number) => string>> = {
  connect: (ms) => `open after ${ms} ms`,
  auth: (ms) => `accepted, and a question answered after ${ms} ms`,
  write: (ms) => `taken after ${ms} ms`,
  read: (ms) => `given back after ${ms} ms`,
}

function stepRemark({ step, ms, note }: PassedStep): Partial<DoctorCheck> {
  if (step === 'auth' && note === 'unasked') return { detail: `not asked for; a question answered after ${ms} ms` }
  if (note !== 'stamps') return {}
  const detail = 'taken only with a stamp of now: the relay learns when each message was sent'
  return { warning: true, detail, hint: 'another inbox relay would not learn it' }
}

function stepFailure({ what, reason, text }: FailedStep): string {
  const subject = what === undefined ? '' : `a ${what === 'presence' ? 'presence' : 'message to ourselves'}: `
  if (reason === 'vanished') return `${subject}it said OK and does not give it back`
  return `${subject}${renderRefusal({ reason, text })}`
}

// What helps against which complaint.
function stepHint({ step, reason, text }: FailedStep, keys: readonly string[]): string {
  const other = `ask your owner for another relay: \`${P2P} config set ${keys[0] ?? 'relays.inbox'} …\` takes it`
  if (matches(text, /^proxy /)) return 'the proxy is in the way: see the check "proxy"'
  if (matches(text, /ENOTFOUND|EAI_AGAIN/))
    return `check the spelling of the address and this machine's DNS; or ${other}`
  if (matches(text, /certificate|altnames|self.signed|issuer|expired/i) && step === 'connect') {
    return `its certificate is not trusted: NODE_EXTRA_CA_CERTS names a file with further authorities; or ${other}`
  }
  if (matches(text, /server response/)) return `there is no relay at that address; ${other}`
  if (reason === 'unreachable') return `it is down, or a firewall is in the way; ${other}`
  if (reason === 'timestamp') return 'set the clock: the relay finds our time wrong'
  if (reason === 'rate-limited') return 'wait and try again'
  if (reason === 'silent' || reason === 'slow') return `try again with \`--timeout 20\`; or ${other}`
  if (step === 'auth' || reason === 'restricted' || reason === 'blocked') {
    return `ask its operator to let this key in; or ${other}`
  }
  return other
}

function latencyCheck({ url, steps }: RelayExamination): RelayCheck[] {
  const times = steps.flatMap((step) => (step.ok ? [step.ms] : []))
  if (times.length < 2) return []
  const worst = Math.max(...times)
  const base = { name: `${url} latency`, relay: url, step: 'latency', ok: true, detail: `at most ${worst} ms` }
  return [worst < SLOW ? base : { ...base, warning: true, hint: 'a nearer relay makes every command faster' }]
}
