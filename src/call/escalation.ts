// A question to our owner: the facts for programs, and the same in words for a person on whatever screen they reach.

import { cleanText, type Foreign, foreign, foreignLine, isBlank, isSame, linesOf } from '../sanitize.ts'
import { type Agent, shortNpub } from './agents.ts'
import type { Call } from './replay.ts'
import { alphabetsNote, inQuotes, unsafeTextOf } from './wording.ts'

/**
 * One escalation. `id`: the rumor that told the peer, else a hash. `at`: unix seconds. Keys are hex. Without a call the fields
 * of the call are "". `text` is as it was typed.
 */
export type Escalation = {
  id: string
  at: number
  agent: string
  npub: string
  name: Foreign
  call: string
  peer: string
  peerNpub: string
  peerName: Foreign
  peerTrust: string
  topic: Foreign
  /** Whose words the topic is. */
  topicBy: 'me' | 'peer' | ''
  text: string
  /** What the peer was told beside *that* the owner is asked; "" for nothing. */
  told: string
}

/** How an answer came: by a direct message, as the reply of a webhook or a program, or written down by our agent. */
export type AnswerChannel = 'nostr' | 'webhook' | 'command' | 'answered'

/** What the owner has said to an escalation. `id`: of the letter, or a hash; `at`: unix seconds. */
export type OwnerAnswer = { id: string; text: string; at: number; channel: AnswerChannel; unread: boolean }

/** One way in which somebody was to be told, and why it failed where it did. */
export type ToldChannel<Channel extends string = string> = { channel: Channel; ok: boolean; error?: Foreign }

/** An escalation as it is kept: open until the owner has answered. `letter`: the rumor that asks on Nostr. */
export type KeptEscalation = {
  escalation: Escalation
  letter?: string
  channels: readonly ToldChannel[]
  answers: readonly OwnerAnswer[]
}

/** Whether nobody has answered it yet. */
export function isOpen({ answers }: KeptEscalation): boolean {
  return answers.length === 0
}

/** The ways to the owner that were tried: neither the peer nor the log is one. */
export function ownerChannels<Told extends ToldChannel>(channels: readonly Told[]): Told[] {
  return channels.filter(({ channel }) => channel !== 'peer' && channel !== 'log')
}

/**
 * The open escalations that ask the same in the same call, this one among them: an agent whose tool call was cut off asks once more, and
 * whoever answers one has answered all.
 */
export function sameQuestions(kept: KeptEscalation, all: readonly KeptEscalation[]): KeptEscalation[] {
  const { text, call } = kept.escalation
  return all.filter((one) => isOpen(one) && one.escalation.text === text && one.escalation.call === call)
}

/** Most characters of the question that leave the machine; the log has all of it. At three bytes each they still fit into one letter. */
const MAX_QUESTION = 6_000
const MAX_TOPIC = 300

/**
 * The facts of an escalation: the whole question, and which call and peer it is about, with the topic cut. `at`: unix seconds.
 */
export function escalationOf(
  text: string,
  {
    id,
    at,
    me,
    call,
    peer,
    told,
  }: { id: string; at: number; me: Agent; call: Call | undefined; peer: Agent | undefined; told: string },
): Escalation {
  return {
    id,
    at,
    agent: me.pubkey,
    npub: me.npub,
    name: me.name,
    call: call?.id ?? '',
    peer: peer?.pubkey ?? '',
    peerNpub: peer?.npub ?? '',
    peerName: peer?.name ?? foreign``,
    peerTrust: peer?.trust ?? '',
    topic: foreignLine(call?.topic ?? '', MAX_TOPIC),
    topicBy: call === undefined ? '' : call.role === 'caller' ? 'me' : 'peer',
    text,
    told,
  }
}

/** What the owner reads, with the question cut. @param howToAnswer a sentence on how to answer where it is read */
export function escalationText(escalation: Escalation, howToAnswer: string): string {
  const { npub, name, call, text } = escalation
  const who = isNone(name, npub) ? 'Your agent' : `Your agent ${inQuotes(name, 64)}`
  return [
    `${who} needs you. ${howToAnswer}`,
    '',
    'It asks:',
    cleanText(text, MAX_QUESTION),
    '',
    ...(call === '' ? ['It is in no call.'] : callFacts(escalation)),
    '',
    `Agent: ${npub}`,
    `Escalation: ${escalation.id.slice(0, 8)}`,
  ].join('\n')
}

// What a peer wrote is put behind a mark on a line of its own, so that no text of a peer's can pass for ours or for the agent's.
function callFacts({ call, peerNpub, peerName, peerTrust, topic, topicBy }: Escalation): string[] {
  const stranger = peerTrust === 'unknown'
  const peer = stranger ? 'a stranger' : `${inQuotes(peerName, 64)} (${peerTrust})`
  const named = stranger && !isNone(peerName, peerNpub)
  return [
    `It is in call ${call.slice(0, 8)} with ${peer}, ${peerNpub}.`,
    ...(named ? ['It calls itself:', ...markLines(foreign`${peerName}${alphabetsNote(peerName)}`)] : []),
    topicBy === 'me' ? 'The topic that it named:' : 'The topic, in the words of the other side:',
    ...markLines(topic),
  ]
}

// Behind a mark on every line, so that none of them looks like one of ours.
function markLines(words: Foreign): string[] {
  return linesOf(words).map((line) => `> ${unsafeTextOf(line)}`)
}

function isNone(name: Foreign, npub: string): boolean {
  return isBlank(name) || isSame(name, shortNpub(npub))
}

/**
 * The text for chat services that read commands in it, which are broken up by a character of no width. The attacks, all from a
 * topic: `<!channel>` and `@everyone` call everybody, `<url|name>` and `[name](url)` are links under another name; OpenClaw
 * takes `MEDIA:path` for a file to attach, `[[…]]` for a directive, and the two characters `\n` for a new line.
 */
export function defuseMarkup(text: string): string {
  return text.replace(/[<@]|\\(?=n)|\](?=\()|\[(?=\[)|media(?=\s*:)/gi, '$&\u200b')
}
