// Saying that we are there: presence for `announce`, and our inbox list when it has changed, before anybody has to ask.
import type { Intent } from '../call/intent.ts'
import { inboxList, LASTS, presenceOf } from '../call/presence.ts'
import { callsOf } from '../state/book.ts'
import { editBook } from '../state/edit.ts'
import type { Heard } from './listen.ts'
import type { Place } from './place.ts'
import { post } from './speak.ts'
import type { Turn } from './turn.ts'

export type Posted = { expires: number; accepted: string[]; failed: { url: string; reason: string }[] }

/** The commands with which an agent goes on line. */
const GOES_ONLINE: readonly Intent['type'][] = ['announce', 'call', 'answer']

export async function announce(
  intent: Intent,
  place: Place,
  turn: Turn,
  { clockAhead }: Heard,
): Promise<Posted | undefined> {
  if (!GOES_ONLINE.includes(intent.type)) return undefined
  const { world, now } = place
  const stamp = now - clockAhead
  const lists = [...world.relays.inbox].sort().join(' ')
  const presence = intent.type === 'announce' ? [presenceOf(self(place, turn), stamp)] : []
  const list = turn.book.index.announced.lists === lists ? [] : [inboxList(world.relays.inbox, stamp)]
  const [presences, listed] = await Promise.all([
    post(place, presence, world.relays.presence),
    post(place, list, [...world.relays.presence, ...world.relays.lookup, ...world.relays.inbox]),
  ])
  if (listed.some((r) => r.accepted) || presences.some((r) => r.accepted)) {
    await note(place, listed.some((r) => r.accepted) ? lists : undefined, presence.length > 0)
  }
  if (presence.length === 0) return undefined
  return {
    expires: stamp + LASTS,
    accepted: presences.filter((r) => r.accepted).map((r) => r.relay),
    failed: presences
      .filter((r) => !r.accepted)
      .map((r) => ({ url: r.relay, reason: r.text === '' ? r.reason : r.text })),
  }
}

function self({ world, now }: Place, { book }: Turn) {
  const { name, about, capabilities, policy } = world.config
  const busy = callsOf(book, world.keys.pubkey, now).some((c) => c.phase === 'active')
  return { name, about, capabilities, inbox: world.relays.inbox, busy, pow: policy.pow }
}

async function note({ world, now }: Place, lists: string | undefined, present: boolean): Promise<void> {
  await world.store.update([], (fresh) => {
    const edit = editBook(fresh)
    edit.index.announced = {
      presence: present ? now : fresh.index.announced.presence,
      lists: lists ?? fresh.index.announced.lists,
    }
    return { snapshot: edit.book, value: undefined }
  })
}
