// Fuzzes what we keep: state.json, the files of calls and the files of letters.

import { type AgentDirectory, agentOf } from '../../src/call/agents.ts'
import { letterItem } from '../../src/call/inbox-items.ts'
import { replay } from '../../src/call/replay.ts'
import { endCallsAsOwed, receiptsDue } from '../../src/state/receipts.ts'
import { receiveAll } from '../../src/state/receive.ts'
import { callsOf } from '../../src/state/state.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import { spoiledJson } from './mutate.ts'
import { agents, call, mustBe, NOW } from './samples.ts'
import { told } from './signals.ts'
import { type Fault, faultOf, target } from './target.ts'

const me = agents.callee.pubkey
const state = call.states[1]
const log = mustBe(state.logs[call.id])
const NOBODY: AgentDirectory = { contacts: [], owner: undefined, names: {} }
const admission = { trust: () => 'unknown' as const, calls: 'anyone' as const, silent: false, pow: 0 }

/** An index with something of every kind in it. */
const { rumor } = mustBe(call.said[2])
const entry = { wrappedAt: NOW, wrapCount: 1, accepted: ['wss://relay.example'], failed: [] }
const FULL = {
  ...state.index,
  ...{
    relays: { 'wss://relay.example': { cursor: NOW } },
    orphanCalls: [{ call: rumor.id, from: agents.caller.pubkey, heard: NOW, completeReads: 1, said: 1, end: rumor }],
    lostTold: { [agents.caller.pubkey]: NOW },
    forgotten: { [rumor.id]: NOW },
    wakes: { a: { at: 1, times: 1 } },
  },
  letterLogs: { [agents.caller.pubkey]: { open: true, bytes: 1, last: NOW } },
  outgoingLetters: { [rumor.id]: { to: agents.caller.pubkey, rumor, entry } },
  peers: { [agents.caller.pubkey]: { inbox: ['wss://relay.example'], looked: 1, hints: [], name: 'ada', pow: 0 } },
}

const stateJson = target(
  'state.json',
  14,
  (chance) => spoiledJson(chance, FULL),
  (value): Fault => {
    const index = stateCodec.parse(value)
    if (index === undefined || index === 'newer') return undefined
    const held = { index, logs: state.logs }
    const heard = receiveAll(held, [], { me, now: NOW + 300, completeReads: [], admission }).state
    const calls = callsOf(heard, me, NOW + 300)
    stateCodec.open(heard.index)
    endCallsAsOwed(calls)
    receiptsDue(heard, calls, { callsHeard: [], speaking: [], now: NOW + 300, admission })
    for (const { peer, name } of Object.values(heard.index.calls)) agentOf(NOBODY, peer, name)
    for (const { to } of Object.values(heard.index.outgoingLetters)) agentOf(NOBODY, to)
    return faultOf({ 'it is still an index': heard.index.version === 2 && Array.isArray(heard.index.orphanCalls) })
  },
)

const calls = target(
  'call files',
  14,
  (chance) => spoiledJson(chance, log),
  (value): Fault => {
    const read = stateCodec.parseLog(value)
    if (read === undefined || read === 'newer') return undefined
    const held = { index: state.index, logs: { [read.id]: read } }
    replay(read, me, NOW)
    for (const one of callsOf(held, me, NOW)) told(held, one)
    stateCodec.rebuild(new Map([[read.id, read]]))
    return faultOf({
      'what is owed is in the log': Object.keys(read.outbox).every((id) => read.entries[id] !== undefined),
    })
  },
)

const LETTERS = {
  ...{ version: 1, peer: agents.caller.pubkey },
  letters: { [rumor.id]: { rumor, heard: NOW, unread: true, file: { path: '/x' } } },
}

const letters = target(
  'files of letters',
  14,
  (chance) => spoiledJson(chance, LETTERS),
  (value): Fault => {
    const read = stateCodec.letters.parse(value)
    if (read === undefined || read === 'newer') return undefined
    for (const letter of Object.values(read.letters)) letterItem(letter, NOBODY)
    const held = { index: stateCodec.rebuild(new Map(), new Map([[read.peer, read]])), logs: {} }
    const heard = receiveAll({ ...held, letters: { [read.peer]: read } }, [], {
      me,
      now: NOW,
      completeReads: [],
      admission,
    }).state
    return faultOf({
      'none is lost unread':
        Object.keys(heard.letters?.[read.peer]?.letters ?? {}).length > 0 || Object.keys(read.letters).length === 0,
    })
  },
)

export const storedFileTargets = [stateJson, calls, letters]
