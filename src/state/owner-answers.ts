// What our owner has been asked, and what it has answered: by a direct message, through the channel that told it, or to our agent.
import { type Escalation, isOpen, type OwnerAnswer, sameQuestions, type ToldChannel } from '../call/escalation.ts'
import { parseRemote } from '../call/file-codec.ts'
import { CHAT, FILE } from '../call/signal.ts'
import { sha256, toHex } from '../nostr/crypto.ts'
import type { Rumor } from '../nostr/event.ts'
import type { Foreign } from '../sanitize.ts'
import type { Transaction } from './transaction.ts'

/** Seconds for which an escalation is kept once it was answered, and the answer read. An open one is never dropped. */
const KEPT_ANSWERED = 7 * 24 * 3600

/** Seconds by which an owner's clock may be behind ours. What it wrote before it was asked answers nothing. */
const CLOCK_SKEW = 300

/** Writes down what the owner is asked, before it is told. */
export function keepEscalation(edit: Transaction, escalation: Escalation, letter: string | undefined): void {
  if (edit.index.escalations[escalation.id] !== undefined) return
  const kept = { escalation, channels: [], answers: [], ...(letter === undefined ? {} : { letter }) }
  edit.index.escalations = { ...edit.index.escalations, [escalation.id]: kept }
}

/** Writes down through which channels it was told. @param results by channel: undefined where it was told, else why not */
export function recordChannels(
  edit: Transaction,
  id: string,
  results: Readonly<Record<string, Foreign | undefined>>,
): void {
  const told = Object.entries(results).map(
    ([channel, error]): ToldChannel => (error === undefined ? { channel, ok: true } : { channel, ok: false, error }),
  )
  const held = edit.index.escalations[id]
  if (held === undefined || told.length === 0) return
  const others = held.channels.filter(({ channel }) => !told.some((one) => one.channel === channel))
  edit.index.escalations = { ...edit.index.escalations, [id]: { ...held, channels: [...others, ...told] } }
}

/** Writes an answer down, which closes the escalation: the owner knows of it, so no channel is tried any more. */
export function recordAnswer(
  edit: Transaction,
  id: string,
  { text, at, channel, letter }: Pick<OwnerAnswer, 'text' | 'at' | 'channel'> & { letter?: string },
): void {
  const held = edit.index.escalations[id]
  if (held === undefined) return
  // A command that was cut off is typed again: nothing more was said.
  const last = held.answers.at(-1)
  if (letter === undefined && last?.channel === channel && last.text === text) return
  const answer: OwnerAnswer = {
    id: letter ?? toHex(sha256(Buffer.from(`${id} ${held.answers.length} ${channel} ${text}`))),
    // Bounded where it comes from: a letter, a reply, an argument.
    text,
    at,
    channel,
    // A letter is told as the letter that it is.
    unread: letter === undefined,
  }
  edit.index.escalations = { ...edit.index.escalations, [id]: { ...held, answers: [...held.answers, answer] } }
  const { [id]: _, ...pending } = edit.index.pendingEscalations
  edit.index.pendingEscalations = pending
  if (held.letter === undefined) return
  const { [held.letter]: __, ...letters } = edit.index.outgoingLetters
  edit.index.outgoingLetters = letters
}

/**
 * Records a letter of the owner as the answer to the escalation that it answers, if it answers one: the one that its `e` tags name;
 * without an `e` tag the only open one, and only a message then, no reaction or file. The same question asked twice counts as one.
 */
export function answerByLetter(edit: Transaction, rumor: Rumor, heard: number): void {
  const named = rumor.tags.flatMap(([name, id]) => (name === 'e' && id !== undefined ? [id] : []))
  const all = Object.values(edit.index.escalations)
  const open = all.filter((kept) => isOpen(kept) && rumor.created_at >= kept.escalation.at - CLOCK_SKEW)
  const [first] = open
  const isOne = first !== undefined && sameQuestions(first, open).length === open.length
  const meant =
    named.length > 0
      ? all.find(({ letter }) => letter !== undefined && named.includes(letter))
      : isOne && rumor.kind === CHAT
        ? first
        : undefined
  if (meant === undefined) return
  const at = Math.min(rumor.created_at, heard)
  const text = rumor.kind === FILE ? (parseRemote(rumor)?.name ?? 'file') : rumor.content
  const asked = isOpen(meant) ? sameQuestions(meant, open) : []
  const ids = new Set([meant, ...asked].map(({ escalation }) => escalation.id))
  for (const id of ids) recordAnswer(edit, id, { text, at, channel: 'nostr', letter: rumor.id })
}

/** Marks an answer as read. @returns whether there is an unread answer with this id */
export function markAnswerRead(edit: Transaction, id: string): boolean {
  const held = Object.entries(edit.index.escalations).find(([, { answers }]) =>
    answers.some((answer) => answer.id === id && answer.unread),
  )
  if (held === undefined) return false
  const [key, kept] = held
  const answers = kept.answers.map((answer) => (answer.id === id ? { ...answer, unread: false } : answer))
  edit.index.escalations = { ...edit.index.escalations, [key]: { ...kept, answers } }
  return true
}

/** Forgets what was answered and read long ago; the owner's log still has it. */
export function pruneEscalations(edit: Transaction, now: number): void {
  const all = Object.entries(edit.index.escalations)
  const kept = all.filter(
    ([, { answers }]) => answers.length === 0 || answers.some(({ unread, at }) => unread || now - at < KEPT_ANSWERED),
  )
  if (kept.length < all.length) edit.index.escalations = Object.fromEntries(kept)
}
