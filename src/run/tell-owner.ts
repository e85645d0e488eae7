// Telling the owner: what is due, through every channel at once, and the line of the log that says whom it has reached.
import { defuseMarkup, escalationText } from '../call/escalation.ts'
import { recordOwnerTold } from '../state/escalations.ts'
import type { Executor } from './action.ts'
import type { RunContext } from './context.ts'

/** The share of the network budget that a channel has: 5 s of the usual 8. */
const CHANNEL_SHARE = 5 / 8

const CHANNEL_MAX = 60_000

/** Relays that took all the time there was must not keep the owner from being told, in ms. */
const CHANNEL_MIN = 3_000

export const tellOwner: Executor<'tell-owner'> = {
  async execute(action, context) {
    const { owner, config } = context.environment
    const { escalation, channels } = action.due
    const ms = channelTimeout(context)
    const text = defuseMarkup(escalationText(escalation, howToAnswer(config.owner.npub)))
    const notice = { id: escalation.id, facts: escalation, text }
    const now = owner.channels.filter((channel) => channels.includes(channel))
    const results = await Promise.all(
      now.map(async (channel) => [channel, await owner.tell(channel, notice, ms)] as const),
    )
    return { type: 'tell-owner', action, told: { id: escalation.id, results: Object.fromEntries(results) } }
  },
  // What is new is written down when it stands in the log, so that no line of it is lost.
  record(state, done, { environment, now }) {
    const told = done.flatMap((one) => (one.action.due.fresh ? [] : [one.told]))
    return told.length === 0 ? state : recordOwnerTold(state, told, environment.owner.channels, now)
  },
}

export const logEscalation: Executor<'log-escalation'> = {
  async execute(action, { environment }) {
    const error = environment.owner.log({ ...action.due.escalation, channels: action.channels })
    return { type: 'log-escalation', action, error }
  },
  record(state, done, { environment, now }) {
    const told = done.map(({ action }) => action.told)
    return recordOwnerTold(state, told, environment.owner.channels, now)
  },
}

/** How the owner answers where it does not read us on Nostr. */
function howToAnswer(ownerNpub: string | undefined): string {
  return ownerNpub === undefined
    ? 'To answer, tell it so where you usually do.'
    : 'To answer, reply to the direct message it has sent you on Nostr, or tell it so where you usually do.'
}

function channelTimeout({ environment, deadline }: RunContext): number {
  const share = Math.min(CHANNEL_MAX, environment.budget * CHANNEL_SHARE)
  return Math.max(Math.min(share, CHANNEL_MIN), Math.min(share, deadline - environment.clock()))
}
