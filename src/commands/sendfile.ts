// `sendfile`: sends files in the active call.

import { transferKey } from '../call/file-transfer.ts'
import type { NamedContent } from '../call/intent.ts'
import type { FileBody } from '../call/signal.ts'
import { parseSignal } from '../call/signal-codec.ts'
import { hintLine, type PrintedLine, type Span, span } from '../call/span.ts'
import { describeAgent, quoteLines } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { foreignLine } from '../sanitize.ts'
import { type Delivery, deliveryOf } from '../state/outbox.ts'
import { optionalText, replyWait, stayOption, waitOptions, wordsArgument } from './args.ts'
import type { Args, Command } from './command.ts'
import { callShape, itemShape } from './json.ts'
import { newsLines, relayedParts } from './text.ts'

export const sendfile: Command<'sendfile'> = {
  usage: 'sendfile <name> [more..]',
  describe: 'Send files in the active call: paths, or a name and base64, or a name and "-" for stdin',
  examples: [
    `${P2P} sendfile report.json "eyJkYXRhIjogdHJ1ZX0="`,
    `${P2P} sendfile ./report.json ./rows.csv --note "as agreed" --wait`,
  ],
  positionals: {
    name: { type: 'string', describe: 'a path; or the name of the file, when base64 or "-" follows' },
    more: { type: 'string', array: true, describe: 'more paths; or the bytes in base64, or "-" for stdin' },
  },
  options: {
    note: { type: 'string', describe: 'a word on it, which goes with the first file' },
    ...waitOptions('the other side says something'),
  },
  input: (args) => {
    const words = wordsOf(args)
    const [name, second] = words
    if (name === undefined || second === undefined || words.length > 2) return { from: 'files', paths: words }
    if (second === '-') return { from: 'stdin', as: 'file' }
    return { from: 'words', words: [name, second], base64: bytesIn(second) !== undefined }
  },
  intent: (args) => ({
    type: 'sendfile',
    files: filesOf(args),
    note: optionalText(args, 'note').trim() || undefined,
    ...stayOption(args),
  }),
  needs: (intent) => ({ network: true, waits: replyWait(intent), shows: intent.wait !== undefined }),
  text: (outcome) => [
    ...sentFiles(outcome).flatMap((file) => fileLines(file, outcome)),
    ...(outcome.intent.wait === undefined ? waitHint(outcome) : newsLines(outcome.news)),
  ],
  json: (outcome) => {
    const files = sentFiles(outcome).map(fileShape)
    return {
      file: files[0],
      files,
      call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
      ...(outcome.intent.wait === undefined ? {} : { new: outcome.news.map(itemShape) }),
    }
  },
}

function waitHint({ call, parts, failure }: OutcomeOf<'sendfile'>): PrintedLine[] {
  if (call === undefined || parts.length === 0 || failure !== undefined) return []
  return [hintLine(`  next: \`${P2P} wait --call ${call.id.slice(0, 8)}\` waits until the other side speaks`)]
}

function wordsOf(args: Args): string[] {
  return [wordsArgument(args, 'name'), ...(Array.isArray(args.more) ? args.more.map(String) : [])]
}

function filesOf(args: Args): NamedContent[] {
  if (args.files !== undefined)
    return args.files.map((file) => ({
      name: baseName(file.path),
      content:
        'bytes' in file ? { type: 'bytes', bytes: file.bytes } : { type: 'path', path: file.path, size: file.size },
    }))
  const [name = '', typed = ''] = wordsOf(args)
  const bytes = args.input ?? bytesIn(typed)
  if (bytes === undefined) {
    const hint = `\`${P2P} sendfile <path>\` sends a file as it is, and several paths several files, which must all be there`
    throw new Failure('BAD_BASE64', `"${typed.slice(0, 40)}" is no base64, nor are both of these files`, hint)
  }
  if (bytes.length > 0) return [{ name: baseName(name), content: { type: 'bytes', bytes } }]
  throw new Failure('FILE_EMPTY', 'the file is empty', 'send a file with something in it')
}

/** The bytes of base64, with white space and without padding if need be; undefined for what is no base64. */
function bytesIn(typed: string): Uint8Array | undefined {
  const text = typed.replace(/\s+/g, '').replace(/=+$/, '')
  // Checked here, since Node's decoder skips bad characters: a damaged file must not count as a whole one.
  const good = /^[A-Za-z0-9+/]*$/.test(text) && text.length % 4 !== 1
  return good ? Buffer.from(text, 'base64') : undefined
}

// The peer does not learn in which folder the file lies.
function baseName(path: string): string {
  return path.split(/[/\\]/).findLast((part) => part !== '') ?? 'file'
}

/** A file that was sent: its first signal, how many signals it took, and how far they have come. */
type SentFile = { id: string; seq: number; body: FileBody; chunks: number; delivery: Delivery }

function sentFiles({ parts, state }: OutcomeOf<'sendfile'>): SentFile[] {
  const found = new Map<string, { id: string; seq: number; body: FileBody; ids: string[] }>()
  for (const { rumor, seq } of parts) {
    const body = parseSignal(rumor)?.body
    if (body?.type !== 'file') continue
    const key = transferKey(body)
    const file = found.get(key)
    if (file === undefined) found.set(key, { id: rumor.id, seq, body, ids: [rumor.id] })
    else file.ids.push(rumor.id)
  }
  const log = state.logs[parts[0]?.call ?? '']
  if (log === undefined) return []
  return [...found.values()].map(({ ids, ...file }) => ({
    ...file,
    chunks: ids.length,
    delivery: deliveryOf(log, ids),
  }))
}

function fileLines({ seq, body, delivery }: SentFile, outcome: OutcomeOf<'sendfile'>): PrintedLine[] {
  const shape = outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id)
  if (shape === undefined) return []
  const facts = `, ${body.size} bytes, SHA-256 ${body.sha256}: `
  const head = [span('heading', `file me/${seq}`), ' to ', ...describeAgent(shape.peer), facts]
  return [[...head, ...deliveryParts(delivery, body), ', named:'], ...quoteLines(foreignLine(body.name, 255), 'me')]
}

function deliveryParts({ state, accepted, failed }: Delivery, { remote }: FileBody): (string | Span)[] {
  if (state === 'queued') return [span('warning', 'queued'), ', it is on disk and goes out with the next command']
  if (state === 'relayed') return relayedParts(accepted.length, failed)
  // The id of every part is the hash of its content, and the other side has confirmed all of them.
  const has = remote === undefined ? 'the other side has it, with the same hash' : 'the other side knows where it lies'
  return [span('good', state), `: ${has}`]
}

function fileShape({ id, seq, body, chunks, delivery }: SentFile): Record<string, unknown> {
  const { state, accepted, failed } = delivery
  const url = body.remote === undefined ? undefined : body.text
  const base = { id, ref: `me/${seq}`, seq, state, relays: { accepted, failed } }
  return { ...base, name: body.name, size: body.size, sha256: body.sha256, chunks, url, note: body.note }
}
