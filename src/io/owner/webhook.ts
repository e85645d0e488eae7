// owner.webhook: a POST of JSON that chat services take as it is. What is answered is looked at as little as possible.
import { type Agent, type IncomingMessage, request as plainly } from 'node:http'
import { request as securely } from 'node:https'
import { isLoopback } from '../../nostr/relay-url.ts'
import { type Foreign, foreign, foreignLine, isBlank } from '../../sanitize.ts'
import type { Env } from '../home/paths.ts'
import { agentFor } from '../http/agent.ts'
import { errno } from '../store/disk-errors.ts'
import { formatSeconds } from '../timers.ts'
import type { OwnerNotice } from './notice.ts'

/** Discord takes no longer messages; the owner finds the rest in `text`. */
const MAX_CONTENT = 1_900

/** Bytes of an answer that may say why it is a no. */
const MAX_ANSWER = 512

/** What went wrong; undefined when the server has taken it. Never rejects. No error names the address: it may be a secret. */
export async function tellWebhook(
  address: string,
  notice: OwnerNotice,
  { ms, env }: { ms: number; env: Env },
): Promise<Foreign | undefined> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined) return foreign`owner.webhook is no address`
  // The attack: whoever can read the way learns of the call and its topic.
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    return foreign`owner.webhook must be https://; http:// goes to this machine only`
  // A proxy could read what goes to this machine without TLS, and would look for it on its own.
  const agent = url.protocol === 'https:' ? await agentFor(address, env) : undefined
  return await post(url, Buffer.from(JSON.stringify(bodyOf(notice))), notice.id, { ms, agent })
}

// Slack, Mattermost, Rocket.Chat and others show `text`; Discord shows `content`, and pings nobody with these mentions.
function bodyOf({ facts, text }: OwnerNotice): object {
  const content = text.length <= MAX_CONTENT ? text : `${text.slice(0, MAX_CONTENT).replace(/[\ud800-\udbff]$/, '')}…`
  const { text: question, ...rest } = { text: '', ...facts }
  return { event: 'escalation', ...rest, question, text, content, allowed_mentions: { parse: [] } }
}

function post(
  url: URL,
  body: Buffer,
  id: string,
  { ms, agent }: { ms: number; agent: Agent | undefined },
): Promise<Foreign | undefined> {
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'content-length': body.length,
      accept: '*/*',
      'user-agent': 'p2p-comm',
      // The same notice may come again when our side has not heard the answer.
      'idempotency-key': id,
    }
    const send = url.protocol === 'https:' ? securely : plainly
    const asked = send(url, { method: 'POST', headers, agent: agent ?? false })
    const end = (error?: Foreign) => {
      clearTimeout(timer)
      asked.destroy()
      agent?.destroy()
      resolve(error)
    }
    const timer = setTimeout(() => end(foreign`gave no answer within ${formatSeconds(ms)}`), ms)
    asked.on('error', (error) =>
      end(foreign`cannot be reached (${errno(error) === '' ? foreignLine(error.message) : errno(error)})`),
    )
    asked.on('response', (answer) => void failureOf(answer).then(end))
    asked.end(body)
  })
}

async function failureOf(answer: IncomingMessage): Promise<Foreign | undefined> {
  const status = answer.statusCode ?? 0
  // Nothing that follows can change a yes, so it is not read.
  if (status >= 200 && status < 300) return undefined
  if (status >= 300 && status < 400)
    return foreign`answered ${status}: it wants to lead elsewhere, which is not followed`
  let said = ''
  try {
    for await (const part of answer.setEncoding('utf8')) {
      said += part
      if (said.length >= MAX_ANSWER) break
    }
  } catch {
    // The number says enough.
  }
  const why = foreignLine(said, 80)
  return isBlank(why) ? foreign`answered ${status}` : foreign`answered ${status} (${why})`
}
