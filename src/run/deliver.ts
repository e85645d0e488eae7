// Publishing what a turn owes, and what the relays answered; once more to peers who turn out to have moved.
// What relays have taken, written down while the rest is still on its way: whoever is killed in the middle of a file need not
// say again what was said.
// Carrying out a turn: peers are told through relays and the owner through its channels, side by side.

import type { OwnerTold } from '../state/escalations.ts'
import { recordLettersSent } from '../state/letters.ts'
import { type PublishResult, recordPublished } from '../state/outbox.ts'
import { doubtPeers, rememberPeers } from '../state/peer-memory.ts'
import { recordReceiptsTaken } from '../state/receipts.ts'
import { recordObservations } from '../state/relay-memory.ts'
import { callsOf, type State } from '../state/state.ts'
import { assembleFiles } from './assemble-files.ts'
import { type RunContext, speakerOf } from './context.ts'
import { type OutgoingBatch, type PublishedBatch, publishAll } from './publish.ts'
import { routeTo } from './route.ts'
import type { DeliveryResult, StepResult } from './step.ts'
import { lookAgain } from './sync.ts'
import { type EscalationResult, recordOwnerAnswers, tellOwner } from './tell-owner.ts'

/** What is said in so few letters is over before it could be cut short. */
const FEW_EVENTS = 3

/** Undefined where there was nothing to say. */
export async function deliver(context: RunContext, result: StepResult): Promise<DeliveryResult | undefined> {
  const { environment, now } = context
  if (result.dues.length === 0 && result.acks.length === 0) return undefined
  const calls = callsOf(result.state, environment.keys.pubkey, now)
  const routeIn = (state: State) => (peer: string) => routeTo(context, state, calls, peer)
  const outgoing = { ...result, route: routeIn(result.state), stamp: now }
  const ledger = openResultWriter(context)
  const first = await publishAll(context, outgoing, result.dues.length > FEW_EVENTS ? ledger.note : undefined)
  const written = await ledger.close()
  const seen = await lookAgain(context, result.state.index, first.lost)
  const { lost, ...second } = await publishAgain(
    context,
    outgoing,
    first,
    routeIn(rememberPeers(result.state, seen, now)),
  )
  const credits = [...first.credits.filter((c) => !written.has(c.rumor)), ...second.credits]
  const acked = [...first.told, ...second.told]
  return {
    touched: [...credits, ...acked].map((c) => c.call).filter((call) => call !== ''),
    callsOnly: credits.length === 0 && first.lost.length === 0,
    note(fresh) {
      const speaker = speakerOf(context)
      const shown = recordObservations(fresh, environment.pool.observed(), now)
      const met = doubtPeers(rememberPeers(shown, seen, now), lost)
      return recordReceiptsTaken(recordPublished(recordLettersSent(met, credits, speaker), credits, speaker), acked)
    },
  }
}

/** The same wraps to the peers who read elsewhere by now, as `route` has it. `lost`: who is so after both tries. */
async function publishAgain(
  context: RunContext,
  outgoing: OutgoingBatch,
  { credits, lost }: PublishedBatch,
  route: OutgoingBatch['route'],
): Promise<PublishedBatch> {
  const moved = lost.filter((peer) => {
    const before = outgoing.route(peer).relays
    return route(peer).relays.some((url) => !before.includes(url))
  })
  if (moved.length === 0) return { credits: [], told: [], lost }
  const dues = outgoing.dues.filter(({ to }) => moved.includes(to))
  const spoken = await publishAll(context, {
    dues: dues.map((due) => ({ ...due, wrap: credits.find((c) => c.rumor === due.rumor.id)?.wrap ?? due.wrap })),
    acks: outgoing.acks.filter(({ to }) => moved.includes(to)),
    route,
    stamp: outgoing.stamp,
  })
  return { ...spoken, lost: lost.filter((peer) => !moved.includes(peer) || spoken.lost.includes(peer)) }
}

export type ResultWriter = {
  note(credits: PublishResult[]): void
  /** Waits for what is being written; the rumors whose credits are on disk. The others are for the caller to write. */
  close(): Promise<ReadonlySet<string>>
}

/** A write takes longer the larger the call is; between two of them passes three times as much. */
const WRITE_PAUSE_RATIO = 3

export function openResultWriter(context: RunContext): ResultWriter {
  const { environment } = context
  const written = new Set<string>()
  let waiting: PublishResult[] = []
  let writing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let pause = 0
  let closed = false

  async function write(): Promise<void> {
    const credits = waiting
    waiting = []
    const began = environment.clock()
    const calls = credits.map((c) => c.call).filter((call) => call !== '')
    await environment.store.update(calls, (fresh) => {
      const speaker = speakerOf(context)
      return {
        snapshot: recordPublished(recordLettersSent(fresh, credits, speaker), credits, speaker),
        value: undefined,
      }
    })
    for (const { rumor } of credits) written.add(rumor)
    pause = WRITE_PAUSE_RATIO * (environment.clock() - began)
  }

  function plan(): void {
    if (closed || timer !== undefined || writing !== undefined || waiting.length === 0) return
    timer = setTimeout(begin, pause)
  }

  function begin(): void {
    timer = undefined
    // A disk that is full is heard of at the end of the run, when all of it is to be written.
    writing = write().catch(() => {})
    void writing.then(() => {
      writing = undefined
      plan()
    })
  }

  return {
    note(credits) {
      waiting.push(...credits)
      plan()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await writing
      return written
    },
  }
}

/** `escalation`: what came of the one that the command is; `answers`: of all that the owner was told, by channel. */
export type ExecutionResult = { state: State; escalation: EscalationResult | undefined; answers: readonly OwnerTold[] }

export async function execute(context: RunContext, result: StepResult): Promise<ExecutionResult> {
  const [delivered, answers] = await Promise.all([deliver(context, result), tellOwner(context, result)])
  const said = delivered === undefined ? result.state : await saveDelivery(context, delivered)
  const { state, escalation } = await recordOwnerAnswers(context, result, said, answers)
  return { state: await assembleFiles(context, state), escalation, answers }
}

async function saveDelivery({ environment }: RunContext, { touched, note, callsOnly }: DeliveryResult): Promise<State> {
  return await environment.store.update(touched, (fresh) => {
    const snapshot = note(fresh)
    return { snapshot, value: snapshot, callsOnly }
  })
}
