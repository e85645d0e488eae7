// Calls as 0.1.0 kept them, read once to be shown: their numbers proved nothing against the peer, so nothing is built on them.
import { isRecord } from '../../json.ts'
import { isHex32 } from '../../nostr/crypto.ts'
import { npubEncode } from '../../nostr/nip19.ts'
import { cleanText } from '../../sanitize.ts'
import { keptRumor } from '../log-codec.ts'
import { formatTime } from '../wording.ts'

/** A call of 0.1.0 as Markdown, and its id. */
export type LegacyCall = { id: string; markdown: string }

/**
 * Renders the files of one call of 0.1.0, its own and its chapters, in the order that 0.1.0 showed; undefined for anything else.
 * @param me our own key, hex
 */
export function legacyCall(files: readonly unknown[], me: string): LegacyCall | undefined {
  const [head] = files
  if (!isRecord(head) || (head.version !== 1 && head.version !== 2) || typeof head.id !== 'string') return undefined
  const { id } = head
  const rumors = files.flatMap((file) => {
    const entries = isRecord(file) && isRecord(file.entries) ? Object.values(file.entries) : []
    return entries.flatMap((entry) => (isRecord(entry) ? (keptRumor(entry.rumor) ?? []) : []))
  })
  const request = rumors.find((rumor) => rumor.id === id)
  if (request === undefined) return undefined
  const tag = (rumor: { tags: string[][] }, name: string) => rumor.tags.find((entry) => entry[0] === name)?.[1]
  const clock = (rumor: { tags: string[][] }) => Number(tag(rumor, 'lc') ?? 0)
  const peer = request.pubkey === me ? (tag(request, 'p') ?? '') : request.pubkey
  if (!isHex32(peer)) return undefined
  const sorted = rumors.sort((a, b) => clock(a) - clock(b) || (a.pubkey < b.pubkey ? -1 : 1))
  const lines = sorted.flatMap((rumor, n) => {
    const what = tag(rumor, 'op') ?? (rumor.kind === 15 ? 'file' : 'message')
    const name = what === 'file' ? [quote(tag(rumor, 'name') ?? 'file')] : [quote(rumor.content)]
    const who = rumor.pubkey === me ? 'me' : 'peer'
    const words = rumor.content === '' && what !== 'file' ? [] : ['', ...name]
    return [`**${n + 1}. ${who}** ${what}, ${formatTime(rumor.created_at)}`, ...words, '']
  })
  const markdown = [
    `# Call ${id.slice(0, 8)}`,
    '',
    '**Kept by 0.1.0, not verifiable.**',
    '',
    `- Peer: ${npubEncode(peer)}`,
    `- Asked by ${request.pubkey === me ? 'me' : 'the peer'}: ${formatTime(request.created_at)}`,
    `- Call: ${id}`,
    '',
    ...lines,
  ]
  return { id, markdown: `${markdown.join('\n')}\n` }
}

// Four spaces make code of a line, in which nothing is markup.
function quote(text: string): string {
  return cleanText(text)
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
}
