// The transcript as one HTML page: no script, nothing fetched. Each entry is a bubble with its author, its time, its words and what is
// known about them. A string is always text, and only what this file has built is markup.
import { sha256 } from '../../nostr/crypto.ts'
import { type Foreign, foreign, isBlank } from '../../sanitize.ts'
import { agentLabel, alphabetsNote, claimedName, formatTime, isoTime, unsafeTextOf } from '../wording.ts'
import {
  actionText,
  agreementParts,
  entryMarks,
  fileStateText,
  outcomeText,
  secrecyText,
  spokenText,
  verificationOf,
} from './entry.ts'
import type { Excerpt } from './excerpt.ts'
import { STYLE } from './html-style.ts'
import { wholeCommand } from './text.ts'
import { gapText, type TranscriptEntry } from './transcript.ts'

/** A transcript as one HTML page that loads nothing from elsewhere; everything that a peer wrote is escaped. */
export function htmlOf(shown: Excerpt): string {
  const { call, left, entries, brief } = shown
  const title = `Call with ${agentLabel(call.peer)}`
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
      element('style', {}, rawMarkup(STYLE)),
    ),
    '\n',
    element(
      'body',
      {},
      element('header', {}, element('h1', {}, title), topicQuote(shown), factList(shown)),
      '\n',
      element(
        'main',
        {},
        left === 0 || brief
          ? undefined
          : cutNotice(`The first ${left} of ${left + entries.length} entries are left out.`),
        ...daySections(shown),
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

function topicQuote({ call }: Excerpt): Markup {
  return element('blockquote', { class: 'topic', dir: 'auto' }, call.topic)
}

function factList(shown: Excerpt): Markup {
  const { call, me, entries, left, outcome, outcomeBy } = shown
  const { word, text } = verificationOf(shown)
  const secrecy = secrecyText(shown)
  const claimed = claimedName(call.peer)
  const asker = call.direction === 'outgoing' ? 'by me, ' : 'by the peer, '
  return elementOfClass(
    'dl',
    'facts',
    ...factRow(
      'Peer',
      nameElement(agentLabel(call.peer)),
      ` (${call.peer.trust})`,
      element('br', {}),
      codeElement(call.peer.npub),
    ),
    ...(claimed === undefined
      ? []
      : factRow('Calls itself', element('q', {}, nameElement(claimed)), alphabetsNote(claimed))),
    ...factRow('Me', ...(isBlank(me.name) ? [] : [nameElement(me.name), element('br', {})]), codeElement(me.npub)),
    ...factRow('Asked', asker, timeElement(call.createdAt)),
    ...factRow(
      'State',
      call.state,
      ...(word === 'verified' || word === 'differs' ? [', ', elementOfClass('span', word, text)] : []),
    ),
    ...(outcome === undefined ? [] : factRow('Outcome', outcomeText(outcome, outcomeBy))),
    ...agreementParts(shown).flatMap(({ head, words }) =>
      factRow(head, ...words.map(({ from, text }) => element('div', { class: `words ${from}`, dir: 'auto' }, text))),
    ),
    ...factRow('Entries', `${left + entries.length}`),
    ...factRow('Call', codeElement(call.id)),
    ...(secrecy === undefined ? [] : factRow('Secrecy', secrecy)),
  )
}

function factRow(name: string, ...value: Child[]): Markup[] {
  return [element('dt', {}, name), element('dd', {}, ...value)]
}

/** One list for each day in a row; the order is the call's, whatever the clocks said. */
function daySections({ entries, call }: Excerpt): Markup[] {
  const lists: { day: string; items: Markup[] }[] = []
  for (const entry of entries) {
    const at = entry.at === 0 ? call.createdAt : entry.at
    const day = isoTime(at).slice(0, 10)
    if (lists.at(-1)?.day !== day) lists.push({ day, items: [] })
    lists.at(-1)?.items.push(entryBubble(entry), rawMarkup('\n'))
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
  const { digest, truncated, brief, path } = shown
  const { word, text } = verificationOf(shown)
  const whole = path === undefined ? '' : ` is in ${path}, or comes with`
  return element(
    'footer',
    {},
    truncated
      ? cutNotice(`${brief ? 'In brief' : 'Truncated'}; the whole${whole}: `, codeElement(wholeCommand(shown, 'html')))
      : undefined,
    element('p', {}, 'Digest: ', elementOfClass('span', word, text)),
    digest === undefined ? undefined : element('p', {}, codeElement(digest)),
    elementOfClass('p', 'small', 'Times are UTC. What the peer wrote is shown as it came, as text.'),
  )
}

function cutNotice(...children: Child[]): Markup {
  return elementOfClass('p', 'cut', ...children)
}

function timeElement(at: number): Markup {
  return element('time', { datetime: isoTime(at) }, formatTime(at))
}

/** One entry of a transcript as a list item. */
function entryBubble(entry: TranscriptEntry): Markup {
  const id = { id: `n${entry.n}` }
  if (entry.type === 'gap') return element('li', { ...id, class: 'gap' }, `Gap: ${gapText(entry)}`)
  const deed = actionText(entry)
  const said = spokenText(entry)
  const words = entry.type === 'file' ? fileName(entry) : isBlank(said) ? undefined : said
  return element(
    'li',
    { ...id, class: `${entry.from} ${entry.type}` },
    elementOfClass(
      'p',
      'head',
      elementOfClass('span', 'ref', entry.ref ?? ''),
      elementOfClass('span', 'who', entry.from === 'me' ? 'me' : nameElement(agentLabel(entry.author))),
      deed === '' ? undefined : elementOfClass('span', 'deed', deed),
      clockElement(entry.at),
    ),
    words === undefined ? undefined : element('div', { class: 'words', dir: 'auto' }, words),
    ...notes(entry).map((note) => elementOfClass('p', 'note', ...note)),
    entry.state === undefined ? undefined : elementOfClass('p', 'marks', entry.state),
  )
}

function fileName({ name = foreign``, size = 0 }: TranscriptEntry): Markup {
  return element('span', {}, nameElement(name), ` (${size.toLocaleString('en')} bytes)`)
}

function notes(entry: TranscriptEntry): Child[][] {
  const fate = fileStateText(entry)
  return [
    ...(entry.path === undefined ? [] : [['saved: ', codeElement(entry.path)]]),
    ...(fate === undefined ? [] : [[fate]]),
    ...(entry.sha256 === undefined ? [] : [['SHA-256 ', codeElement(entry.sha256)]]),
    ...(entry.note === undefined ? [] : [['with the note: ', element('q', {}, entry.note)]]),
    ...entryMarks({ ...entry, late: false }).map((mark) => [mark]),
    ...(entry.late ? [['late: sent before its sender knew that the call was over']] : []),
    ...(entry.cut ? [['the rest of it is left out here']] : []),
  ]
}

/** A name in its own direction: it must not turn what is beside it around. */
function nameElement(name: Foreign | string): Markup {
  return element('bdi', {}, name)
}

/** A key, a hash or a path, as code. */
function codeElement(text: string): Markup {
  return element('code', {}, text)
}

/** A time without its day, which is shown above. */
function clockElement(at: number): Markup {
  return element('time', { datetime: isoTime(at) }, isoTime(at).slice(11, 16))
}

export type Markup = { readonly markup: string }

export type Child = string | Foreign | Markup | undefined

/** One element. Attribute values and strings are escaped; undefined children leave nothing. */
export function element(name: string, attributes: Readonly<Record<string, string>>, ...children: Child[]): Markup {
  const typed = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeHtml(value)}"`)
  const open = `<${name}${typed.join('')}>`
  return { markup: VOID.includes(name) ? open : `${open}${childrenMarkup(children)}</${name}>` }
}

/** An element with a class and no other attribute. */
function elementOfClass(name: string, className: string, ...children: Child[]): Markup {
  return element(name, { class: className }, ...children)
}

/** Content that HTML takes as it is: a style sheet of ours, never anybody's words. */
function rawMarkup(markup: string): Markup {
  return { markup }
}

function childrenMarkup(children: readonly Child[]): string {
  return children.map((child) => (isMarkup(child) ? child.markup : escapeHtml(child ?? ''))).join('')
}

function isMarkup(child: Child): child is Markup {
  return typeof child === 'object'
}

// Quotes too, for attributes; the backtick, because it starts a command of ours in text that is printed.
function escapeHtml(text: Foreign | string): string {
  return unsafeTextOf(text).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}

const VOID = ['meta', 'br']
