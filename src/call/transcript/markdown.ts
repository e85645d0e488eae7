// The transcript as Markdown: what anybody said is in quote blocks, as it was typed and never as markup.

import { type Foreign, foreign, isBlank } from '../../sanitize.ts'
import { agentLabel, alphabetsNote, claimedName, formatTime, unsafeTextOf } from '../wording.ts'
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
import { wholeCommand } from './text.ts'
import { gapText, type TranscriptEntry } from './transcript.ts'

/** A transcript as lines of Markdown; every line of the peer's is quoted. */
export function markdownOf(shown: Excerpt): string[] {
  const { call, me, entries, digest, left, truncated, brief, path, outcome, outcomeBy } = shown
  const verdict = verificationOf(shown)
  const secrecy = secrecyText(shown)
  const claimed = claimedName(call.peer)
  return [
    `# Call ${call.id.slice(0, 8)} with ${inlineMarkdown(agentLabel(call.peer))}`,
    '',
    `- Peer: ${call.peer.npub} (${call.peer.trust})`,
    `- Me: ${me.npub}`,
    `- Asked by ${call.direction === 'outgoing' ? 'me' : 'the peer'}: ${formatTime(call.createdAt)}`,
    `- State: ${call.state}`,
    ...(outcome === undefined ? [] : [`- Outcome: ${outcomeText(outcome, outcomeBy)}`]),
    `- Call: ${call.id}`,
    ...(secrecy === undefined ? [] : [`- Secrecy: ${secrecy}`]),
    '',
    ...(claimed === undefined
      ? []
      : ['The peer calls itself:', '', ...blockQuote(foreign`${claimed}${alphabetsNote(claimed)}`), '']),
    'About:',
    '',
    ...blockQuote(call.topic),
    '',
    ...agreementParts(shown).flatMap(({ head, words }) => [
      `**${upperFirst(head)}**`,
      '',
      ...words.flatMap(({ from, text }) => [`${from}:`, '', ...blockQuote(text), '']),
    ]),
    brief ? '## What was handed over' : '## What was said',
    '',
    ...(left === 0 || brief ? [] : [`*The first ${left} of ${left + entries.length} entries are left out.*`, '']),
    ...entries.flatMap((entry) => [...entryMarkdown(entry), '']),
    '---',
    '',
    `Digest: ${digest === undefined ? verdict.text : `${digest} (${verdict.text})`}`,
    ...(truncated
      ? [
          '',
          `${brief ? `In brief, without ${left} entries` : 'Truncated'}; the whole${placeText(path)}: \`${wholeCommand(shown, 'markdown')}\``,
        ]
      : []),
  ]
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function entryMarkdown(entry: TranscriptEntry): string[] {
  if (entry.type === 'gap') return [`*Gap: ${gapText(entry)}.*`]
  const deed = actionText(entry)
  const words = spokenText(entry)
  const marks = [entry.state, ...entryMarks(entry), fileStateText(entry), entry.cut && 'cut'].filter(Boolean)
  const name = entry.from === 'me' ? 'me' : inlineMarkdown(agentLabel(entry.author))
  const head = `**${entry.ref ?? ''} ${name}**${deed === '' ? '' : ` ${deed}`}, ${formatTime(entry.at)}`
  return [
    marks.length === 0 ? head : `${head} (${marks.join(', ')})`,
    ...(isBlank(words) ? [] : ['', ...blockQuote(words)]),
    ...(entry.note === undefined ? [] : ['', 'With the note:', '', ...blockQuote(entry.note)]),
    ...(entry.sha256 === undefined ? [] : ['', `SHA-256 ${entry.sha256}`]),
    ...(entry.path === undefined ? [] : ['', `Saved: ${inlineMarkdown(entry.path)}`]),
  ]
}

/**
 * A text as a block quote that shows exactly its characters. CommonMark 0.31.2: every ASCII punctuation character may be
 * escaped by a backslash (2.4), and a character reference never starts structure (2.5).
 */
function blockQuote(text: Foreign): string[] {
  const lines = unsafeTextOf(text)
    .split('\n')
    .map((line) => escapeLineStart(inlineMarkdown(line)))
  return lines.map((line, i) => {
    // A break inside of a paragraph has to be asked for (6.7); a text's last backslash is escaped, so this one is ours.
    const more = line !== '' && (lines[i + 1] ?? '') !== ''
    return line === '' ? '>' : `> ${line}${more ? '\\' : ''}`
  })
}

// Images and HTML would be fetched by whoever opens the page, code fences and comments would swallow what follows, and a
// link hides where it leads. Addresses become code, because some tools make links of them even behind escapes.
function inlineMarkdown(text: string): string {
  return text
    .split(ADDRESS)
    .map((piece, i) => (i % 2 === 1 ? `\`${piece}\`` : escapeMarkdown(piece)))
    .join('')
}

// A peer's text may be long: a run of letters is looked at once, from its beginning. Nothing in it ends the code or starts a tag.
const RUN = '[\\w+.-]'
const ANCHOR = '(?:mailto|xmpp):|www\\.'
const SIGNS = "[\\w.~:/?#@!$&'()*+,;=%-]"
const DOMAIN = '[\\w-]+(?:\\.[\\w-]+)+'
const FIRST = `(?<!${RUN})${RUN}+(?:://${SIGNS}+|@${DOMAIN})|(?:${ANCHOR})${SIGNS}+`
// Two that touch are one: the backticks between them would be a run.
const NEXT = `${RUN}+(?:://${SIGNS}+|@${DOMAIN})|(?:${ANCHOR})${SIGNS}+`
const ADDRESS = new RegExp(`((?:${FIRST})(?:${NEXT})*)`, 'i')

// "{" and "%" are markup to site builders and note-takers, "$" to those who show formulas.
function escapeMarkdown(text: string): string {
  return (
    text
      .replace(/&/g, '&amp;')
      // What is followed by a space or a digit begins no tag, and "a < b" is read as it was written.
      .replace(/<(?![ \d=])/g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/[\\*_~[\]|${}%^]/g, '\\$&')
      .replace(/\\\]\(/g, '\\]\\(')
      // A reference: no run of backslashes and backticks can be read in two ways.
      .replace(/`/g, '&#96;')
  )
}

// What would be a heading, a list, a rule, a directive or an indented code block at the start of a line.
function escapeLineStart(line: string): string {
  const [space = ''] = /^\s+/.exec(line) ?? []
  const indent = space.replace(/\t/g, '    ').replace(/./gs, '&nbsp;')
  const rest = line
    .slice(space.length)
    .replace(/^[#+\-=:]/, '\\$&')
    .replace(/^(\d{1,9})([.)])/, '$1\\$2')
    .trimEnd()
  return rest === '' ? '' : indent + rest
}

function placeText(path: string | undefined): string {
  return path === undefined ? '' : ` is in ${inlineMarkdown(path)}, or comes with`
}
