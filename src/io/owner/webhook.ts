// owner.webhook: a POST of JSON that chat services take without an adapter. The body of a 2xx may hold the owner's answer.
import type { Agent, IncomingMessage } from 'node:http'
import { isLoopback } from '../../nostr/relay-url.ts'
import { foreign, foreignLine, isBlank } from '../../sanitize.ts'
import type { Env } from '../home/paths.ts'
import { agentFor } from '../http/agent.ts'
import { beginRequest, isRedirect, readStart } from '../http/request.ts'
import { errno } from '../store/disk-errors.ts'
import { abortAfter, errorCause, formatSeconds } from '../timers.ts'
import { type OwnerReply, parseAnswer } from './answer.ts'
import type { OwnerNotice } from './notice.ts'

/** Most characters of `content`: Discord takes no longer messages. The whole is in `text`. */
const MAX_CONTENT = 1_900

/** Most bytes that are read of a refusal, and of a 2xx that may hold the owner's answer. */
const MAX_COMPLAINT = 512
const MAX_REPLY = 65_536

/**
 * Posts the notice; the owner counts as told where the server answers 2xx, and its reply may be the answer. Never rejects. No error names
 * the address, which may be a secret.
 */
export async function tellWebhook(
  address: string,
  notice: OwnerNotice,
  { ms, env }: { ms: number; env: Env },
): Promise<OwnerReply> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined) return { error: foreign`owner.webhook is no address` }
  // The attack: whoever listens on the way learns of the call and its topic.
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    return { error: foreign`owner.webhook must be https://; http:// goes to this machine only` }
  // Not through a proxy without TLS: it could read the notice, and would look for 127.0.0.1 on its own machine.
  const agent = url.protocol === 'https:' ? await agentFor(address, env) : undefined
  return await post(url, Buffer.from(JSON.stringify(bodyOf(notice))), notice.id, { ms, agent })
}

// Slack, Mattermost, Rocket.Chat and others show `text`; Discord shows `content`, and pings nobody with these mentions.
function bodyOf({ facts, text }: OwnerNotice): object {
  const content = text.length <= MAX_CONTENT ? text : `${text.slice(0, MAX_CONTENT).replace(/[\ud800-\udbff]$/, '')}…`
  const { text: question, ...rest } = { text: '', ...facts }
  return { event: 'escalation', ...rest, question, text, content, allowed_mentions: { parse: [] } }
}

async function post(
  url: URL,
  body: Buffer,
  id: string,
  { ms, agent }: { ms: number; agent: Agent | undefined },
): Promise<OwnerReply> {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    accept: '*/*',
    'user-agent': 'p2p-comm',
    // The same notice is sent again where we have not heard the answer.
    'idempotency-key': id,
  }
  const stop = abortAfter(ms)
  const { request, response, end } = beginRequest(url, {
    method: 'POST',
    headers,
    route: { agent },
    signal: stop.signal,
  })
  try {
    request.end(body)
    const answer = await response
    const status = answer.statusCode ?? 0
    // The server has taken it: that time runs out while its reply is read changes nothing.
    if (status >= 200 && status < 300) return await replyIn(answer)
    const refusal = await refusalIn(answer, status)
    return stop.signal.aborted ? lateReply(ms) : refusal
  } catch (error) {
    if (stop.signal.aborted) return lateReply(ms)
    const why = errno(error) === '' ? foreignLine(errorCause(error)) : errno(error)
    return { error: foreign`cannot be reached (${why})` }
  } finally {
    end()
    stop.clear()
  }
}

function lateReply(ms: number): OwnerReply {
  return { error: foreign`gave no answer within ${formatSeconds(ms)}` }
}

async function replyIn(response: IncomingMessage): Promise<OwnerReply> {
  const { text, whole } = await readStart(response, MAX_REPLY)
  const answer = whole && text !== undefined ? parseAnswer(text) : undefined
  return answer === undefined ? {} : { answer }
}

async function refusalIn(response: IncomingMessage, status: number): Promise<OwnerReply> {
  if (isRedirect(status)) return { error: foreign`answered ${status}: a redirect, which is not followed` }
  const { text = '' } = await readStart(response, MAX_COMPLAINT)
  const why = foreignLine(text, 80)
  return { error: isBlank(why) ? foreign`answered ${status}` : foreign`answered ${status} (${why})` }
}
