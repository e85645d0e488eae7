// Reads what a command needs before its intent can be made: stdin or files, and never more of them than can be sent.
import { existsSync } from 'node:fs'
import { P2P, shellPath } from '../command-name.ts'
import type { InputRequest, SourceFile, TypedInput } from '../commands/command.ts'
import { Failure } from '../errors.ts'
import { readSource, readStream } from '../io/files/source.ts'
import { readConfig } from '../io/home/config.ts'
import { importIdentity } from '../io/home/identity.ts'
import type { Env, Home } from '../io/home/paths.ts'
import type { Host } from './host.ts'

/** Most bytes of a text: far more than one message holds, so that the refusal can say how long the text is. */
const MAX_TEXT = 1_000_000

/** Most bytes of a secret key, with white space around it. */
const MAX_SECRET = 4_096

/**
 * Reads what a command needs besides its arguments. Throws FILE_UNREADABLE, FILE_IS_FOLDER, FILE_EMPTY, FILE_CHANGED,
 * FILE_TOO_LARGE and TEXT_TOO_LONG; for a secret key what importing it throws.
 */
export async function readInput(
  wanted: InputRequest,
  home: Home,
  { env, stdin }: Pick<Host, 'env' | 'stdin'>,
): Promise<TypedInput> {
  if (wanted.from === 'words') return await readWords(wanted, home)
  if (wanted.from === 'files') return { files: await readFiles(wanted.paths, home) }
  if (wanted.as === 'secret') return await takeSecret(home, env, stdin)
  const maxBytes = wanted.as === 'text' ? MAX_TEXT : readConfig(home).file.inlineMax
  const input = await readStream(stdin, maxBytes)
  if (input !== undefined) return { input }
  const what = `what comes on stdin has more than ${maxBytes} bytes`
  if (wanted.as === 'text') throw new Failure('TEXT_TOO_LONG', what, `\`${P2P} sendfile <path>\` sends files`)
  // stdin can be read only once, and a server must be told the hash before it gets the bytes.
  const hint = `write it to a file first; \`${P2P} sendfile <path>\` sends larger ones where file.server is set`
  throw new Failure('FILE_TOO_LARGE', `${what} (file.inlineMax)`, hint)
}

async function readFiles(paths: readonly string[], home: Home): Promise<SourceFile[]> {
  const maxBytes = readConfig(home).file.inlineMax
  const files: SourceFile[] = []
  // One after the other: the first file that cannot be read is an error, and nothing is sent.
  for (const path of paths) files.push({ path, ...(await readSource(path, maxBytes, home)) })
  return files
}

// "Two arguments are name and base64; where the second is no base64 and both are files, two paths; where both readings fit, exit 2."
async function readWords({ words, base64 }: Extract<InputRequest, { from: 'words' }>, home: Home): Promise<TypedInput> {
  if (!words.every((word) => existsSync(word))) return {}
  if (!base64) return { files: await readFiles(words, home) }
  const [first, second] = words
  throw new Failure(
    'USAGE',
    `"${second.slice(0, 40)}" is base64, and both are files here: two files, or the bytes of one?`,
    `two files: \`${P2P} sendfile ${dotted(first)} ${dotted(second)}\`; bytes on stdin: \`${P2P} sendfile ${shellPath(first)} -\``,
  )
}

/** The same path with a dot in it, so that it cannot be base64. */
function dotted(path: string): string {
  return shellPath(path.startsWith('/') ? `/.${path}` : `./${path}`)
}

async function takeSecret(home: Home, env: Env, stdin: Host['stdin']): Promise<TypedInput> {
  if (env.P2P_SECRET_KEY !== undefined) {
    const hint = 'unset it: every command would go on using that key instead of the imported one'
    throw new Failure('USAGE', 'P2P_SECRET_KEY is set', hint)
  }
  const bytes = await readStream(stdin, MAX_SECRET)
  importIdentity(home, bytes ?? new Uint8Array())
  return {}
}
