// Telling the owner: every configured channel, beside the word to the peer, each with what came of it.
import type { Intent } from '../call/intent.ts'
import type { OwnerAnswer } from '../io/owner.ts'
import { sha256, toHex } from '../nostr/crypto.ts'
import { type Book, callsOf } from '../state/book.ts'
import { delivery } from '../state/owed.ts'
import type { Place } from './place.ts'
import type { Turn } from './turn.ts'

export type Escalated = { id: string; channels: OwnerAnswer[] }

export async function escalate(
  intent: Intent,
  { world, now }: Place,
  turn: Turn,
  book: Book,
): Promise<Escalated | undefined> {
  if (intent.type !== 'escalate' || turn.verdict.refusal !== undefined) return undefined
  const said = turn.said.at(-1)
  const own = turn.verdict.say.length > 0 ? said : undefined
  const call = callsOf(book, world.keys.pubkey, now).find((c) => c.id === own?.call)
  const id = own?.rumor.id ?? toHex(sha256(Buffer.from(`${world.keys.pubkey} ${now} ${intent.text}`)))
  const told = await world.owner({
    id,
    at: now,
    agent: world.keys.pubkey,
    call: call?.id ?? '',
    peer: call?.peer ?? '',
    topic: call?.topic ?? '',
    text: intent.text,
  })
  return { id, channels: [...(own === undefined ? [] : [peer(book, own.call, own.rumor.id)]), ...told] }
}

function peer(book: Book, call: string, rumor: string): OwnerAnswer {
  const log = book.logs[call]
  const state = log === undefined ? 'queued' : delivery(log, rumor).state
  return state === 'queued'
    ? { channel: 'peer', ok: false, error: 'no relay took it; it goes out with the next command' }
    : { channel: 'peer', ok: true }
}
