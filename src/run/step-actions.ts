// Makes actions of what a step has decided: what is said, acknowledged, uploaded and asked.
import type { RecordedSignal } from '../state/record-signals.ts'
import { relaysToProbe } from '../state/relay-limits.ts'
import type { SignalStepResult } from '../state/signal-step.ts'
import type { State } from '../state/state.ts'
import type { Action, StepOptions } from './action.ts'
import { bindingOfReceipt, bindingOfSignal } from './call-keys.ts'
import type { RunContext } from './context.ts'
import { routeFinder } from './publish.ts'
import type { SyncResult } from './sync-result.ts'

/** The signals that are due in calls, and the receipts that are owed. */
export function signalActions(
  { signalsDue, receiptsOwed, said }: SignalStepResult,
  state: State,
  context: RunContext,
): Action[] {
  const routeOf = routeFinder(context, state)
  const saidNow = new Set(said.map(({ rumor }) => rumor.id))
  return [
    ...signalsDue.map((due): Action => {
      const said = saidNow.has(due.rumor.id)
      return { type: 'signal', due, route: routeOf(due.to), said, binding: bindingOfSignal(state, due) }
    }),
    ...receiptsOwed.map((receipt): Action => {
      return { type: 'receipt', receipt, route: routeOf(receipt.to), binding: bindingOfReceipt(state, receipt) }
    }),
  ]
}

/** Those of the actions that carry out the command's own words. */
export function ownActions(actions: readonly Action[], own: readonly RecordedSignal[]): Action[] {
  const said = new Set(own.map(({ rumor }) => rumor.id))
  return actions.filter((one) => one.type === 'upload-file' || (one.type === 'signal' && said.has(one.due.rumor.id)))
}

/** Uploads of the files that go to our server before they are announced; none where no server is set. */
export function uploadActions({ decision }: SignalStepResult, { environment }: RunContext): Action[] {
  const { server } = environment.config.file
  if (server === undefined) return []
  return (decision.uploads ?? []).map((upload): Action => ({ type: 'upload-file', upload, server }))
}

/** Asks relays whether they speak NIP-77, where that would have spared this run much. */
export function probeActions(
  { index }: State,
  { answers }: SyncResult,
  { needs }: StepOptions,
  { now }: RunContext,
): Action[] {
  if (needs.network !== true) return []
  const mailboxes = answers.filter((a) => a.name === 'inbox')
  const relays = relaysToProbe(index, mailboxes, now)
  return relays.length === 0 ? [] : [{ type: 'probe-nip77', relays }]
}
