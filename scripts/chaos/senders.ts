// What each side sends, by parallel commands that are killed at random, and how soon the other side was told.
import type { SeededRandom } from '../relay/faults.ts'
import { type Agent, type Clock, newsIn, startCommand } from './agents.ts'
import { pause } from './fault-schedule.ts'
import type { LateMessage } from './timeline.ts'

/** How many commands of an agent run at the same time, and the share of commands that are killed. */
const PARALLEL = 3
const KILLED_SHARE = 0.1

/** Ms that a message may take. */
const A_MINUTE = 60_000

export type SendOptions = {
  call: string
  /** How many messages must be accepted. */
  count: number
  random: SeededRandom
  clock: Clock
  /** Most ms between two commands of one sender. */
  idle: number
  /** Told how many of an agent's were accepted. */
  onAccepted: (who: Agent, count: number) => void
}

/** Sends until `count` messages were accepted. A killed command may have sent its message or not, so each try has a text of its own. */
export async function sendMessages(
  who: Agent,
  { call, count, random, clock, idle, onAccepted }: SendOptions,
): Promise<Saying> {
  const accepted: string[] = []
  const told = new Map<string, number>()
  const began = new Map<string, Sent>()
  let [tries, kills] = [0, 0]
  const sender = async () => {
    while (accepted.length < count) {
      const text = `${who.name} ${++tries}`
      const at = Date.now()
      const running = startCommand(who, ['send', text, '--call', call, '--json', '--timeout', '4'], clock)
      const timer = random() < KILLED_SHARE ? setTimeout(() => running.stop(), random() * 400) : undefined
      const ran = await running.ended
      clearTimeout(timer)
      for (const item of newsIn(ran.stdout)) if (!told.has(item.text)) told.set(item.text, Date.now())
      if (ran.code === null) kills++
      // 0: a relay took it. 3: none did, and it is kept. Both promise that it arrives.
      else if (ran.code === 0 || ran.code === 3) {
        began.set(text, { at, ended: `ended with ${ran.code} after ${(ran.ms / 1000).toFixed(1)} s` })
        onAccepted(who, accepted.push(text))
        // LOCKED: another command has the lock, and nothing was sent.
      } else if (ran.code !== 5 || !ran.stdout.includes('LOCKED'))
        throw new Error(`send ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
      await pause(idle * random())
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, sender))
  return { accepted, began, told, kills }
}

/** When a command that said something began, Unix ms, and how it ended. */
export type Sent = { at: number; ended: string }

/** What one agent has sent, by text; `told`: when its commands showed which text of the other agent, Unix ms. */
export type Saying = { accepted: string[]; began: Map<string, Sent>; told: Map<string, number>; kills: number }

/**
 * The share of messages that were told within a minute, the ms that each took, and those that took longer. Waits for that minute where
 * something is still to come.
 */
export async function heardInTime(
  told: readonly ReadonlyMap<string, number>[],
  began: ReadonlyMap<string, Sent>,
): Promise<{ share: number; took: number[]; late: LateMessage[] }> {
  const until = Math.max(0, ...[...began.values()].map(({ at }) => at)) + A_MINUTE
  const heard = () =>
    [...began].map(([text, sent]): LateMessage => {
      return { text, ...sent, came: Math.min(...told.map((one) => one.get(text) ?? Number.POSITIVE_INFINITY)) }
    })
  const late = () => heard().filter(({ at, came }) => came - at > A_MINUTE)
  while (Date.now() < until && late().length > 0) await pause(200)
  const took = heard().map(({ at, came }) => came - at)
  return { share: 1 - late().length / began.size, took, late: late() }
}
