// The transcript as one HTML page: no script, nothing fetched, every word of anybody's as text.
import { sha256 } from '../../nostr/crypto.ts'
import { claimedName, iso, labelOf, time } from '../wording.ts'
import { bubble, code, named } from './bubble.ts'
import { verdictOf } from './deed.ts'
import { type Child, element, type Markup, part, raw } from './element.ts'
import type { Excerpt } from './excerpt.ts'
import { STYLE } from './style.ts'
import { wholeCommand } from './text.ts'

export function htmlOf(shown: Excerpt): string {
  const { call, left, entries } = shown
  const title = `Call with ${labelOf(call.peer)}`
  const page = element(
    'html',
    { lang: 'en' },
    element(
      'head',
      {},
      element('meta', { charset: 'utf-8' }),
      // Should markup of a peer's ever get in, it still runs nothing and fetches nothing.
      element('meta', { 'http-equiv': 'Content-Security-Policy', content: policy() }),
      element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      element('meta', { name: 'color-scheme', content: 'light dark' }),
      element('meta', { name: 'referrer', content: 'no-referrer' }),
      element('title', {}, `${title}, ${call.id.slice(0, 8)}`),
      element('style', {}, raw(STYLE)),
    ),
    '\n',
    element(
      'body',
      {},
      element('header', {}, element('h1', {}, title), topic(shown), facts(shown)),
      '\n',
      element(
        'main',
        {},
        left === 0 ? undefined : cut(`The first ${left} of ${left + entries.length} entries are left out.`),
        ...days(shown),
      ),
      '\n',
      footer(shown),
    ),
  )
  return `<!doctype html>\n${page.markup}`
}

function policy(): string {
  return `default-src 'none'; style-src 'sha256-${Buffer.from(sha256(Buffer.from(STYLE))).toString('base64')}'; base-uri 'none'; form-action 'none'`
}

function topic({ call }: Excerpt): Markup {
  return element('blockquote', { class: 'topic', dir: 'auto' }, call.topic)
}

function facts(shown: Excerpt): Markup {
  const { call, me, entries, left } = shown
  const { word, text } = verdictOf(shown)
  const claimed = claimedName(call.peer)
  const asker = call.direction === 'outgoing' ? 'by me, ' : 'by the peer, '
  return part(
    'dl',
    'facts',
    ...fact('Peer', named(labelOf(call.peer)), ` (${call.peer.trust})`, element('br', {}), code(call.peer.npub)),
    ...(claimed === undefined ? [] : fact('Calls itself', element('q', {}, named(claimed)))),
    ...fact('Me', ...(me.name === '' ? [] : [named(me.name), element('br', {})]), code(me.npub)),
    ...fact('Asked', asker, moment(call.createdAt)),
    ...fact(
      'State',
      call.state,
      ...(word === 'verified' || word === 'differs' ? [', ', part('span', word, text)] : []),
    ),
    ...fact('Entries', `${left + entries.length}`),
    ...fact('Call', code(call.id)),
  )
}

function fact(name: string, ...value: Child[]): Markup[] {
  return [element('dt', {}, name), element('dd', {}, ...value)]
}

/** One list for each day in a row; the order is the call's, whatever the clocks said. */
function days({ entries, call }: Excerpt): Markup[] {
  const lists: { day: string; items: Markup[] }[] = []
  for (const entry of entries) {
    const at = entry.at === 0 ? call.createdAt : entry.at
    const day = iso(at).slice(0, 10)
    if (lists.at(-1)?.day !== day) lists.push({ day, items: [] })
    lists.at(-1)?.items.push(bubble(entry), raw('\n'))
  }
  return lists.map(({ day, items }) =>
    element(
      'section',
      {},
      element('h2', {}, element('time', { datetime: day }, day)),
      element('ol', { role: 'list' }, ...items),
    ),
  )
}

function footer(shown: Excerpt): Markup {
  const { digest, truncated, path } = shown
  const { word, text } = verdictOf(shown)
  const whole = path === undefined ? '' : ` is in ${path}, or comes with`
  return element(
    'footer',
    {},
    truncated ? cut(`Truncated; the whole${whole}: `, code(wholeCommand(shown, 'html'))) : undefined,
    element('p', {}, 'Digest: ', part('span', word, text)),
    digest === undefined ? undefined : element('p', {}, code(digest)),
    part('p', 'small', 'Times are UTC. What the peer wrote is shown as it came, as text.'),
  )
}

function cut(...children: Child[]): Markup {
  return part('p', 'cut', ...children)
}

function moment(at: number): Markup {
  return element('time', { datetime: iso(at) }, time(at))
}
