// Fuzzes what peers say: signals, names of files, texts, and whole mailboxes, up to the transcripts that are made of them.

import { isDeepStrictEqual } from 'node:util'
import type { AgentDirectory } from '../../src/call/agents.ts'
import { safeName } from '../../src/call/filename.ts'
import { LIMIT } from '../../src/call/signal.ts'
import { parseSignal, signalTemplate } from '../../src/call/signal-codec.ts'
import { excerptOf } from '../../src/call/transcript/excerpt.ts'
import { htmlOf } from '../../src/call/transcript/html.ts'
import { markdownOf } from '../../src/call/transcript/markdown.ts'
import { textOf } from '../../src/call/transcript/text.ts'
import { transcriptOf } from '../../src/call/transcript/transcript.ts'
import { plain, quoteLines } from '../../src/call/wording.ts'
import { parseRumor, type Rumor, rumorOf } from '../../src/nostr/event.ts'
import { cleanLine, cleanText, foreign, foreignText } from '../../src/sanitize.ts'
import { answerByPolicy, endCallsAsOwed, receiptsDue } from '../../src/state/receipts.ts'
import { receiveAll } from '../../src/state/receive.ts'
import { callsOf, emptyIndex, type State } from '../../src/state/state.ts'
import { stateCodec } from '../../src/state/state-codec.ts'
import { NASTY, randomText, spoiledJson, spoiledText } from './mutate.ts'
import type { SeededChoices } from './random.ts'
import { agents, call, NOW, rumors, stranger } from './samples.ts'
import { type Fault, faultOf, isCleanText, target } from './target.ts'

const { caller, callee } = agents

/** A rumor of the call with something spoiled, under the id that it has then; undefined where it can no longer be read. */
function spoiled(chance: SeededChoices): Rumor | undefined {
  const { id: _, ...sample } = chance.pick(rumors)
  const rumor = parseRumor(spoiledJson(chance, chance.often(80) ? { ...sample, tags: sample.tags } : sample))
  return rumor
}

const signals = target('signals', 110, spoiled, (rumor): Fault => {
  const signal = rumor && parseSignal(rumor)
  if (rumor === undefined || signal === undefined) return undefined
  const { body, seq, prev, ack, read, re, to, at } = signal
  const place = { call: body.type === 'request' ? undefined : signal.call, to, seq, prev, ack, read, re }
  const again = parseSignal(rumorOf(signalTemplate(body, place, at), signal.from))
  return faultOf({
    'its numbers are in bounds': [seq, ack.seq].every((n) => Number.isInteger(n) && n >= 0 && n <= LIMIT.seq),
    'its links are ids': [prev, ack.id].every((id) => id === undefined || /^[0-9a-f]{64}$/.test(id)),
    'its call is an id': /^[0-9a-f]{64}$/.test(signal.call),
    'it is read as it is written':
      JSON.stringify(again?.body) ===
      JSON.stringify(parseSignal(rumorOf(signalTemplate(again?.body ?? body, place, at), signal.from))?.body),
    'written again it is the same':
      again !== undefined && again.body.type === body.type && again.body.text === body.text,
  })
})

const names = target(
  'file names',
  60,
  (chance) => spoiledText(chance, ['report.json', '../../.ssh/id', 'con.txt', 'a.tar.gz', ...NASTY]),
  (word) => {
    const name = safeName(word)
    return faultOf({
      'it has a length': name.length > 0 && Buffer.byteLength(name) <= 120,
      'it is one name': !/[/\\\p{Cc}\p{Cf}]/u.test(name) && name !== '.' && name !== '..',
      'it hides nothing': !/^[.\s-]|[.\s]$/.test(name) && name.isWellFormed(),
      'it is safe again': safeName(name) === name,
    })
  },
)

const words = target(
  'words',
  60,
  (chance) => (chance.often(50) ? spoiledText(chance, ['Is v2 final?\nYes', ...NASTY]) : randomText(chance).repeat(9)),
  (said) => {
    const lines = quoteLines(foreignText(said)).map(plain)
    return faultOf({
      'one line is tame': isCleanText(cleanLine(said)) && cleanLine(said).length <= 201,
      'each line is tame': lines.every((line) => isCleanText(line.replaceAll('\t', ' '))),
      'each line is marked': lines.every((line) => line.startsWith('  peer> ')),
      'twice is as once': cleanText(cleanText(said)) === cleanText(said),
    })
  },
)

type Mail = {
  opened: { id: string; stamp: number; bits: number; rumor?: Rumor; reason?: string }[]
  seen: 'caller' | 'callee'
}

const people: AgentDirectory = { contacts: [], owner: undefined, names: {} }
const admission = {
  trust: () => 'unknown' as const,
  calls: 'anyone' as const,
  silent: false,
  pow: 0,
  autoAnswer: 'nobody' as const,
}

const mailboxes = target(
  'mailboxes',
  8,
  (chance): Mail => {
    const good = call.said.map((said) => said.rumor)
    const many = Array.from({ length: 5 + chance.int(20) }, () =>
      chance.often(50) ? chance.pick(good) : spoiled(chance),
    )
    const opened = many.map((rumor, n) => ({
      ...{ id: `${n}`.padStart(64, '0'), stamp: NOW, bits: 0 },
      ...(rumor === undefined ? { reason: 'bad-rumor' } : { rumor }),
    }))
    return { opened, seen: chance.pick(['caller', 'callee'] as const) }
  },
  ({ opened, seen }) => {
    const me = seen === 'caller' ? caller.pubkey : callee.pubkey
    const start: State = seen === 'caller' ? call.states[0] : { index: { ...emptyIndex(), agent: me }, logs: {} }
    const hearing = { me, now: NOW + 200, completeReads: [], admission }
    const { state, callsHeard } = receiveAll(start, opened, hearing)
    const again = receiveAll(state, opened, hearing).state
    const calls = callsOf(state, me, NOW + 200)
    receiptsDue(state, calls, { callsHeard, speaking: [], now: NOW + 200, admission })
    answerByPolicy(calls, admission, { name: '', relays: [] })
    endCallsAsOwed(calls)
    for (const one of calls) told(state, one)
    return faultOf({
      'twice is as once': JSON.stringify(again.logs) === JSON.stringify(state.logs),
      'it is read as it is kept': isDeepStrictEqual(kept(stateCodec.parse(kept(state.index))), kept(state.index)),
      'calls are read as they are kept': Object.values(state.logs).every((log) =>
        isDeepStrictEqual(kept(stateCodec.parseLog(kept(log))), kept(log)),
      ),
      'nobody else has a say': calls.every((one) =>
        one.lines.every((l) => [one.caller, one.callee].includes(l.signal.from)),
      ),
    })
  },
)

/** A value as a file holds it: without minus zero and undefined. */
function kept(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** Renders a call in all forms. Throws where that fails. */
export function told(state: State, one: ReturnType<typeof callsOf>[number]): void {
  const log = state.logs[one.id]
  if (log === undefined) return
  const transcript = transcriptOf(
    one,
    log,
    { npub: '', pubkey: stranger.pubkey, name: foreign``, trust: 'unknown' },
    people,
  )
  for (const shown of [excerptOf(transcript, 0), excerptOf(transcript, 500)]) {
    textOf(shown)
    markdownOf(shown)
    htmlOf(shown)
  }
}

export const signalTargets = [signals, names, words, mailboxes]
