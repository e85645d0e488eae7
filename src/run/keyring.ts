// The call keys that open what comes in during a run.
import type { Log } from '../call/log.ts'
import { secrecyIn } from '../call/secrecy.ts'
import type { CallBinding } from '../nostr/call-key.ts'
import type { CallKeyring } from '../nostr/nip59-unwrap.ts'
import { openKeyring, type TriedCalls } from '../state/call-keyring.ts'
import { awaitedPeers, hasKey } from '../state/early-seals.ts'
import type { RunContext } from './context.ts'

/** The keys of the calls that are on disk now. `tried`: which keys were tried on which seals; undefined for what the index remembers. */
export function keyringFor({ environment, now }: RunContext, tried?: TriedCalls): CallKeyring {
  const { store, callKeys } = environment
  const { index, logs } = store.read()
  const calls = Object.entries(index.calls).flatMap(([id, call]) => {
    const { peer, own, last } = call
    return hasKey(call, now) ? [{ id, peer, owed: own.queued + own.relayed > 0, heard: last }] : []
  })
  const keyOf = (call: string) => {
    const binding = bindingIn(logs[call] ?? store.read([call]).logs[call])
    return binding && callKeys.keyOf(binding)
  }
  return openKeyring({ calls, tried: tried ?? index.triedKeys ?? {}, keyOf, ...awaitedPeers(index, now) })
}

/** The binding of a call's key; undefined where the call has none. */
export function bindingIn(log: Log | undefined): CallBinding | undefined {
  const secrecy = log && secrecyIn(log)
  return secrecy?.sealedWith === 'call' ? secrecy.binding : undefined
}
