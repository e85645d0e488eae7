// Which machine this is among those that may use our identity. Canaries carry its id and a counter, sealed by us to ourselves: what
// comes back beyond our own counter proves that this state is old, or that another machine is at work.
import { CONTROL } from '../call/signal.ts'
import type { Rumor, Template } from '../nostr/event.ts'
import type { MachineMemory, State } from './state.ts'
import { beginTransaction, type Transaction } from './transaction.ts'

const ID_DIGITS = 32

/** What another machine writes more than this many seconds after we have heard of it proves that it is at work still: clocks differ. */
const LATER = 900

/** Most other machines that are remembered. */
const MAX_OTHERS = 20

export type CanaryBody = { machine: string; count: number }

/** Counts one more canary; the count must be on disk before anybody hears of it. @param random gives numbers from 0 to 1 */
export function countCanary(state: State, random: () => number): { state: State; body: CanaryBody } {
  const edit = beginTransaction(state)
  const held = edit.index.machine ?? { id: '', count: 0 }
  const id = held.id === '' ? newId(random) : held.id
  const count = held.count + 1
  edit.index.machine = { ...held, id, count }
  return { state: edit.state, body: { machine: id, count } }
}

function newId(random: () => number): string {
  return Array.from({ length: ID_DIGITS }, () => Math.floor(random() * 16).toString(16)).join('')
}

/** The rumor of a canary, before it has an id. @param stamp unix seconds */
export function canaryTemplate({ machine, count }: CanaryBody, me: string, stamp: number): Template {
  const tags = [
    ['p', me],
    ['op', 'canary'],
    ['machine', machine],
    ['n', String(count)],
  ]
  return { kind: CONTROL, created_at: stamp, tags, content: '' }
}

/** The machine and the count in a rumor of our own; undefined where it is no canary. */
export function parseCanary({ kind, tags }: Rumor): CanaryBody | undefined {
  const first = (name: string) => tags.find((tag) => tag[0] === name)?.[1] ?? ''
  if (kind !== CONTROL || first('op') !== 'canary') return undefined
  const [machine, n] = [first('machine'), first('n')]
  return /^[0-9a-f]{32}$/.test(machine) && /^[1-9]\d{0,8}$/.test(n) ? { machine, count: Number(n) } : undefined
}

/**
 * Takes in the canaries among what came. Called before the letters are taken in: once it is known that this state is not the only one,
 * what was written before may have been told already.
 */
export function noteMachines(edit: Transaction, rumors: readonly Rumor[], me: string, now: number): void {
  for (const rumor of rumors) {
    const body = rumor.pubkey === me ? parseCanary(rumor) : undefined
    if (body !== undefined) noteMachine(edit, body, rumor.created_at, now)
  }
}

function noteMachine(edit: Transaction, { machine, count }: CanaryBody, written: number, now: number): void {
  const held = edit.index.machine ?? { id: '', count: 0 }
  const isOwn = machine === held.id
  if (isOwn && count <= held.count) return
  const known = held.others?.[machine]
  // Written after we had heard of it.
  const lives = known !== undefined && known.lives !== true && written > known.at + LATER
  if (known !== undefined && !lives) return
  const other = known === undefined ? { at: now } : { ...known, lives: true as const }
  // Whoever goes on under the id that this state had is another machine from now on.
  const after: MachineMemory = {
    ...held,
    ...(isOwn && { id: '' }),
    count: Math.max(count, held.count),
    others: bounded({ ...held.others, [machine]: other }),
  }
  // That the state before this one was lost is told already.
  const isNews = lives || (count > held.count && written > (edit.index.stateLostAt ?? 0))
  edit.index.machine = isNews ? { ...after, found: { at: now, ...(lives && { lives: true as const }) } } : after
  if (isNews) edit.index.stateLostAt = now
}

function bounded(others: NonNullable<MachineMemory['others']>): NonNullable<MachineMemory['others']> {
  const latest = Object.entries(others).sort(([, a], [, b]) => b.at - a.at)
  return Object.fromEntries(latest.slice(0, MAX_OTHERS))
}

/** Notes that what was found out about other machines is told with this command. */
export function markMachineTold(state: State, now: number): State {
  const { machine } = state.index
  if (machine?.found === undefined || machine.found.told !== undefined) return state
  const edit = beginTransaction(state)
  edit.index.machine = { ...machine, found: { ...machine.found, told: now } }
  return edit.state
}
