// The transcript as one HTML page: no script, nothing fetched, every word of anybody's as text.
import { sha256 } from '../../nostr/crypto.ts'
import type { TranscriptEntry } from '../transcript.ts'
import { claimedName, iso, labelOf, time } from '../wording.ts'
import { deedOf, fateOf, verdictOf, wordsOf } from './deed.ts'
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
      element('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
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

const POLICY = `default-src 'none'; style-src 'sha256-${Buffer.from(sha256(Buffer.from(STYLE))).toString('base64')}'; base-uri 'none'; form-action 'none'`

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
    lists.at(-1)?.items.push(item(entry), raw('\n'))
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

function item(entry: TranscriptEntry): Markup {
  const id = { id: `n${entry.n}` }
  if (entry.type === 'gap') return element('li', { ...id, class: 'gap' }, `Gap: ${entry.text}`)
  const deed = deedOf(entry)
  const words = entry.type === 'file' ? fileName(entry) : wordsOf(entry)
  return element(
    'li',
    { ...id, class: `${entry.from} ${entry.type}` },
    part(
      'p',
      'head',
      part('span', 'who', entry.from === 'me' ? 'me' : named(labelOf(entry.author))),
      deed === '' ? undefined : part('span', 'deed', deed),
      clock(entry.at),
    ),
    words === '' ? undefined : element('div', { class: 'words', dir: 'auto' }, words),
    ...notes(entry).map((note) => part('p', 'note', ...note)),
    entry.state === undefined ? undefined : part('p', 'marks', entry.state),
  )
}

function fileName({ name = '', size = 0 }: TranscriptEntry): Markup {
  return element('span', {}, named(name), ` (${size.toLocaleString('en')} bytes)`)
}

function notes(entry: TranscriptEntry): Child[][] {
  const fate = fateOf(entry)
  return [
    ...(entry.path === undefined ? [] : [['saved: ', code(entry.path)]]),
    ...(fate === undefined ? [] : [[fate]]),
    ...(entry.sha256 === undefined ? [] : [['SHA-256 ', code(entry.sha256)]]),
    ...(entry.late ? [['late: sent before its sender knew that the call was over']] : []),
    ...(entry.cut ? [['the rest of it is left out here']] : []),
  ]
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

// A name in its own direction: it must not turn what stands beside it around.
function named(name: string): Markup {
  return element('bdi', {}, name)
}

function code(text: string): Markup {
  return element('code', {}, text)
}

function moment(at: number): Markup {
  return element('time', { datetime: iso(at) }, time(at))
}

/** Without the day, which stands above. */
function clock(at: number): Markup {
  return element('time', { datetime: iso(at) }, iso(at).slice(11, 16))
}
