// `sendfile`: a file in the active call.

import type { FileContent } from '../call/intent.ts'
import { parseSignal } from '../call/signal-codec.ts'
import { P2P } from '../command-name.ts'
import { EXIT, Failure } from '../errors.ts'
import type { OutcomeOf } from '../run/outcome.ts'
import { optionalText, wordsArgument } from './args.ts'
import type { Args, Command } from './command.ts'
import { callShape, messageShape } from './json.ts'
import { deliveryLines } from './send.ts'

export const sendfile: Command<'sendfile'> = {
  usage: 'sendfile <name> [base64]',
  describe: 'Send a file in the active call: name and base64, a path, or a name and "-" for stdin',
  example: 'p2p sendfile report.json "eyJkYXRhIjogdHJ1ZX0="\n  p2p sendfile ./report.json',
  positionals: {
    name: { type: 'string', describe: 'the name of the file, or its path when nothing follows' },
    base64: { type: 'string', describe: 'the bytes in base64, or "-" for stdin' },
  },
  input: (args) => {
    if (optionalText(args, 'base64') === '-') return { from: 'stdin', as: 'file' }
    return args.base64 === undefined ? { from: 'file', path: wordsArgument(args, 'name') } : undefined
  },
  intent: (args) => ({ type: 'sendfile', name: baseName(wordsArgument(args, 'name')), content: contentOf(args) }),
  needs: () => ({ network: true }),
  text: (outcome) => deliveryLines(outcome, 'file', false),
  json: (outcome) => ({
    file: fileShape(outcome),
    call: outcome.call === undefined ? undefined : callShape(outcome, outcome.call.id),
  }),
}

function contentOf(args: Args): FileContent {
  if (args.large !== undefined) return { type: 'path', path: wordsArgument(args, 'name'), size: args.large }
  const bytes = bytesOf(args)
  if (bytes.length > 0) return { type: 'bytes', bytes }
  throw new Failure('FILE_EMPTY', EXIT.usage, 'the file is empty', 'send a file with something in it')
}

function bytesOf(args: Args): Uint8Array {
  if (args.input !== undefined) return args.input
  const text = optionalText(args, 'base64').replace(/\s+/g, '').replace(/=+$/, '')
  // Node's decoder skips what it does not know; a damaged file must not pass for a whole one.
  const good = /^[A-Za-z0-9+/]*$/.test(text) && text.length % 4 !== 1
  if (!good)
    throw new Failure('BAD_BASE64', EXIT.usage, 'this is no base64', `\`${P2P} sendfile <path>\` sends a file as it is`)
  return Buffer.from(text, 'base64')
}

// Where a file lies on our side is nobody's business.
function baseName(path: string): string {
  return path.split(/[/\\]/).findLast((part) => part !== '') ?? 'file'
}

function fileShape(outcome: OutcomeOf<'sendfile'>): Record<string, unknown> | undefined {
  const { said, parts, intent } = outcome
  const shape = messageShape(outcome)
  const file = said === undefined ? undefined : parseSignal(said.rumor)?.body
  if (shape === undefined || file?.type !== 'file') return undefined
  const url = file.remote === undefined ? undefined : file.text
  return { ...shape, name: intent.name, size: file.size, sha256: file.x, chunks: parts.length, url }
}
