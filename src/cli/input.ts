// What a command reads before it can be meant: stdin or a file, and never more of it than can be sent.
import { P2P } from '../command-name.ts'
import type { InputRequest, StdinInput } from '../commands/command.ts'
import { EXIT, Failure } from '../errors.ts'
import { readSource, readStream } from '../io/files/source.ts'
import { readConfig } from '../io/home/config.ts'
import { importIdentity } from '../io/home/identity.ts'
import type { Env, Home } from '../io/home/paths.ts'

/** Bytes of a text: far more than one message holds, so that the refusal can tell how much of it that is. */
const MAX_TEXT = 1_000_000

/** Bytes of a secret key, white space around it allowed for. */
const MAX_SECRET = 4_096

/**
 * Throws FILE_UNREADABLE, FILE_IS_FOLDER, FILE_EMPTY, FILE_CHANGED, FILE_TOO_LARGE and TEXT_TOO_LONG; for a secret key what
 * importing it throws.
 */
export async function readInput(wanted: InputRequest, home: Home, env: Env = process.env): Promise<StdinInput> {
  if (wanted.from === 'stdin' && wanted.as === 'secret') return await takeSecret(home, env)
  const most = wanted.from === 'stdin' && wanted.as === 'text' ? MAX_TEXT : readConfig(home).file.inlineMax
  if (wanted.from === 'file') {
    const read = await readSource(wanted.path, most, home)
    return 'bytes' in read ? { input: read.bytes } : { large: read.size }
  }
  const input = await readStream(process.stdin, most)
  if (input !== undefined) return { input }
  const what = `what comes on stdin has more than ${most} bytes`
  if (wanted.as === 'text')
    throw new Failure('TEXT_TOO_LONG', EXIT.usage, what, `\`${P2P} sendfile <path>\` sends files`)
  // It can be read only once, and a server must be told the hash before it is given the bytes.
  const hint = `write it to a file first; \`${P2P} sendfile <path>\` sends larger ones where file.server is set`
  throw new Failure('FILE_TOO_LARGE', EXIT.usage, `${what} (file.inlineMax)`, hint)
}

async function takeSecret(home: Home, env: Env): Promise<StdinInput> {
  if (env.P2P_SECRET_KEY !== undefined) {
    const hint = 'unset it: every command would go on using that key instead of the imported one'
    throw new Failure('USAGE', EXIT.usage, 'P2P_SECRET_KEY is set', hint)
  }
  const bytes = await readStream(process.stdin, MAX_SECRET)
  importIdentity(home, bytes ?? new Uint8Array())
  return {}
}
