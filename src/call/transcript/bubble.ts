// One entry of the HTML transcript: a bubble with its author, its time, its words and what is known of them.
import type { TranscriptEntry } from '../transcript.ts'
import { iso, labelOf } from '../wording.ts'
import { deedOf, fateOf, wordsOf } from './deed.ts'
import { type Child, element, type Markup, part } from './element.ts'

export function bubble(entry: TranscriptEntry): Markup {
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

// A name in its own direction: it must not turn what stands beside it around.
export function named(name: string): Markup {
  return element('bdi', {}, name)
}

export function code(text: string): Markup {
  return element('code', {}, text)
}

/** Without the day, which stands above. */
function clock(at: number): Markup {
  return element('time', { datetime: iso(at) }, iso(at).slice(11, 16))
}
