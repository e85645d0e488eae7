// `doctor`: looks at everything that a run needs, and names each fault with what to do about it.

import { PRESENCE_EVERY, PRESENCE_KIND, PRESENCE_LOOKBACK, presenceLifetime, presenceOf } from '../call/presence.ts'
import { CONTROL } from '../call/signal.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { DoctorCheck } from '../io/doctor/doctor.ts'
import type { Probe } from '../io/doctor/probe.ts'
import type { ExaminationPlan, RelayExamination, SampleEvent } from '../io/doctor/relay.ts'
import { type Keys, randomInt, randomKeys } from '../nostr/crypto.ts'
import { type Event, finalize, rumorOf } from '../nostr/event.ts'
import type { Filter } from '../nostr/filter.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { WRAP_KIND, wrap } from '../nostr/nip59.ts'
import { leakySince } from '../state/canaries.ts'
import { mailboxQuestions } from '../state/cursors.ts'
import { limitsDials, presenceEvery } from '../state/dial-limit.ts'
import type { RelayMemory } from '../state/kept-relay.ts'
import { askLimitOf, subscriptionsOf } from '../state/relay-limits.ts'
import { hasPassed } from '../state/retry.ts'
import type { Index } from '../state/state.ts'
import { mailboxFilter, ownListFilter, presenceFilter } from './questions.ts'
import { clockCheck, type RelayCheck, relayChecks } from './relay-checks.ts'
import { eventNeeds } from './relay-limits.ts'

export type { DoctorCheck } from '../io/doctor/doctor.ts'

type RelayRole = 'presence' | 'inbox' | 'lookup'

/** Seconds after which what `doctor` writes to relays expires (NIP-40). */
const SAMPLE_LIFETIME = 60

/** Runs all checks of `doctor`; they come in the order in which they are shown. Relays are examined side by side within the budget. */
export async function diagnose(clinic: Probe<Index>): Promise<DoctorCheck[]> {
  const { checks, relays, config, clock, budget, index } = clinic
  const rolesOf = (url: string) => ROLES.filter((role) => relays?.[role].includes(url))
  const urls = [...new Set(ROLES.flatMap((role) => relays?.[role] ?? []))]
  const deadline = clock() + budget
  const [proxies, examined] = await Promise.all([
    clinic.proxies(urls, budget / 2),
    Promise.all(urls.map((url) => clinic.relay(planFor(url, rolesOf(url), clinic, deadline)))),
  ])
  const needs = eventNeeds(presenceTags(clinic))
  return [
    ...checks,
    ...clockCheck(examined),
    ...proxies,
    ...(config === undefined ? [] : ownerChecks(config, clinic.programPath)),
    ...machineChecks(index, Math.floor(clock() / 1000)),
    ...examined.flatMap((one: RelayExamination) => [
      ...relayChecks(one, rolesOf(one.url), needs),
      ...leakChecks(one.url, rolesOf(one.url), index),
      ...limitChecks(one.url, rolesOf(one.url), clinic),
    ]),
    ...ROLES.flatMap((role) => operatorChecks(role, relays?.[role] ?? [], examined)),
  ]
}

/** A warning about an inbox relay that gives no canaries back. */
function leakChecks(url: string, roles: readonly RelayRole[], index: Index | undefined): RelayCheck[] {
  const since = leakySince(index?.relays[url])
  if (since === undefined || !roles.includes('inbox')) return []
  const detail = `it has said OK to messages and given none back since ${new Date(1000 * since).toISOString()}`
  const hint = `ask your owner for another relay: \`${P2P} config set relays.inbox …\` takes it; this one is tried again daily`
  return [{ name: `${url} canary`, relay: url, step: 'canary', ok: true, warning: true, detail, hint }]
}

