// Files that are to be sent in a call: as chunks through relays, or from a server.
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { chooseCall } from './choose-call.ts'
import { type Decision, type DecisionContext, refuse } from './decision.ts'
import { chunksOf, LONGEST_STORED, mimeOf, remoteFileBody } from './file-transfer.ts'
import type { FileContent, IntentOf } from './intent.ts'
import type { Call } from './replay.ts'
import { LIMIT } from './signal.ts'
import { decideWithinSize } from './signal-size.ts'

/** Files in a call, all of them or none. Chunks are independent of each other: each is a rumor with a number of its own. */
export function sendFiles({ files, note = '' }: IntentOf<'sendfile'>, context: DecisionContext): Decision {
  const call = chooseCall('sendfile', 'file', context)
  if (call instanceof Failure) return { say: [], refusal: call }
  if (note.length > LIMIT.note) {
    const message = `a note has at most ${LIMIT.note} characters, this one has ${note.length}`
    return refuse('TEXT_TOO_LONG', message, `\`${P2P} send "…"\` says the rest`)
  }
  const noteOf = (n: number) => (n === 0 && note !== '' ? { note } : {})
  const verdicts = files.map((one, n) =>
    one.content.type === 'path'
      ? decideUpload({ ...one.content, name: one.name, ...noteOf(n) }, call, context)
      : decideChunks(one.name, one.content.bytes, { call, n, ...noteOf(n) }, context),
  )
  const refused = verdicts.find((verdict) => verdict.refusal !== undefined)
  if (refused !== undefined) return refused
  const uploads = verdicts.flatMap((verdict) => verdict.uploads ?? [])
  return { say: verdicts.flatMap(({ say }) => say), ...(uploads.length === 0 ? {} : { uploads }) }
}

/** `n`: which of several files it is, from 0; `note`: what is said of it. */
function decideChunks(
  name: string,
  bytes: Uint8Array,
  { call, n, note }: { call: Call; n: number; note?: string },
  context: DecisionContext,
): Decision {
  if (bytes.length > context.inlineMax) return tooLarge(bytes.length, context)
  const salt = `${context.now} ${call.own.seq}${n === 0 ? '' : ` ${n}`}`
  const [first, ...rest] = chunksOf(name, mimeOf(name), bytes, salt)
  const bodies = first === undefined ? [] : [{ ...first, ...(note === undefined ? {} : { note }) }, ...rest]
  const verdicts = bodies.map((body) =>
    decideWithinSize({ to: call.peer, call: call.id, body }, context.me, context.now),
  )
  return verdicts.find((v) => v.refusal !== undefined) ?? { say: verdicts.flatMap((v) => v.say) }
}

// No byte is uploaded before there is a call to announce the file in.
function decideUpload(
  { path, size, name, note }: Extract<FileContent, { type: 'path' }> & { name: string; note?: string },
  { id, peer }: Call,
  context: DecisionContext,
): Decision {
  if (context.stores !== true) return tooLarge(size, context)
  const said = note === undefined ? {} : { note }
  const body = { ...remoteFileBody(name, LONGEST_STORED), ...said }
  const longest = decideWithinSize({ to: peer, call: id, body }, context.me, context.now)
  return longest.refusal === undefined ? { say: [], uploads: [{ to: peer, call: id, name, path, ...said }] } : longest
}

function tooLarge(size: number, { inlineMax }: DecisionContext): Decision {
  return refuse(
    'FILE_TOO_LARGE',
    `the file has ${size} bytes; relays carry up to ${inlineMax} (file.inlineMax)`,
    `\`split -b ${inlineMax} <path>\` cuts it into parts that relays carry, for \`${P2P} sendfile <path>\`; \`${P2P} config set file.server https://…\` names a Blossom server for larger files`,
  )
}
