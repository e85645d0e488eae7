// The least a Nostr client can be: sends frames, waits for frames. For tests that talk to a relay without our own client.
import { once } from 'node:events'
import WebSocket from 'ws'
import { type Keys, randomKeys } from '../../src/nostr/crypto.ts'
import { type Event, parseEvent, type Template } from '../../src/nostr/event.ts'
import { finalizeQuickly } from './quick-signatures.ts'

export interface NostrClient {
  readonly socket: WebSocket
  /** What came and was not JSON. */
  readonly rubbish: string[]
  /** Settles when the connection is gone. */
  readonly gone: Promise<unknown>
  send(...frame: unknown[]): void
  /** The first frame of that verb (and subject) that nobody has taken yet; waits for it, and rejects if the relay goes. */
  next(verb: string, subject?: string): Promise<unknown[]>
  /** How many frames of that verb wait to be taken. */
  waiting(verb: string): number
  /** Publishes, and says what the OK says. */
  publish(event: Event): Promise<{ accepted: unknown; reason: unknown }>
  /** Asks, and says what came before the EOSE or CLOSED, and that frame. */
  ask(id: string, ...filters: unknown[]): Promise<{ events: Event[]; end: unknown[] }>
}

/** Connects to a relay, and keeps what it sends from the first frame on. */
export async function openNostrClient(url: string): Promise<NostrClient> {
  const socket = new WebSocket(url)
  const frames: unknown[][] = []
  const rubbish: string[] = []
  let wake = (): void => {}
  // Attached at once: the challenge may come with the answer to the upgrade.
  socket.on('message', (data) => {
    const frame = readJson(String(data))
    if (Array.isArray(frame)) frames.push(frame)
    else rubbish.push(String(data))
    wake()
  })
  const gone = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'open')

  function take(fits: (frame: unknown[]) => boolean): unknown[] | undefined {
    const place = frames.findIndex(fits)
    return place < 0 ? undefined : frames.splice(place, 1)[0]
  }

  async function wait(fits: (frame: unknown[]) => boolean): Promise<unknown[]> {
    for (;;) {
      const frame = take(fits)
      if (frame !== undefined) return frame
      if (socket.readyState !== WebSocket.OPEN) throw new Error('the relay went away')
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), gone])
    }
  }

  return {
    socket,
    rubbish,
    gone,
    send: (...frame) => socket.send(JSON.stringify(frame)),
    next: (verb, subject) => wait((frame) => frame[0] === verb && (subject === undefined || frame[1] === subject)),
    waiting: (verb) => frames.filter((frame) => frame[0] === verb).length,
    async publish(event) {
      socket.send(JSON.stringify(['EVENT', event]))
      const [, , accepted, reason] = await wait((frame) => frame[0] === 'OK' && frame[1] === event.id)
      return { accepted, reason }
    },
    async ask(id, ...filters) {
      socket.send(JSON.stringify(['REQ', id, ...filters]))
      const end = await wait((frame) => (frame[0] === 'EOSE' || frame[0] === 'CLOSED') && frame[1] === id)
      const events: Event[] = []
      for (;;) {
        const frame = take((one) => one[0] === 'EVENT' && one[1] === id)
        if (frame === undefined) return { events, end }
        const event = parseEvent(frame[2])
        if (event === undefined) throw new Error('the relay sent something that is no event')
        events.push(event)
      }
    },
  }
}

/** A signed event of somebody; whatever is not given is filled in. */
export function signedEvent(keys: Keys, template: Partial<Template> & { created_at: number }): Event {
  return finalizeQuickly({ kind: 1, tags: [], content: '', ...template }, keys)
}

/** A gift wrap by its looks; what is inside does not matter to a relay. */
export function emptyWrapFor(receiver: Keys, created_at: number, tags: string[][] = []): Event {
  return signedEvent(randomKeys(), {
    kind: 1059,
    created_at,
    tags: [['p', receiver.pubkey], ...tags],
    content: 'sealed',
  })
}

/** NIP-42's answer to a challenge. */
export function authEvent(keys: Keys, relay: string, challenge: unknown, created_at: number): Event {
  const tags = [
    ['relay', relay],
    ['challenge', String(challenge)],
  ]
  return signedEvent(keys, { kind: 22242, created_at, tags })
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
