// What the user wants, against what the rules allow now: what to say, or why not. Pure.
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { fitsRelays } from '../nostr/nip59.ts'
import { agentOf } from './agents.ts'
import { ringingOf, ringingText } from './call-status.ts'
import { chooseCall, mayStill, noCallFailure, peerLabel } from './choose-call.ts'
import { sendFiles } from './decide-files.ts'
import { type Decision, type DecisionContext, type IntendedSignal, refuse } from './decision.ts'
import type { Intent, IntentOf } from './intent.ts'
import { letterRumor } from './letter.ts'
import { parseRef, proposalToAnswer, signalNamed } from './ref.ts'
import type { Call } from './replay.ts'
import { nextPhase } from './rules.ts'
import { type Body, LIMIT } from './signal.ts'
import { decideWithinSize } from './signal-size.ts'
import { partLimit } from './text-limit.ts'
import { agentLabel } from './wording.ts'

/**
 * What a command comes to in this situation: what is to be said, or why it is refused. To an agent that the user has blocked nothing is
 * said, but a call with it may be ended.
 */
export function decide(intent: Intent, context: DecisionContext): Decision {
  const decided = decideUnblocked(intent, context)
  const { say, uploads = [], letter } = decided
  const blocked = [...say, ...uploads, ...(letter === undefined ? [] : [letter])].find(({ to }) =>
    context.isBlocked(to),
  )
  // Blocking an agent hangs up on it as well.
  return blocked === undefined || intent.type === 'end' ? decided : blockedRefusal(blocked.to, context)
}

function blockedRefusal(pubkey: string, { people }: DecisionContext): Decision {
  const agent = agentOf(people, pubkey)
  return refuse(
    'BLOCKED',
    `${agentLabel(agent)} is blocked: nothing is said to it`,
    `\`${P2P} contacts unblock ${agent.npub}\` first, if your owner wants that`,
  )
}

function decideUnblocked(intent: Intent, context: DecisionContext): Decision {
  switch (intent.type) {
    case 'call':
      return request(intent, context)
    case 'answer':
      return answer(intent.accept, intent.text, context)
    case 'send':
      if (intent.to !== undefined) return writeLetter(intent.text, context)
      return inActive({ type: intent.progress ? 'progress' : 'message', text: intent.text }, context, intent.re)
    case 'propose':
      return inActive({ type: 'propose', text: intent.text }, context)
    case 'agree':
    case 'decline':
      return answerProposal(intent, context)
    case 'sendfile':
      return sendFiles(intent, context)
    case 'escalate':
      return decideEscalation(intent, context)
    case 'end':
      return end(intent, context)
    default:
      return { say: [] }
  }
}

function request({ topic, again = false }: IntentOf<'call'>, context: DecisionContext): Decision {
  const { peer, calls, name, inbox, ring, me, now, people } = context
  if (peer === undefined) return { say: [] }
  if (peer === me) return refuse('SELF_CALL', 'this is your own key', `\`${P2P} list\` shows whom you can call`)
  // Readers cut a longer one, so the two sides would not read the same topic.
  if (topic.length > LIMIT.topic) {
    return refuse(
      'TEXT_TOO_LONG',
      `a topic has at most ${LIMIT.topic} characters, this one has ${topic.length}`,
      `call with a few words, and say the rest with \`${P2P} send "…"\` once the call is answered`,
    )
  }
  const incoming = calls.find((c) => c.peer === peer && c.role === 'callee' && c.phase === 'ringing' && !c.held)
  if (incoming !== undefined) {
    const who = peerLabel(incoming, people)
    return refuse(
      'ALREADY_RINGING',
      `${who} is calling you right now`,
      `\`${P2P} answer accept --call ${incoming.id.slice(0, 8)}\``,
    )
  }
  const body: Body = {
    type: 'request',
    text: topic,
    deadline: now + ring,
    name,
    relays: [...inbox].slice(0, LIMIT.relays),
  }
  const asked = decideWithinSize({ to: peer, call: undefined, body }, me, now)
  const dialing = calls.filter((c) => c.peer === peer && isDialing(c, now))
  // Two identical requests within one second are one call (docs/PROTOCOL.md, 4): a double submission.
  const others = dialing.filter(({ createdAt, topic: about }) => createdAt !== now || about !== topic)
  const first = others.at(-1)
  if (first === undefined || asked.refusal !== undefined) return asked
  if (!again) return alreadyDialing(first, context)
  return { say: [...asked.say, ...others.map((c) => ({ to: peer, call: c.id, body: HANG_UP }))] }
}

const HANG_UP: Body = { type: 'end', text: '', expired: false }

/** Whether we are ringing somebody who may still answer. */
function isDialing({ phase, role, ends, deadline }: Call, now: number): boolean {
  return phase === 'ringing' && role === 'caller' && ends.caller === undefined && now <= deadline
}

function alreadyDialing(call: Call, { people, now }: DecisionContext): Decision {
  const id = call.id.slice(0, 8)
  return refuse(
    'ALREADY_DIALING',
    `you are calling ${peerLabel(call, people)} already, call ${id}, ${ringingText(ringingOf(call), true, now)}`,
    `\`${P2P} wait --call ${id}\` waits for the answer; \`${P2P} call <agent> "<topic>" --again\` hangs up and calls anew`,
  )
}

