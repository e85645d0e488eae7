// Examines one relay step by step: what it says of itself, connect, ask, AUTH, write, read back. The first step that fails is the last.
import type { Keys } from '../../nostr/crypto.ts'
import type { Event } from '../../nostr/event.ts'
import type { Filter } from '../../nostr/filter.ts'
import type { Reason, Refusal } from '../../nostr/messages.ts'
import { type Foreign, foreign } from '../../sanitize.ts'
import type { HttpRoute } from '../http/agent.ts'
import { fetchRelayInfo, type RelayIntroduction } from '../nip11.ts'
import { type Connection, openConnection } from '../relay/connection.ts'
import { DEFAULT_PAGE_LIMIT } from '../relay/paging.ts'
import { publish } from '../relay/publish.ts'
import { type QueryAnswer, query } from '../relay/query.ts'
import { beforeAbort, sleep } from '../timers.ts'

/** An event that is written to a relay and read back. `recent`: the same with a stamp of now, for a relay that refuses old stamps. */
export type SampleEvent = { what: string; event: Event; recent?: Event; filter: (event: Event) => Filter }

export type ExaminationPlan = {
  url: string
  keys: Keys
  routeTo: (url: string) => Promise<HttpRoute>
  /** What commands ask a relay in its roles, asked all at once as they do; without questions only connecting is tried. */
  questions: readonly Filter[]
  /** The most events that it is known to let itself be asked for at a time, and the most questions. */
  limit?: number | undefined
  subscriptions?: number | undefined
  /** @param clockAhead our clock minus the relay's, in seconds, when it told its time */
  samples: (clockAhead: number | undefined) => SampleEvent[]
  /** Unix milliseconds by which all is over, and milliseconds that one step may take. */
  deadline: number
  patience: number
  now: () => number
  trace?: ((line: Foreign) => void) | undefined
}

export type RelayStep =
  | { step: 'connect' | 'auth' | 'write' | 'read'; ok: true; ms: number; note?: 'unasked' | 'stamps' }
  | {
      step: 'connect' | 'auth' | 'write' | 'read'
      ok: false
      what?: string
      reason: Reason | 'vanished'
      text: Foreign
    }

/** `subscriptions`: how many questions it answers at a time, where it has shown that it takes no more. */
export type RelayExamination = {
  url: string
  introduction: RelayIntroduction
  clockAhead?: number
  steps: RelayStep[]
  subscriptions?: number
}

/** Examines one relay. Never rejects, and leaves no connection open. */
export async function examineRelay(plan: ExaminationPlan): Promise<RelayExamination> {
  const { url, routeTo, keys, now, trace, patience, subscriptions } = plan
  const introduction = fetchRelayInfo(url, routeTo(url.replace(/^ws/, 'http')), patience)
  const connection = openConnection(url, {
    keys,
    now,
    trace,
    route: routeTo(url),
    handshakeMs: patience,
    subscriptions,
  })
  const steps: RelayStep[] = []
  for await (const step of stepsAt(connection, plan)) steps.push(step)
  const clockAhead = connection.measured()?.clockAhead ?? (await introduction).clockAhead
  const limit = connection.turns.limit()
  connection.close()
  return {
    ...{ url, introduction: await introduction, steps },
    ...(clockAhead !== undefined && { clockAhead }),
    ...(Number.isFinite(limit) && { subscriptions: limit }),
  }
}

async function* stepsAt(connection: Connection, plan: ExaminationPlan): AsyncGenerator<RelayStep> {
  const connected = await connectStep(connection, plan)
  yield connected
  if (!connected.ok || plan.questions.length === 0) return
  const asked = await askStep(connection, plan)
  yield* asked
  if (asked.some((step) => !step.ok)) return
  const samples = plan.samples(connection.measured()?.clockAhead)
  const written = await Promise.all(samples.map((sample) => writeStep(connection, plan, sample)))
  yield* worstStep(written.map(({ step }) => step))
  if (written.some(({ step }) => !step.ok)) return
  yield* worstStep(await Promise.all(written.map(({ sample, event }) => readBack(connection, plan, sample, event))))
}

function stepDeadline({ deadline, patience, now }: ExaminationPlan): number {
  return Math.min(deadline, now() + patience)
}

