// Which call key seals what goes out in a run, and the opening of early seals (those that came before their accept).
import { goesUnderCallKey, sealedSignalOf } from '../call/secrecy.ts'
import { parseSignal } from '../call/signal-codec.ts'
import type { CallBinding } from '../nostr/call-key.ts'
import { type OpenedWrap, openedWrapOf } from '../nostr/nip59-unwrap.ts'
import { commitCalls } from '../state/call-index.ts'
import { openableSeals, recordEarlyOpened } from '../state/early-seals.ts'
import type { PendingSignal } from '../state/outbox.ts'
import type { PendingReceipt } from '../state/receipts.ts'
import type { State } from '../state/state.ts'
import { beginTransaction } from '../state/transaction.ts'
import type { Action, Executor } from './action.ts'
import type { RunContext } from './context.ts'
import { bindingIn, keyringFor } from './keyring.ts'

/** The binding of the call key that seals a signal of ours; undefined where the identities' key seals it. */
export function bindingOfSignal(state: State, { call, rumor }: Pick<PendingSignal, 'call' | 'rumor'>) {
  const binding = bindingIn(state.logs[call])
  const signal = binding && parseSignal(rumor)
  // A signal that a later version of this program wrote cannot be parsed here; it is no more for the identities' key than others.
  if (binding === undefined || signal === undefined) return binding
  return goesUnderCallKey(sealedSignalOf(signal, binding.caller)) ? binding : undefined
}

/** As `bindingOfSignal`, for a receipt. */
export function bindingOfReceipt(state: State, { call, fork, lost }: PendingReceipt): CallBinding | undefined {
  const answers = lost ? 'lost' : fork === undefined ? undefined : 'fork'
  return call !== undefined && goesUnderCallKey({ type: 'receipt', answers }) ? bindingIn(state.logs[call]) : undefined
}

/** The early seals whose accept is here now, as actions that open them. */
export function earlyActions(state: State, { now }: RunContext): Action[] {
  return openableSeals(state, now).map((early): Action => ({ type: 'open-early', early }))
}

/** Opens early seals and records what was in them. */
export const openEarly: Executor<'open-early'> = {
  async execute(action, context) {
    const { seals } = action.early
    const tried = Object.fromEntries(Object.entries(seals).map(([wrap, seal]) => [wrap, seal.tried]))
    const keyring = keyringFor(context, tried)
    const opened = Object.entries(seals).map(([wrap, { seal, stamp }]): OpenedWrap => {
      const result = context.environment.openSeal(seal, wrap, keyring)
      return openedWrapOf({ id: wrap, stamp, bits: 0 }, result)
    })
    return { type: 'open-early', action, opened }
  },
  record(state, done, { environment, now }) {
    if (done.length === 0) return state
    const edit = beginTransaction(state)
    for (const { action, opened } of done) recordEarlyOpened(edit, action.early.call, opened)
    return commitCalls(edit, { me: environment.keys.pubkey, now })
  },
}