function answer(accept: boolean, text: string, context: DecisionContext): Decision {
  const { name, inbox, me, now, people, mustReportLoss = () => false } = context
  const call = chooseCall('answer', accept ? 'accept' : 'reject', context)
  if (call instanceof Failure) return { say: [], refusal: call }
  if (accept && mustReportLoss(call.peer)) {
    return refuse(
      'CALL_KEY_LOST',
      `messages from ${peerLabel(call, people)} in a call cannot be decrypted here: another machine has answered it, or its key is lost. The caller must be told so before a call is accepted, which needs two complete reads of your relays; they could not be read completely`,
      `\`${P2P} answer accept --call ${call.id.slice(0, 8)}\` again, once your relays can be reached`,
    )
  }
  const relays = [...inbox].slice(0, LIMIT.relays)
  const body: Body = accept ? { type: 'accept', text, name, relays } : { type: 'reject', text, reason: 'declined' }
  return decideWithinSize({ to: call.peer, call: call.id, body }, me, now)
}

/** @param answered the ref of the signal that it answers */
function inActive(body: Body, context: DecisionContext, answered?: string): Decision {
  const call = chooseCall('send', body.type, context)
  if (call instanceof Failure) return { say: [], refusal: call }
  const ref = answered === undefined ? undefined : parseRef(answered)
  if (answered !== undefined && ref === undefined)
    return refuse(
      'USAGE',
      `"${answered.slice(0, 40)}" names nothing`,
      '--re takes a ref as it is shown: peer/5 or me/3',
    )
  const re = ref === undefined ? undefined : signalNamed(ref, call)
  if (re instanceof Failure) return { say: [], refusal: re }
  return decideWithinSize(
    { to: call.peer, call: call.id, body, ...(re === undefined ? {} : { re }) },
    context.me,
    context.now,
  )
}

// A letter is no part of a call: any NIP-17 client reads it.
function writeLetter(text: string, { peer, me, now }: DecisionContext): Decision {
  if (peer === undefined) return { say: [] }
  if (peer === me) return refuse('SELF_CALL', 'this is your own key', `\`${P2P} list\` shows whom you can write to`)
  const fits = (part: string) => fitsRelays(letterRumor(part, { from: me, to: peer, at: now }))
  if (fits(text)) return { say: [], letter: { to: peer, text } }
  const limit = partLimit(text, fits)
  return refuse(
    'TEXT_TOO_LONG',
    `the text is too long for one letter: ${Buffer.byteLength(text)} bytes, and at most ${limit} of them fit`,
    `write several letters of at most ${limit} bytes each, or call: \`${P2P} call <agent> "<topic>"\``,
  )
}

function answerProposal({ type, ref, text }: IntentOf<'agree' | 'decline'>, context: DecisionContext): Decision {
  const call = chooseCall(type, type, context)
  if (call instanceof Failure) return { say: [], refusal: call }
  const proposal = proposalToAnswer(ref, call, (item) => context.isUnread(call.id, item))
  if (proposal instanceof Failure) return { say: [], refusal: proposal }
  return decideWithinSize(
    { to: call.peer, call: call.id, body: { type, text }, re: proposal.id },
    context.me,
    context.now,
  )
}

/** Decides once more on what was decided before an upload, which takes its time: the call may be over by then. */
export function decideAgain(said: readonly IntendedSignal[], context: DecisionContext): Decision {
  const [first] = said
  const call = context.calls.find((c) => c.id === first?.call)
  if (first === undefined) return { say: [] }
  if (call !== undefined && mayStill(call) && nextPhase(call.phase, first.body.type, call.role) !== undefined)
    return { say: [...said] }
  return { say: [], refusal: noCallFailure('sendfile', call === undefined ? [] : [call], context) }
}

// An escalation reaches the owner without a call too; but a call that was named must be there.
function decideEscalation({ text, tell = '' }: IntentOf<'escalate'>, context: DecisionContext): Decision {
  if (text.length > LIMIT.question) {
    const message = `a question to your owner has at most ${LIMIT.question} characters, this one has ${text.length}`
    return refuse('TEXT_TOO_LONG', message, `ask in a few words: \`${P2P} escalate "…"\``)
  }
  const call = chooseCall('escalate', 'escalate', context)
  if (call instanceof Failure)
    return context.selector === undefined && call.code === 'NO_CALL' ? { say: [] } : { say: [], refusal: call }
  // The question stays here: the peer only hears what `--tell` says.
  return decideWithinSize(
    { to: call.peer, call: call.id, body: { type: 'escalate', text: tell } },
    context.me,
    context.now,
  )
}

function end({ text, outcome }: IntentOf<'end'>, context: DecisionContext): Decision {
  const call = chooseCall('end', 'end', context)
  if (call instanceof Failure) return { say: [], refusal: call }
  const body: Body = { type: 'end', text, expired: false, ...(outcome === undefined ? {} : { outcome }) }
  return decideWithinSize({ to: call.peer, call: call.id, body }, context.me, context.now)
}
