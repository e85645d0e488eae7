// A whole call, which the code of src/ makes between two states in memory, at fixed times.
import type { IntendedSignal } from '../../src/call/decision.ts'
import { chunksOf } from '../../src/call/file-transfer.ts'
import { lastSignal } from '../../src/call/replay.ts'
import { signalTemplate } from '../../src/call/signal-codec.ts'
import { type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { receiveAll } from '../../src/state/receive.ts'
import { recordSignals } from '../../src/state/record-signals.ts'
import { emptyIndex, type State } from '../../src/state/state.ts'
import { keysOf } from './seeded-bytes.ts'

export const NOW = 1_795_000_000

export const agents = { caller: keysOf('p2p-comm caller'), callee: keysOf('p2p-comm callee') }

export type SaidSignal = { op: string; from: string; to: string; rumor: Rumor }

/** Makes the call. Gives its id, everything that was said, in order, and the states of caller and callee after it. */
export function aWholeCall(): { id: string; said: SaidSignal[]; states: [State, State] } {
  const [a, b] = [agents.caller.pubkey, agents.callee.pubkey]
  const talk = newTalk()
  const relays = ['wss://relay.example']
  const id = talk.say(a, {
    to: b,
    call: undefined,
    body: { type: 'request', text: 'API review', deadline: NOW + 900, name: 'ada', relays },
  })
  const from = (who: string, body: IntendedSignal['body'], re?: string) =>
    talk.say(who, { to: who === a ? b : a, call: id, body, ...(re !== undefined && { re }) })
  from(b, { type: 'accept', text: 'Sure.', name: 'ben', relays })
  from(a, { type: 'message', text: 'Is v2 final? "Yes" or “no” 🙂' })
  from(b, { type: 'message', text: 'Paging is missing.\nOtherwise it is.' })
  for (const body of chunksOf('report.json', 'application/json', Buffer.from('{"data": true}'), 'vectors'))
    from(a, body)
  from(b, { type: 'propose', text: 'Paging by cursor, in v2.1.' })
  const [proposal] = talk.said.slice(-1)
  from(a, { type: 'agree', text: '' }, proposal?.rumor.id)
  from(b, { type: 'progress', text: 'half of it' })
  from(b, { type: 'escalate', text: 'May I see the contract?' })
  talk.receipt(a, b, id)
  from(a, { type: 'end', text: 'Bye.', outcome: 'done', expired: false })
  from(b, { type: 'end', text: '', expired: false })
  talk.receipt(a, b, id)
  return { id, said: talk.said, states: talk.states() }
}

function newTalk() {
  const states = new Map<string, State>(
    [agents.caller, agents.callee].map(({ pubkey }) => [
      pubkey,
      { index: { ...emptyIndex(), agent: pubkey }, logs: {} },
    ]),
  )
  const said: SaidSignal[] = []
  let now = NOW
  const bookOf = (who: string): State => states.get(who) ?? { index: emptyIndex(), logs: {} }
  const deliver = (op: string, to: string, rumor: Rumor) => {
    said.push({ op, from: rumor.pubkey, to, rumor })
    const opened = [{ id: rumor.id, stamp: now, bits: 0, rumor }]
    const admission = { trust: () => 'unknown' as const, calls: 'anyone' as const, silent: false, pow: 0 }
    states.set(to, receiveAll(bookOf(to), opened, { me: to, now, completeReads: [], admission }).state)
  }
  return {
    said,
    states: (): [State, State] => [bookOf(agents.caller.pubkey), bookOf(agents.callee.pubkey)],
    say(who: string, signal: IntendedSignal): string {
      now += 5
      const spoken = recordSignals(bookOf(who), [signal], { me: who, now, pid: 1 })
      states.set(who, spoken.state)
      const [one] = spoken.said
      if (one === undefined) throw new Error('nothing was said')
      deliver(signal.body.type, one.to, one.rumor)
      return one.call
    },
    receipt(who: string, to: string, call: string): void {
      now += 5
      const log = bookOf(who).logs[call]
      if (log === undefined) throw new Error('no such call')
      const place = { call, to, seq: 0, prev: undefined, ack: lastSignal(log, to) }
      deliver('receipt', to, rumorOf(signalTemplate({ type: 'receipt', text: '', missing: [] }, place, now), who))
    },
  }
}
