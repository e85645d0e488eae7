// A thief who comes afterwards, with the identities of all agents and everything that any relay was ever sent. It must be able to read
// nothing that was said in a call, whatever was lost, killed, restored and sent again.
import { loadIdentity } from '../../src/io/home/identity.ts'
import { homeOf } from '../../src/io/home/paths.ts'
import { type Event, tag } from '../../src/nostr/event.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import type { RelayDeed } from '../relay/policy.ts'
import type { Agent } from './agents.ts'

/** What is sealed with the identities' key by design. Receipts hold no words. */
const IN_THE_OPEN: readonly (string | undefined)[] = ['request', 'accept', 'reject', 'receipt']

export type Thief = {
  /** Takes what a relay was sent. */
  hear(deed: RelayDeed): void
  /** What was said in calls and can be read with the agents' identities alone, a line each. Throws where not even a request can be. */
  read(agents: readonly Agent[]): string[]
}

/** A thief that has heard nothing yet. */
export function openThief(): Thief {
  const archive = new Map<string, Event>()
  return {
    hear(deed) {
      if (deed.type === 'event') archive.set(deed.event.id, deed.event)
    },
    read(agents) {
      let requests = 0
      const read = agents.flatMap(({ cwd, name }) => {
        const keys = loadIdentity(homeOf(undefined, { HOME: `${cwd}/${name}` }), {})
        return [...archive.values()].flatMap((event) => {
          const opened = unwrap(event, keys)
          if (opened.ok && tag(opened.rumor, 'op') === 'request') requests++
          if (!opened.ok || tag(opened.rumor, 'call-id') === undefined) return []
          const op = tag(opened.rumor, 'op')
          return IN_THE_OPEN.includes(op) ? [] : [`to ${name}: ${op ?? 'message'} "${opened.rumor.content}"`]
        })
      })
      if (requests === 0) throw new Error('the thief looks at the wrong thing: it reads no request')
      return read
    },
  }
}
