// `doctor`: everything that a run needs is looked at, and each fault is named with what to do about it.
import { inboxList, PRESENCE_KIND, presenceOf } from '../call/presence.ts'
import { CONTROL } from '../call/signal.ts'
import { EXIT, Failure } from '../errors.ts'
import type { Check } from '../io/doctor/doctor.ts'
import type { Probe } from '../io/doctor/probe.ts'
import type { ExaminationPlan, RelayExamination, SampleEvent } from '../io/doctor/relay.ts'
import { type Keys, randomInt, randomKeys } from '../nostr/crypto.ts'
import { type Event, finalize, rumorOf } from '../nostr/event.ts'
import { wrap, wrapKind } from '../nostr/nip59.ts'
import { clockCheck, relayChecks } from './findings.ts'
import { needsOf } from './limits.ts'

export type { Check } from '../io/doctor/doctor.ts'

type Role = 'presence' | 'inbox' | 'lookup'

/** Seconds that what is written to relays is kept. */
const LASTS = 60

export async function diagnose(clinic: Probe): Promise<Check[]> {
  const { checks, relays, config, clock, budget } = clinic
  const rolesOf = (url: string) => ROLES.filter((role) => relays?.[role].includes(url))
  const urls = [...new Set(ROLES.flatMap((role) => relays?.[role] ?? []))]
  const deadline = clock() + budget
  const [proxies, examined] = await Promise.all([
    clinic.proxies(urls, budget / 2),
    Promise.all(urls.map((url) => clinic.relay(planFor(url, rolesOf(url), clinic, deadline)))),
  ])
  const needs = needsOf(presenceTags(clinic))
  return [
    ...checks,
    ...clockCheck(examined),
    ...proxies,
    ...(config === undefined ? [] : ownerChecks(config, clinic.programPath)),
    ...examined.flatMap((one: RelayExamination) => relayChecks(one, rolesOf(one.url), needs)),
  ]
}

/** Undefined when nothing needs mending. */
export function faultsIn(checks: readonly Check[]): Failure | undefined {
  const bad = checks.filter((check) => !check.ok).map((check) => check.name)
  if (bad.length === 0) return undefined
  const what = `${bad.length} of ${checks.length} checks failed: ${[...new Set(bad)].join(', ')}`
  return new Failure('DOCTOR', EXIT.impossible, what, 'each check that failed says what to do about it')
}

const ROLES: readonly Role[] = ['inbox', 'presence', 'lookup']

type Planned = Omit<ExaminationPlan, 'wayTo' | 'now' | 'trace'>

function planFor(url: string, roles: readonly Role[], { keys, clock, budget }: Probe, deadline: number): Planned {
  const common = { url, deadline, patience: budget / 2 }
  // Who has no key can still find out whether a relay is there.
  if (keys === undefined) return { ...common, keys: randomKeys(), question: undefined, samples: () => [] }
  const me = keys.pubkey
  const question = roles.includes('inbox')
    ? { kinds: [wrapKind], '#p': [me] }
    : { kinds: [inboxList([], 0).kind], authors: [me] }
  return {
    ...common,
    keys,
    question,
    samples: (ahead = 0) => {
      const stamp = Math.floor(clock() / 1000) - ahead
      return roles.flatMap((role) => SAMPLES[role](keys, stamp))
    },
  }
}

// A lookup relay takes nothing but lists, and ours is not to be replaced for a test.
const SAMPLES: Readonly<Record<Role, (keys: Keys, stamp: number) => SampleEvent[]>> = {
  lookup: () => [],
  presence: (keys, stamp) => {
    // A d tag of its own, so that it takes no agent's place and nobody finds it on line; and a new one for each run, since
    // of two with one stamp a relay keeps the one with the lower id (NIP-01).
    const d = `p2p-comm-doctor-${randomInt(1_000_000_000)}`
    const tags = [
      ['d', d],
      ['expiration', String(stamp + LASTS)],
    ]
    const event = finalize({ kind: PRESENCE_KIND, created_at: stamp, tags, content: '' }, keys)
    const filter = { kinds: [PRESENCE_KIND], authors: [keys.pubkey], '#d': [d] }
    return [{ what: 'presence', event, filter: () => filter }]
  },
  inbox: (keys, stamp) => {
    const tags = [
      ['p', keys.pubkey],
      ['op', 'doctor'],
    ]
    const rumor = rumorOf({ kind: CONTROL, created_at: stamp, tags, content: '' }, keys.pubkey)
    const sealed = (recent: boolean) =>
      wrap(rumor, keys, keys.pubkey, { now: stamp, expiration: stamp + LASTS, recent })
    const filter = ({ id }: Event) => ({ kinds: [wrapKind], '#p': [keys.pubkey], ids: [id] })
    return [{ what: 'letter', event: sealed(false), recent: sealed(true), filter }]
  },
}

function presenceTags({ config, relays }: Probe): number {
  const { name = '', about = '', capabilities = [] } = config ?? {}
  const self = { name, about, capabilities, inbox: relays?.inbox ?? [], busy: false, pow: config?.policy.pow ?? 0 }
  return presenceOf(self, 0).tags.length
}

function ownerChecks({ owner, hook }: NonNullable<Probe['config']>, programPath: Probe['programPath']): Check[] {
  const { npub, webhook, command, openclaw } = owner
  const chat = openclaw.target !== undefined || openclaw.channel !== undefined
  const channels = [
    ...(npub === undefined ? [] : ['nostr']),
    ...(chat ? ['openclaw'] : []),
    ...(webhook === undefined ? [] : ['webhook']),
    ...(command.length === 0 ? [] : ['command']),
  ]
  const missing = (key: string, program: string | undefined): Check[] => {
    if (program === undefined || programPath(program) !== undefined) return []
    const hint = `install it, or correct \`p2p config get ${key}\``
    return [{ name: 'owner', ok: false, detail: `${key}: there is no program ${JSON.stringify(program)}`, hint }]
  }
  const alone: Check = {
    ...{ name: 'owner', ok: true, warning: true, detail: 'no channel is set: escalations reach the log only' },
    hint: '`p2p config set owner.npub npub1…` or `p2p config set owner.openclaw.target …` sets one',
  }
  return [
    channels.length === 0 ? alone : { name: 'owner', ok: true, detail: `is told through ${channels.join(', ')}` },
    ...missing('owner.command', command[0]),
    ...missing('owner.openclaw', chat ? 'openclaw' : undefined),
    ...(openclaw.channel !== undefined && openclaw.target === undefined ? [targetless] : []),
    ...missing('hook.command', hook.command[0]).map((check) => ({ ...check, name: 'hook' })),
  ]
}

const targetless: Check = {
  ...{ name: 'owner', ok: false, detail: 'owner.openclaw.channel is set, and owner.openclaw.target is not' },
  hint: '`p2p config set owner.openclaw.target …` names your owner in that channel',
}
