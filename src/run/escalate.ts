// `escalate` within a step: the question is written down for every channel before any channel is told, and in the log afterwards.
import { agentOf } from '../call/agents.ts'
import { type Escalation, escalationOf, escalationText } from '../call/escalation.ts'
import type { Intent, IntentOf } from '../call/intent.ts'
import { quoteRelayReason } from '../call/wording.ts'
import type { Failure } from '../errors.ts'
import { sha256, toHex } from '../nostr/crypto.ts'
import { type Foreign, foreign, foreignText } from '../sanitize.ts'
import { directMessage, oweLetter } from '../state/letters.ts'
import { delivery } from '../state/outbox.ts'
import { namesOf } from '../state/peer-memory.ts'
import { type DueEscalation, openEscalation } from '../state/pending-escalations.ts'
import type { RecordedSignal } from '../state/record-signals.ts'
import { callsOf, type State } from '../state/state.ts'
import { type ActionOf, type ActionResult, type ChannelResult, resultsOf } from './action.ts'
import { authorOf, type RunContext } from './context.ts'

/** Writes a question to the owner into the state. `asked`: the escalation, where the command asks one and is not refused. */
export function queueEscalation(
  state: State,
  intent: Intent | undefined,
  decided: { refusal: Failure | undefined; said: readonly RecordedSignal[] } | undefined,
  context: RunContext,
): { state: State; asked: Escalation | undefined } {
  if (intent?.type !== 'escalate' || decided === undefined || decided.refusal !== undefined)
    return { state, asked: undefined }
  if (intent.answered !== undefined) return { state, asked: undefined }
  const asked = escalationIn(state, intent, decided.said, context)
  const { environment } = context
  const letter = escalationLetter(context, asked)
  const owed = letter === undefined ? state : oweLetter(state, letter.rumor, letter.to)
  return { state: openEscalation(owed, asked, environment.owner.channels, letter?.rumor.id), asked }
}

/** One line for the log per escalation that the owner was told of for the first time: which channels it has reached. */
export function linesToLog(
  state: State,
  done: readonly ActionResult[],
  context: RunContext,
): ActionOf<'log-escalation'>[] {
  const logged = resultsOf('log-escalation', done).map(({ action }) => action.due.escalation.id)
  return resultsOf('tell-owner', done).flatMap(({ action: { due }, told }) => {
    const { escalation, channels } = due
    if (!due.neverTold || logged.includes(escalation.id)) return []
    const { owner } = context.environment
    const results: ChannelResult[] = [
      ...peerResult(escalation, state),
      ...nostrResult(context, due, state),
      ...owner.channels.filter((c) => channels.includes(c)).map((c) => channelResult(c, told.results[c])),
    ]
    return [{ type: 'log-escalation', due, told, channels: results }]
  })
}

/** How one channel did. `error`: why the owner was not told through it; undefined where the owner was. */
function channelResult(channel: ChannelResult['channel'], error: Foreign | undefined): ChannelResult {
  return error === undefined ? { channel, ok: true } : { channel, ok: false, error }
}

function escalationIn(
  state: State,
  { text, tell = '' }: IntentOf<'escalate'>,
  said: readonly RecordedSignal[],
  { environment, now, people }: RunContext,
): Escalation {
  const own = said.at(-1)
  const call = callsOf(state, environment.keys.pubkey, now).find((c) => c.id === own?.call)
  const known = { ...people, names: namesOf(state) }
  const me = { ...agentOf(known, environment.keys.pubkey), name: foreignText(environment.config.name, 64) }
  const peer = call === undefined ? undefined : agentOf(known, call.peer, call.peerName)
  const id = own?.rumor.id ?? toHex(sha256(Buffer.from(`${me.pubkey} ${now} ${environment.claimant.pid} ${text}`)))
  return escalationOf(text, { id, at: now, me, call, peer, told: call === undefined ? '' : tell })
}

// If the owner's key is our own, the letter would go to ourselves: nobody would be told, and it would look as if somebody had been.
function escalationLetter(context: RunContext, asked: Escalation) {
  const to = context.environment.ownerKey
  if (to === undefined || to === context.environment.keys.pubkey) return undefined
  return {
    to,
    rumor: directMessage(escalationText(asked, 'To answer, just reply to this message.'), to, authorOf(context)),
  }
}

function peerResult({ id, call }: Escalation, state: State): ChannelResult[] {
  const log = state.logs[call]
  if (call === '' || log?.entries[id] === undefined) return []
  const queued = delivery(log, id).state === 'queued'
  return [channelResult('peer', queued ? foreign`no relay took it; it goes out with the next command` : undefined)]
}

function nostrResult({ environment }: RunContext, { letter }: DueEscalation, state: State): ChannelResult[] {
  if (letter === undefined) {
    const own = environment.ownerKey === environment.keys.pubkey
    return own
      ? [channelResult('nostr', foreign`owner.npub is this agent's own key; set it to the key of its owner`)]
      : []
  }
  const held = state.index.outgoingLetters[letter]
  if (held === undefined) return [channelResult('nostr', undefined)]
  const why = held.entry.failed.map(quoteRelayReason).join('; ')
  return [
    channelResult(
      'nostr',
      foreign`no relay took it; it goes out with the next command${why === '' ? '' : ` (${why})`}`,
    ),
  ]
}