/** A warning about a relay that limits how often we connect, and whether our presence there lapses for that. */
function limitChecks(
  url: string,
  roles: readonly RelayRole[],
  { index, config, relays, clock }: Probe<Index>,
): RelayCheck[] {
  const now = Math.floor(clock() / 1000)
  const memory = index?.relays[url]
  if (index === undefined || memory?.dialLimit === undefined || !limitsDials(memory, now)) return []
  const every = presenceEvery(index, relays?.presence ?? [], config?.presence.every ?? PRESENCE_EVERY, now)
  const { presenceTakenAt, presenceAt } = index.announced
  const lapses = (presenceTakenAt?.[url] ?? 0) + presenceLifetime(every)
  const until = memory.backoff?.until ?? 0
  const isOnline = presenceAt > 0 && now < presenceAt + presenceLifetime(every)
  const hasLapsed = roles.includes('presence') && isOnline && lapses <= Math.max(now, until)
  const lapse = !hasLapsed
    ? ''
    : lapses <= now
      ? '; your presence there has lapsed'
      : '; your presence there will lapse'
  const rest = until > now ? `; it is left alone until ${iso(until)}` : ''
  const detail = `it limits how often we connect, last at ${iso(memory.dialLimit.at)}; \`${P2P} announce\` goes there once in ${every} minutes, and a presence is good for ${presenceLifetime(every) / 60} minutes meanwhile${rest}${lapse}`
  const hint = `nothing is lost while another relay answers; a slower cron or another relay (\`${P2P} config set relays.presence …\`) asks less of it`
  return [{ name: `${url} limits`, relay: url, step: 'limits', ok: true, warning: true, detail, hint }]
}

function iso(seconds: number): string {
  return new Date(1000 * seconds).toISOString()
}

/** Seconds for which `doctor` tells that another machine was found. */
const MACHINE_TOLD_FOR = 7 * 24 * 3600

function machineChecks(index: Index | undefined, now: number): DoctorCheck[] {
  const { found } = index?.machine ?? {}
  if (found === undefined || hasPassed(found.at, MACHINE_TOLD_FOR, now)) return []
  const detail = found.lives
    ? 'another machine uses this identity'
    : 'this state is older than what this identity has written, or another machine uses it'
  const hint = 'two machines that share one identity lose messages to each other: give each an identity of its own'
  return [{ name: 'state', ok: true, warning: true, detail, hint }]
}

/** A warning where all relays of a role name the same operator (NIP-11 `pubkey`). */
function operatorChecks(
  role: RelayRole,
  urls: readonly string[],
  examined: readonly Pick<RelayExamination, 'url' | 'introduction'>[],
): DoctorCheck[] {
  const operators = urls.map((url) => examined.find((one) => one.url === url)?.introduction.info?.operator)
  const [first] = operators
  if (urls.length < 2 || first === undefined || operators.some((one) => one !== first)) return []
  const detail = `all ${urls.length} relays of relays.${role} name one operator (${npubEncode(first)}): when it is away, so are all of them`
  const hint = `add one of somebody else's: \`${P2P} config set relays.${role} …\``
  return [{ name: 'operators', ok: true, warning: true, detail, hint }]
}

/** The one failure for all checks that failed; undefined when none did. */
export function faultsIn(checks: readonly DoctorCheck[]): Failure | undefined {
  const bad = checks.filter((check) => !check.ok).map((check) => check.name)
  if (bad.length === 0) return undefined
  const what = `${bad.length} of ${checks.length} checks failed: ${[...new Set(bad)].join(', ')}`
  return new Failure('DOCTOR', what, 'each check that failed says what to do about it')
}

const ROLES: readonly RelayRole[] = ['inbox', 'presence', 'lookup']

type RelayPlan = Omit<ExaminationPlan, 'routeTo' | 'now' | 'trace'>

function planFor(
  url: string,
  roles: readonly RelayRole[],
  { keys, clock, budget, index }: Probe<Index>,
  deadline: number,
): RelayPlan {
  const common = { url, deadline, patience: budget / 2 }
  // Without a key of our own it can still be found out whether the relay can be reached.
  if (keys === undefined) return { ...common, keys: randomKeys(), questions: [], samples: () => [] }
  const now = Math.floor(clock() / 1000)
  const memory = index?.relays[url]
  return {
    ...common,
    keys,
    questions: roles.flatMap((role) => QUESTIONS[role](keys.pubkey, memory, now)),
    limit: askLimitOf(memory, now),
    subscriptions: subscriptionsOf(memory, now),
    samples: (ahead = 0) => {
      const stamp = Math.floor(clock() / 1000) - ahead
      return roles.flatMap((role) => SAMPLE_EVENTS[role](keys, stamp))
    },
  }
}

