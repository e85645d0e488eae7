// A file that is too large for relays: put on the server first, so that the run that announces it is one like any other.
import { decide } from '../call/decide.ts'
import { type FileBody, mimeOf } from '../call/file-transfer.ts'
import type { FileContent, Large } from '../call/intent.ts'
import { LIMIT } from '../call/signal.ts'
import type { StoredFile } from '../io/files/upload.ts'
import { directoryOf } from '../state/directory.ts'
import type { RunContext } from './context.ts'
import type { CommonOutcome } from './outcome.ts'

/**
 * What to announce, once the file lies on the server; the file as it was when nothing may be sent now, which the run then
 * says. Throws what uploading throws.
 * @param before what a look at the mailbox has shown: not a byte leaves before a call is there to send it in
 */
export async function uploadFor(
  intent: Large,
  server: string,
  { environment, selector, now }: RunContext,
  before: CommonOutcome,
): Promise<FileContent> {
  const { inlineMax } = environment.config.file
  const { name, content } = intent
  const me = environment.keys.pubkey
  // A server refuses what is dated ahead of its clock.
  const ahead = now - before.now
  const unused = { peer: undefined, name: '', inbox: [], ring: 0 }
  const directory = directoryOf(before.state.index, before.people, 'callers')
  const scene = { ...unused, calls: before.calls, people: before.people, directory, selector, inlineMax, me, now }
  const { refusal } = decide({ ...intent, content: { type: 'stored', body: bodyOf(name, LONGEST_STORED) } }, scene)
  if (refusal !== undefined) return content
  const stored = await environment.depot.put(content.path, server, ahead)
  return { type: 'stored', body: bodyOf(name, stored) }
}

function bodyOf(name: string, { url, key, nonce, x, ox, size }: StoredFile): FileBody {
  return {
    type: 'file',
    text: url,
    file: x.slice(0, 16),
    name,
    mime: mimeOf(name),
    size,
    x: ox,
    chunk: [1, 1],
    remote: { key, nonce, x, fallbacks: [] },
  }
}

// Whatever the server will answer, the announcement is not longer than this.
const LONGEST_STORED: StoredFile = {
  url: 'x'.repeat(LIMIT.url),
  key: '0'.repeat(64),
  nonce: '0'.repeat(24),
  x: '0'.repeat(64),
  ox: '0'.repeat(64),
  size: 1e12,
}