async function connectStep(connection: Connection, plan: ExaminationPlan): Promise<RelayStep> {
  const stop = connection.until(stepDeadline(plan))
  await beforeAbort(stop.signal, connection.ready)
  stop.clear()
  const measured = connection.measured()
  const lost = connection.lost()
  if (measured !== undefined && lost === undefined) return { step: 'connect', ok: true, ms: measured.latencyMs }
  return { step: 'connect', ok: false, ...(lost ?? connection.late(false)) }
}

// A relay asks for AUTH at once, or with its answer to a question, or never.
async function askStep(connection: Connection, plan: ExaminationPlan): Promise<RelayStep[]> {
  const began = plan.now()
  const answers = await Promise.all(
    plan.questions.map((question) => {
      // Asked for as many events as a command asks for at a time; what comes is not looked at.
      const filter = { limit: Math.min(DEFAULT_PAGE_LIMIT, plan.limit ?? DEFAULT_PAGE_LIMIT), ...question }
      return query(connection, { filter, deadline: stepDeadline(plan), take: () => undefined })
    }),
  )
  const answer = answers.find((one) => !isAnswered(one)) ?? answers[0]
  const state = connection.auth.state()
  const refusal = connection.auth.refusal() ?? refusalOf(answer ?? {})
  const ms = plan.now() - began
  if (answer !== undefined && isAnswered(answer) && state !== 'refused') {
    return [{ step: 'auth', ok: true, ms, ...(state === 'granted' ? {} : { note: 'unasked' as const }) }]
  }
  const gates: (Reason | undefined)[] = ['auth-required', 'restricted', 'blocked']
  const atGate = state === 'pending' || state === 'refused' || gates.includes(answer?.reason)
  return [{ step: atGate ? 'auth' : 'read', ok: false, ...refusal }]
}

function isAnswered({ complete, reason }: QueryAnswer): boolean {
  return complete || reason === 'slow' || reason === 'partial'
}

function refusalOf({ reason = 'error', text = foreign`` }: Partial<Refusal>): Refusal {
  return { reason, text }
}

async function writeStep(
  connection: Connection,
  plan: ExaminationPlan,
  sample: SampleEvent,
): Promise<{ sample: SampleEvent; event: Event; step: RelayStep }> {
  const began = plan.now()
  let { event } = sample
  let receipt = await publish(connection, event, stepDeadline(plan))
  const old = receipt.reason === 'timestamp' && sample.recent !== undefined
  if (old && sample.recent !== undefined) {
    event = sample.recent
    receipt = await publish(connection, event, stepDeadline(plan))
  }
  const ms = plan.now() - began
  const { accepted, reason, text } = receipt
  const step: RelayStep = accepted
    ? { step: 'write', ok: true, ms, ...(old ? { note: 'stamps' as const } : {}) }
    : { step: 'write', ok: false, what: sample.what, reason, text }
  return { sample, event, step }
}

// Some relays answer OK a moment before they can give the event back.
async function readBack(
  connection: Connection,
  plan: ExaminationPlan,
  { what, filter }: SampleEvent,
  event: Event,
): Promise<RelayStep> {
  const began = plan.now()
  const until = stepDeadline(plan)
  for (;;) {
    const answer = await query(connection, { filter: filter(event), deadline: until })
    if (answer.events.some(({ id }) => id === event.id)) return { step: 'read', ok: true, ms: plan.now() - began }
    if (!answer.complete) return { step: 'read', ok: false, what, ...refusalOf(answer) }
    if (plan.now() + 300 > until || !(await sleep(300, connection.gone))) {
      return { step: 'read', ok: false, what, reason: 'vanished', text: foreign`` }
    }
  }
}

/** One step in place of several: the first that failed, else the slowest, with the note of any. */
function worstStep(steps: readonly RelayStep[]): RelayStep[] {
  const bad = steps.find((step) => !step.ok)
  if (bad !== undefined) return [bad]
  const [slowest] = [...steps].sort((a, b) => (b.ok ? b.ms : 0) - (a.ok ? a.ms : 0))
  const note = steps.flatMap((step) => (step.ok && step.note !== undefined ? [step.note] : []))[0]
  return slowest === undefined ? [] : [{ ...slowest, ...(note === undefined ? {} : { note }) }]
}
