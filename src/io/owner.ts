// The owner's channels outside of Nostr: which are configured, and telling the owner through one of them.
import type { Config } from './config.ts'
import type { Env, Home } from './home.ts'
import { tellCommand } from './owner/command.ts'
import { logLine } from './owner/log.ts'
import type { Notice } from './owner/notice.ts'
import { tellOpenclaw } from './owner/openclaw.ts'
import { tellWebhook } from './owner/webhook.ts'

export type Channel = 'openclaw' | 'webhook' | 'command'

export type Owner = {
  /** The channels that are configured. */
  channels: readonly Channel[]
  /** What went wrong; undefined when the owner was told. `ms`: how long it may take. Never rejects. */
  tell(channel: Channel, notice: Notice, ms: number): Promise<string | undefined>
  /** Appends a line to escalations.jsonl; what went wrong. */
  log(line: object): string | undefined
}

export function ownerOf(home: Home, { webhook, command, openclaw }: Config['owner'], env: Env): Owner {
  // A half-set channel is one that fails and says why, not one that is passed over.
  const chats = [openclaw.target, openclaw.channel, openclaw.account].some((part) => part !== undefined)
  return {
    channels: [
      ...(chats ? ['openclaw' as const] : []),
      ...(webhook === undefined ? [] : ['webhook' as const]),
      ...(command.length === 0 ? [] : ['command' as const]),
    ],
    async tell(channel, notice, ms) {
      if (channel === 'openclaw') return await tellOpenclaw(openclaw, notice, { ms, env })
      if (channel === 'command') return await tellCommand(command, notice, { ms, env })
      return webhook === undefined ? 'owner.webhook is not set' : await tellWebhook(webhook, notice, { ms, env })
    },
    log: (line) => logLine(home, line),
  }
}
