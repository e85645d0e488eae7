// Fetching files that lie on servers, in commands that have the time for it.
import { safeName } from '../call/filename.ts'
import type { Intent } from '../call/intent.ts'
import type { FileState } from '../call/log.ts'
import { GCM_TAG } from '../call/signal.ts'
import { type Book, callsOf } from '../state/book.ts'
import { failedOnce, fetchable, type Parcel, parcelsOf, withParcels } from '../state/parcels.ts'
import { type Place, refreshed, speakerOf } from './place.ts'

/**
 * How long a command may fetch, in ms. `inbox` and commands that wait were started for what comes in; `status` and `announce`
 * take what comes quickly, or is small, within their budget. What is left goes on with the next command.
 */
const INBOX = 60_000
const WAITING = 600_000
const GLANCE = 2_000
const SMALL = 1_000_000

/** Fetches what the command has time for; the book as it is then. */
export async function fetchFor(intent: Intent, place: Place, book: Book): Promise<Book> {
  const { world, deadline } = place
  const now = world.clock()
  if (intent.type === 'inbox') return await fetchAll(place, book, () => now + INBOX)
  if (intent.type === 'wait') {
    const until = intent.follow ? now + WAITING : Math.max(deadline, now + intent.seconds * 1000)
    return await fetchAll(place, book, () => Math.min(until, now + WAITING))
  }
  if (intent.type !== 'status' && intent.type !== 'announce') return book
  const glance = Math.min(deadline, now + GLANCE)
  return await fetchAll(place, book, ({ body: { size } }) => (size > 0 && size <= SMALL ? deadline : glance))
}

/** @param until Unix ms to which each may take; past that nothing is begun */
export async function fetchAll(place: Place, book: Book, until: (parcel: Parcel) => number): Promise<Book> {
  const { world } = place
  let held = book
  for (const parcel of open(place, book)) {
    if (world.clock() >= until(parcel) || world.stopped.aborted) continue
    const claimed = await claim(place, parcel)
    if (claimed === undefined) continue
    const state = await fetchOne(place, claimed, until(parcel))
    // A long fetch ends in another second than it began.
    const speaker = speakerOf(refreshed(place))
    held = await world.store.update(parcel.call === '' ? [] : [parcel.call], (fresh) => {
      const snapshot = withParcels(fresh, [{ parcel: claimed, state }], speaker)
      return { snapshot, value: snapshot }
    })
  }
  return held
}

// A parallel command may be at it, or have done it.
async function claim(place: Place, { call, id }: Parcel): Promise<Parcel | undefined> {
  const speaker = speakerOf(place)
  return await place.world.store.update(call === '' ? [] : [call], (fresh) => {
    const parcel = open(place, fresh).find((p) => p.id === id)
    if (parcel?.state === undefined) return { snapshot: fresh, value: undefined }
    const state: FileState = { fetching: { ...parcel.state, claim: { pid: speaker.pid, at: speaker.now } } }
    return { snapshot: withParcels(fresh, [{ parcel, state }], speaker), value: parcel }
  })
}

function open({ world, now }: Place, book: Book): Parcel[] {
  return fetchable(parcelsOf(book, callsOf(book, world.keys.pubkey, now)), now, world.alive)
}

async function fetchOne({ world }: Place, parcel: Parcel, until: number): Promise<FileState> {
  const { body, remote, call, from, state } = parcel
  const { key, nonce, x } = remote
  const sources = [body.text, ...remote.fallbacks]
  // One that gives no answer must not keep the others from being asked.
  const first = (state?.tries ?? 0) % sources.length
  const urls = [...sources.slice(first), ...sources.slice(0, first)]
  const wanted = { urls, key, nonce, x, ox: body.x, folder: call === '' ? from : call, name: safeName(body.name) }
  const fetched = await world.depot.fetch(wanted, until, body.size === 0 ? 0 : body.size + GCM_TAG)
  if (fetched.type === 'done') return { path: fetched.path, size: fetched.size, sha256: fetched.sha256 }
  if (fetched.type === 'refused') return { refused: fetched.why }
  const { have } = fetched
  if (fetched.type === 'failed') return failedOnce(parcel, fetched.why, have, Math.floor(world.clock() / 1000))
  return { fetching: { have, tries: 0, at: 0, why: '' } }
}
