// owner.webhook: a POST of JSON that chat services take as it is. Of a yes it is looked at whether it is the owner's answer.
import { type Agent, type IncomingMessage, request as plainly } from 'node:http'
import { request as securely } from 'node:https'
import { isLoopback } from '../../nostr/relay-url.ts'
import { foreign, foreignLine, isBlank } from '../../sanitize.ts'
import type { Env } from '../home/paths.ts'
import { agentFor } from '../http/agent.ts'
import { errno } from '../store/disk-errors.ts'
import { formatSeconds } from '../timers.ts'
import { type OwnerReply, parseAnswer } from './answer.ts'
import type { OwnerNotice } from './notice.ts'

/** Discord takes no longer messages; the owner finds the rest in `text`. */
const MAX_CONTENT = 1_900

/** Characters that may say why it is a no, and of a yes that may be the owner's answer. */
const MAX_COMPLAINT = 512
const MAX_REPLY = 65_536

/** Told when the server has taken it; its reply may be the answer. Never rejects. No error names the address: it may be a secret. */
export async function tellWebhook(
  address: string,
  notice: OwnerNotice,
  { ms, env }: { ms: number; env: Env },
): Promise<OwnerReply> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined) return { error: foreign`owner.webhook is no address` }
  // The attack: whoever can read the way learns of the call and its topic.
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    return { error: foreign`owner.webhook must be https://; http:// goes to this machine only` }
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
): Promise<OwnerReply> {
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
    const end = (reply: OwnerReply) => {
      clearTimeout(timer)
      asked.destroy()
      agent?.destroy()
      resolve(reply)
    }
    // Once the server has taken it, time that runs out takes nothing back.
    let taken = false
    const late = () => end(taken ? {} : { error: foreign`gave no answer within ${formatSeconds(ms)}` })
    const timer = setTimeout(late, ms)
    asked.on('error', (error) =>
      end(
        taken
          ? {}
          : { error: foreign`cannot be reached (${errno(error) === '' ? foreignLine(error.message) : errno(error)})` },
      ),
    )
    asked.on('response', (answer) => {
      const status = answer.statusCode ?? 0
      taken = status >= 200 && status < 300
      void (taken ? replyIn(answer) : refusalIn(answer)).then(end)
    })
    asked.end(body)
  })
}

async function replyIn(response: IncomingMessage): Promise<OwnerReply> {
  const said = await firstOf(response, MAX_REPLY)
  const answer = said.length > MAX_REPLY ? undefined : parseAnswer(said)
  return answer === undefined ? {} : { answer }
}

async function refusalIn(response: IncomingMessage): Promise<OwnerReply> {
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400)
    return { error: foreign`answered ${status}: it wants to lead elsewhere, which is not followed` }
  const why = foreignLine(await firstOf(response, MAX_COMPLAINT), 80)
  return { error: isBlank(why) ? foreign`answered ${status}` : foreign`answered ${status} (${why})` }
}

/** What a server says, and no more of it than one part beyond `most` characters. */
async function firstOf(response: IncomingMessage, most: number): Promise<string> {
  let said = ''
  try {
    for await (const part of response.setEncoding('utf8')) {
      said += part
      if (said.length > most) break
    }
  } catch {
    // The number says enough.
  }
  return said
}
