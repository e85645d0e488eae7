// The owner's channels outside of Nostr: which are configured, and how the owner is told through each.
import { foreign } from '../../sanitize.ts'
import type { Config } from '../home/config.ts'
import type { Env, Home } from '../home/paths.ts'
import type { OwnerReply } from './answer.ts'
import { logLine } from './log.ts'
import type { OwnerNotice } from './notice.ts'

export type OwnerChannel = 'openclaw' | 'webhook' | 'command'

export type Owner = {
  /** The channels that are configured. */
  channels: readonly OwnerChannel[]
  /** Tells the owner through one channel, within `ms` milliseconds. Never rejects. */
  tell(channel: OwnerChannel, notice: OwnerNotice, ms: number): Promise<OwnerReply>
  /** Appends a line to escalations.jsonl; what went wrong, undefined where nothing did. */
  log(line: object): string | undefined
}

/** Opens the channels that the settings name, and the log of escalations. The code of each channel is loaded when it is used. */
export function openOwner(home: Home, { webhook, command, openclaw }: Config['owner'], env: Env): Owner {
  // A half-configured channel counts, so that it fails and says why.
  const chats = [openclaw.target, openclaw.channel, openclaw.account].some((part) => part !== undefined)
  return {
    channels: [
      ...(chats ? ['openclaw' as const] : []),
      ...(webhook === undefined ? [] : ['webhook' as const]),
      ...(command.length === 0 ? [] : ['command' as const]),
    ],
    async tell(channel, notice, ms) {
      if (channel === 'openclaw') {
        const error = await (await import('./openclaw.ts')).tellOpenclaw(openclaw, notice, { ms, env })
        return error === undefined ? {} : { error }
      }
      if (channel === 'command') return await (await import('./command.ts')).tellCommand(command, notice, { ms, env })
      if (webhook === undefined) return { error: foreign`owner.webhook is not set` }
      return await (await import('./webhook.ts')).tellWebhook(webhook, notice, { ms, env })
    },
    log: (line) => logLine(home, line),
  }
}
