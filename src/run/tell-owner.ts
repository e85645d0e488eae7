// Telling the owner by webhook, program and chat, all at once (on Nostr it is a letter like any other), and the log's line that says whom
// that has reached.
import { defuseMarkup, escalationText } from '../call/escalation.ts'
import type { OwnerChannel } from '../io/owner/channels.ts'
import { foreignLine } from '../sanitize.ts'
import { recordOwnerTold } from '../state/pending-escalations.ts'
import type { Executor } from './action.ts'
import type { RunContext } from './context.ts'

/** The share of the network budget that a channel gets: 5 s of the usual 8; and the most ms that it gets. */
const CHANNEL_SHARE = 5 / 8
const CHANNEL_MAX = 60_000

/** Ms that a channel gets even when relays took all the time there was: the owner must be told. */
const CHANNEL_MIN = 3_000

export const tellOwner: Executor<'tell-owner'> = {
  async execute(action, context) {
    const { owner, config } = context.environment
    const { escalation, channels } = action.due
    const ms = channelTimeout(context)
    const now = owner.channels.filter((channel) => channels.includes(channel))
    const replies = await Promise.all(
      now.map(async (channel) => {
        const text = defuseMarkup(escalationText(escalation, howToAnswer(channel, config.owner.npub)))
        return [channel, await owner.tell(channel, { id: escalation.id, facts: escalation, text }, ms)] as const
      }),
    )
    const results = Object.fromEntries(replies.map(([channel, { error }]) => [channel, error]))
    const answers = Object.fromEntries(
      replies.flatMap(([channel, { answer }]) => (answer === undefined ? [] : [[channel, answer]])),
    )
    return { type: 'tell-owner', action, told: { id: escalation.id, results, answers } }
  },
  // A first telling is recorded only together with its line in the log, so that no line is lost.
  record(state, done, { environment, now }) {
    const told = done.flatMap((one) => (one.action.due.neverTold ? [] : [one.told]))
    return told.length === 0 ? state : recordOwnerTold(state, told, environment.owner.channels, now)
  },
}

export const logEscalation: Executor<'log-escalation'> = {
  async execute(action, { environment }) {
    const error = environment.owner.log({ ...action.due.escalation, channels: action.channels })
    return { type: 'log-escalation', action, error }
  },
  record(state, done, { environment, now }) {
    const told = done.map(({ action, error }) => {
      const log = error === undefined ? undefined : foreignLine(error)
      const channels = action.channels.map(({ channel, error: why }) => [channel, why] as const)
      return { ...action.told, others: { ...Object.fromEntries(channels), log } }
    })
    return recordOwnerTold(state, told, environment.owner.channels, now)
  },
}

/** How the owner can answer, by the channel in which it reads this. */
function howToAnswer(channel: OwnerChannel, ownerNpub: string | undefined): string {
  // OpenClaw hands what its owner writes in that chat to the agent itself.
  if (channel === 'openclaw') return 'To answer, reply in this chat: it is where your agent hears you.'
  const other = ownerNpub === undefined ? '' : ', or reply to the direct message that it has sent you on Nostr'
  const program = channel === 'webhook' ? 'A server answers with the body' : 'A program answers by printing'
  return `To answer, tell your agent where you usually talk to it${other}. ${program} {"answer": "…"} and nothing else.`
}

function channelTimeout({ environment, deadline }: RunContext): number {
  const share = Math.min(CHANNEL_MAX, environment.budget * CHANNEL_SHARE)
  return Math.max(Math.min(share, CHANNEL_MIN), Math.min(share, deadline - environment.clock()))
}
