// A call in which one side is restored from a copy that was made while it spoke: the call must not go on as if nothing had happened, and
// both must know.
import {
  type Agent,
  type Clock,
  type Item,
  newsIn,
  readInbox,
  readTranscript,
  restoreHome,
  runCommand,
  type Transcript,
} from './agents.ts'
import { pause } from './fault-schedule.ts'

/** Messages that each side tries to send after the restore. */
const WORDS = 3

/** Ms by which the clock is set forward instead of waiting: what is not acknowledged is wrapped anew after ten minutes. */
const CLOCK_STEP = 11 * 60_000
const ROUNDS = 20

/**
 * Restores the victim, lets both speak on, and waits until both know.
 * @returns what is wrong, in words; nothing where all is as it must be
 */
export async function restoreInCall(call: string, victim: Agent, other: Agent, clock: Clock): Promise<string[]> {
  const both = [victim, other]
  const before = await Promise.all(both.map((who) => readTranscript(who, call, clock)))
  restoreHome(victim)
  // A copy that was made after the victim's last message lacks nothing: then nobody has to know.
  const isBehind = lacks(await readTranscript(victim, call, clock), before[1])
  const items: Item[][] = both.map(() => [])
  for (let n = 1; n <= WORDS; n++)
    for (const [at, who] of both.entries())
      items[at]?.push(...(await say(who, `${who.name} after it ${n}`, call, clock)))
  let after = before
  for (let round = 0; round < ROUNDS; round++) {
    clock.ms += CLOCK_STEP
    for (const [n, who] of both.entries()) items[n]?.push(...(await readInbox(who, clock)))
    after = await Promise.all(both.map((who) => readTranscript(who, call, clock)))
    if (after.every((side) => side.call.state === 'forked')) break
    await pause(10)
  }
  for (const [n, who] of both.entries()) items[n]?.push(...(await readInbox(who, clock)))
  return both.flatMap((who, n) => {
    const [now, then, news] = [after[n], before[n], items[n] ?? []]
    const [theirs, earlier] = [after[1 - n], before[1 - n]]
    if (now === undefined || then === undefined || theirs === undefined || earlier === undefined)
      return ['no transcript']
    const faults = faultsOf(
      now,
      [theirs, earlier],
      news.filter((item) => item.call === call),
      isBehind,
    )
    // The side that was not restored has lost nothing, and must see the call as it was.
    const kept = who === other && !isKept(then, now) ? ['what was shown has changed'] : []
    return [...faults, ...kept].map((fault) => `${who.name}: ${fault}`)
  })
}

/** Tries to send a message, and gives what was new to this agent. */
async function say(who: Agent, text: string, call: string, clock: Clock): Promise<Item[]> {
  const { stdout } = await runCommand(who, ['send', text, '--call', call, '--json'], clock)
  return newsIn(stdout)
}

/** Whether the other side holds a message of this one that this one does not hold any more. */
function lacks(mine: Transcript, theirs: Transcript | undefined): boolean {
  const own = new Set(mine.entries.map(({ id }) => id))
  return theirs?.entries.some(({ id, from, type }) => from === 'peer' && type === 'message' && !own.has(id)) ?? false
}

/**
 * What is wrong with one side's transcript and news.
 * @param theirs what the other side holds, and what it held before the restore
 * @param mustFork whether both have to know
 */
function faultsOf(mine: Transcript, theirs: readonly Transcript[], news: readonly Item[], mustFork: boolean): string[] {
  const own = mine.entries.filter(({ from, type }) => from === 'me' && type === 'message')
  const taken = new Set(theirs.flatMap(({ entries }) => entries.map(({ id }) => id)))
  const isDelivered = ({ state }: { state?: string }) => state === 'delivered' || state === 'read'
  const undelivered = new Set(news.flatMap(({ type, text }) => (type === 'undelivered' ? [text] : [])))
  const untold = own.filter((entry) => !isDelivered(entry) && !undelivered.has(entry.text))
  return [
    ...(!mustFork || (mine.call.state === 'forked' && mine.verified === false)
      ? []
      : [`the call is ${mine.call.state}`]),
    ...(news.some(({ type }) => type === 'forked') === (mine.call.state === 'forked')
      ? []
      : ['its agent was not told']),
    ...own.filter((entry) => isDelivered(entry) && !taken.has(entry.id)).map(({ text }) => `"${text}" is no delivery`),
    ...untold.map(({ text, state }) => `"${text}" is ${state}, and that was not told`),
    ...(new Set(own.map(({ text }) => text)).size < own.length ? ['something is there twice'] : []),
  ]
}

// Whether all entries before the first gap are still there, unchanged. Those after a gap wait for what is missing, and may move.
function isKept(before: Transcript, after: Transcript): boolean {
  const gap = before.entries.findIndex(({ type }) => type === 'gap')
  const told = gap === -1 ? before.entries : before.entries.slice(0, gap)
  const known = new Set(told.map(({ id }) => id))
  const words = (entries: Transcript['entries']) => JSON.stringify(entries.map(({ id, text }) => [id, text]))
  return words(after.entries.filter(({ id }) => known.has(id))) === words(told)
}
