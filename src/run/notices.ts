// What the user should know beside the result, one line each.
import type { Call } from '../call/call.ts'
import { short } from '../call/people.ts'
import { npubEncode } from '../nostr/nip19.ts'
import type { Ended } from './outcome.ts'
import { routeTo } from './route.ts'

export function noticesOf(ended: Ended, calls: readonly Call[]): string[] {
  const { place, heard, turn, book } = ended
  const letters = turn.dues.filter((d) => d.call === '')
  const lost = [...turn.said, ...letters].filter((s) => !routeTo(place, book, calls, s.to).known).map((s) => s.to)
  const unknown = [...new Set(lost)].map((to) =>
    unlisted(to === place.world.ownerKey ? 'your owner' : short(npubEncode(to))),
  )
  // Where nobody answered, not having found a list says nothing.
  const asked = heard.answers.some((a) => a.complete)
  return [...clock(heard.clockAhead), ...(asked ? unknown : []), ...toldLater(ended)]
}

// What the owner could not be told when it was asked.
function toldLater({ turn, book, answers }: Ended): string[] {
  const before = answers.filter((a) => turn.appeals.some((due) => due.escalation.id === a.id && !due.fresh))
  const results = before.flatMap(({ id, results }) => Object.entries(results).map((r) => [id, ...r] as const))
  const owned = turn.appeals.flatMap((due) => (due.fresh && due.letter !== undefined ? [due.letter] : []))
  const sent = turn.dues.filter((d) => d.call === '' && !owned.includes(d.rumor.id))
  const taken = sent.filter((d) => book.index.letters[d.rumor.id] === undefined)
  return [
    ...results.map(([id, channel, error]) =>
      error === undefined
        ? `your owner has now been told through ${channel} what you asked before (${id.slice(0, 8)})`
        : `your owner could again not be told through ${channel} what you asked before (${id.slice(0, 8)}): ${error}`,
    ),
    ...(taken.length > 0 ? ['your owner has now been sent the direct message that no relay had taken'] : []),
    ...(sent.length > taken.length ? ['a direct message to your owner could again not be sent: no relay took it'] : []),
  ]
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
function unlisted(who: string): string {
  return `${who} has not said where it reads (no kind 10050); sent to your own relays, where it may not look`
}