/** What commands ask the relays of a role, `now` in Unix s. */
const QUESTIONS: Readonly<Record<RelayRole, (me: string, memory: RelayMemory | undefined, now: number) => Filter[]>> = {
  inbox: (me, memory, now) =>
    mailboxQuestions(memory, now, { deep: false, compares: false }).map(({ part, ...span }) => mailboxFilter(me, span)),
  presence: (_me, _memory, now) => [presenceFilter(now - PRESENCE_LOOKBACK)],
  lookup: (me) => [ownListFilter(me)],
}

// A lookup relay takes nothing but lists, and ours is not to be replaced for a test.
const SAMPLE_EVENTS: Readonly<Record<RelayRole, (keys: Keys, stamp: number) => SampleEvent[]>> = {
  lookup: () => [],
  presence: (keys, stamp) => {
    // A d tag of its own, so that it takes no agent's place and nobody finds it on line; and a new one for each run, since
    // of two with one stamp a relay keeps the one with the lower id (NIP-01).
    const d = `p2p-comm-doctor-${randomInt(1_000_000_000)}`
    const tags = [
      ['d', d],
      ['expiration', String(stamp + SAMPLE_LIFETIME)],
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
      wrap(rumor, keys, keys.pubkey, { now: stamp, expiration: stamp + SAMPLE_LIFETIME, recent })
    const filter = ({ id }: Event) => ({ kinds: [WRAP_KIND], '#p': [keys.pubkey], ids: [id] })
    return [{ what: 'message', event: sealed(false), recent: sealed(true), filter }]
  },
}

function presenceTags({ config, relays }: Probe): number {
  const { name = '', about = '', capabilities = [] } = config ?? {}
  const self = { name, about, capabilities, inbox: relays?.inbox ?? [], busy: false, pow: config?.policy.pow ?? 0 }
  return presenceOf({ ...self, every: PRESENCE_EVERY, looked: 0, nip05: config?.nip05 }, 0).tags.length
}

function ownerChecks({ owner, hook }: NonNullable<Probe['config']>, programPath: Probe['programPath']): DoctorCheck[] {
  const { npub, webhook, command, openclaw } = owner
  const chat = openclaw.target !== undefined || openclaw.channel !== undefined
  const channels = [
    ...(npub === undefined ? [] : ['nostr']),
    ...(chat ? ['openclaw'] : []),
    ...(webhook === undefined ? [] : ['webhook']),
    ...(command.length === 0 ? [] : ['command']),
  ]
  const missing = (key: string, program: string | undefined): DoctorCheck[] => {
    if (program === undefined || programPath(program) !== undefined) return []
    const hint = `install it, or set another: \`${P2P} config set ${key} …\``
    return [{ name: 'owner', ok: false, detail: `${key}: there is no program ${JSON.stringify(program)}`, hint }]
  }
  const alone: DoctorCheck = {
    ...{ name: 'owner', ok: true, warning: true, detail: 'no channel is set: escalations reach the log only' },
    hint: `\`${P2P} config set owner.npub npub1…\` or \`${P2P} config set owner.openclaw.target …\` sets one`,
  }
  return [
    channels.length === 0 ? alone : { name: 'owner', ok: true, detail: `is told through ${channels.join(', ')}` },
    ...missing('owner.command', command[0]),
    ...missing('owner.openclaw', chat ? 'openclaw' : undefined),
    ...(openclaw.channel !== undefined && openclaw.target === undefined ? [openclawTargetMissing] : []),
    ...missing('hook.command', hook.command[0]).map((check) => ({ ...check, name: 'hook' })),
  ]
}

const openclawTargetMissing: DoctorCheck = {
  ...{ name: 'owner', ok: false, detail: 'owner.openclaw.channel is set, and owner.openclaw.target is not' },
  hint: `\`${P2P} config set owner.openclaw.target …\` names your owner in that channel`,
}
