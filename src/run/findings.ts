// What was found at the relays, as checks: every step by its name, a failed one with what to do about it.
import type { Check } from '../io/doctor/doctor.ts'
import type { RelayExamination, RelayStep } from '../io/doctor/relay.ts'
import { limitsHit, type Needs } from './limits.ts'
import { wrongBy } from './listen.ts'

/** A step of a relay's examination. */
export type RelayCheck = Check & { relay: string; step: string }

/** Milliseconds from which a relay is slow: a command has 8 s for all that it does. */
const SLOW = 2_000

/** Our clock against the relays'. */
export function clockCheck(examined: readonly RelayExamination[]): Check[] {
  const clocks = examined.flatMap((one) => one.clockAhead ?? [])
  const name = 'clock'
  if (examined.length === 0) return []
  if (clocks.length === 0) return [{ name, ok: true, warning: true, detail: 'no relay has told its time' }]
  const ahead = wrongBy(clocks)
  const relays = clocks.length === 1 ? 'one relay' : `${clocks.length} relays`
  if (ahead === 0) return [{ name, ok: true, detail: `right to the minute, by ${relays}` }]
  const detail = `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} the time of ${relays}`
  return [{ name, ok: false, detail, hint: 'set it, or let the network do so: `timedatectl set-ntp true`' }]
}

export function relayChecks(examined: RelayExamination, roles: readonly string[], needs: Needs): RelayCheck[] {
  const { url, steps } = examined
  const keys = roles.map((role) => `relays.${role}`)
  // Where nobody is, nobody says anything of himself: one line is enough.
  const silent = steps.some(({ step, ok }) => step === 'connect' && !ok) && examined.introduction.info === undefined
  return [
    ...(silent ? [] : [introduced(examined, needs)]),
    ...steps.map((step): RelayCheck => {
      const base = { name: `${url} ${step.step}`, relay: url, step: step.step }
      if (!step.ok) return { ...base, ok: false, detail: complaint(step), hint: mend(step, keys) }
      return { ...base, ok: true, detail: DONE[step.step](step.ms), ...remark(step) }
    }),
    ...latency(examined),
  ]
}

function introduced({ url, introduction: { info, why = '' } }: RelayExamination, needs: Needs): RelayCheck {
  const base = { name: `${url} nip11`, relay: url, step: 'nip11', ok: true }
  // It is no fault: a relay works without, and then nobody knows its limits.
  if (info === undefined) {
    return { ...base, warning: true, detail: `it says nothing of its limits (${why})`, hint: 'its limits show in use' }
  }
  const told = info.software === '' ? 'its information is there' : info.software
  const hit = limitsHit(info.limits, needs)
  if (hit.length === 0) return { ...base, detail: `${told}, no limit in our way` }
  return {
    ...base,
    warning: true,
    detail: `${told}: ${hit.join('; ')}`,
    hint: 'a relay without such limits suits better',
  }
}

type Failed = Extract<RelayStep, { ok: false }>
type Passed = Extract<RelayStep, { ok: true }>

const DONE: Readonly<Record<RelayStep['step'], (ms: number) => string>> = {
  connect: (ms) => `open after ${ms} ms`,
  auth: (ms) => `accepted, and a question answered after ${ms} ms`,
  write: (ms) => `taken after ${ms} ms`,
  read: (ms) => `given back after ${ms} ms`,
}

function remark({ step, ms, note }: Passed): Partial<Check> {
  if (step === 'auth' && note === 'unasked') return { detail: `not asked for; a question answered after ${ms} ms` }
  if (note !== 'stamps') return {}
  const detail = 'taken only with a stamp of now: the relay learns when each letter was sent'
  return { warning: true, detail, hint: 'another inbox relay would not learn it' }
}

function complaint({ what, reason, text }: Failed): string {
  const subject = what === undefined ? '' : `a ${what === 'presence' ? 'presence' : 'letter to ourselves'}: `
  if (reason === 'vanished') return `${subject}it said OK and does not give it back`
  return `${subject}${text === '' ? reason : text}`
}

// What helps with which complaint. Behind a proxy the complaint is the proxy's.
function mend({ step, reason, text }: Failed, keys: readonly string[]): string {
  const other = `choose another relay: \`p2p config set ${keys[0] ?? 'relays.inbox'} …\``
  if (text.startsWith('proxy ')) return 'the proxy is in the way: see the check "proxy"'
  if (/ENOTFOUND|EAI_AGAIN/.test(text)) return `check the spelling of the address and this machine's DNS; or ${other}`
  if (/certificate|altnames|self.signed|issuer|expired/i.test(text) && step === 'connect') {
    return `its certificate is not trusted: NODE_EXTRA_CA_CERTS names a file with further authorities; or ${other}`
  }
  if (/server response/.test(text)) return `there is no relay at that address; ${other}`
  if (reason === 'unreachable') return `it is down, or a firewall is in the way; ${other}`
  if (reason === 'timestamp') return 'set the clock: the relay finds our time wrong'
  if (reason === 'rate-limited') return 'wait and try again'
  if (reason === 'silent' || reason === 'slow') return `try again with \`--timeout 20\`; or ${other}`
  if (step === 'auth' || reason === 'restricted' || reason === 'blocked') {
    return `ask its operator to let this key in; or ${other}`
  }
  return other
}

function latency({ url, steps }: RelayExamination): RelayCheck[] {
  const times = steps.flatMap((step) => (step.ok ? [step.ms] : []))
  if (times.length < 2) return []
  const worst = Math.max(...times)
  const base = { name: `${url} latency`, relay: url, step: 'latency', ok: true, detail: `${worst} ms at the most` }
  return [worst < SLOW ? base : { ...base, warning: true, hint: 'a nearer relay makes every command faster' }]
}
