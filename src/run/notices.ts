// What the user should know beside the result, one line each.
import type { Call } from '../call/call.ts'
import { short } from '../call/people.ts'
import { npubEncode } from '../nostr/nip19.ts'
import type { Ended } from './outcome.ts'
import { routeTo } from './route.ts'

export function noticesOf({ place, heard, turn, book }: Ended, calls: readonly Call[]): string[] {
  const lost = turn.said.filter((s) => !routeTo(place, book, calls, s.to).known).map((s) => s.to)
  return [...clock(heard.clockAhead), ...[...new Set(lost)].map(unlisted)]
}

function clock(ahead: number): string[] {
  if (ahead === 0) return []
  const by =
    Math.abs(ahead) >= 7200
      ? `${Math.round(Math.abs(ahead) / 3600)} hours`
      : `${Math.round(Math.abs(ahead) / 60)} minutes`
  return [`your clock looks wrong: it is ${by} ${ahead > 0 ? 'ahead of' : 'behind'} the relays'`]
}

// NIP-17: without a list "the user is not ready to receive messages"; agents that are found otherwise get a try.
function unlisted(peer: string): string {
  return `${short(npubEncode(peer))} has not said where it reads (no kind 10050); sent to your own relays, where it may not look`
}
