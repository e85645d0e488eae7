// Reading state.json: ours and written whole, but a disk can damage it, and a command must not trip over what is left.

import { parseOutboxEntry, parseRumor } from '../call/log.ts'
import { RULES } from '../call/rules.ts'
import { isRecord } from '../json.ts'
import { type Upgrade, upgraded } from '../migrate.ts'
import { isHex32 } from '../nostr/crypto.ts'
import { emptyIndex, type Index } from './book.ts'

/**
 * 'newer' when a later version wrote it, undefined when it is damaged. Parts that an earlier version lacked are empty. Every entry
 * is looked at, unless the file is `unchanged` since this program wrote it.
 */
export function parseIndex(value: unknown, unchanged = false): Index | 'newer' | undefined {
  if (!isRecord(value)) return undefined
  const { sum, ...rest } = value
  const held = upgraded(rest, UPGRADES)
  if (held === undefined || held === 'newer') return held
  if (unchanged) return Object.assign(emptyIndex(), held)
  const whole = Object.entries(PARTS).every(([name, is]) => !Object.hasOwn(held, name) || is(held[name]))
  const known = typeof held.agent === 'string' && isRecord(held.calls)
  return whole && known ? Object.assign(emptyIndex(), held) : undefined
}

/** From each version of state.json to the next. */
const UPGRADES: readonly Upgrade[] = []

type Check = (value: unknown) => boolean

const number: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const text: Check = (value) => typeof value === 'string'
const key: Check = (value) => typeof value === 'string' && isHex32(value)
const flag: Check = (value) => typeof value === 'boolean'
const texts: Check = (value) => Array.isArray(value) && value.every(text)
const rumor: Check = (value) => parseRumor(value) !== undefined
const posting: Check = (value) => parseOutboxEntry(value) !== undefined
const isPhase: Check = (value) => typeof value === 'string' && Object.hasOwn(RULES, value)

const table =
  (is: Check): Check =>
  (value) =>
    isRecord(value) && Object.values(value).every(is)

const optional =
  (is: Check): Check =>
  (value) =>
    value === undefined || is(value)

const fields = (checks: Record<string, Check>): Check => {
  const all = Object.entries(checks)
  return (value) => isRecord(value) && all.every(([name, is]) => is(value[name]))
}

const amount = fields({ requests: number, rumors: number, bytes: number, files: optional(number) })
const claim = optional(fields({ pid: number, at: number }))

const summary = fields({
  peer: key,
  name: optional(text),
  direction: text,
  topic: text,
  createdAt: number,
  deadline: number,
  isPhase,
  unread: number,
  own: fields({ queued: number, relayed: number, delivered: number }),
  open: flag,
  last: number,
  rivals: optional(texts),
})

const peer = fields({
  inbox: texts,
  listed: optional(number),
  looked: number,
  hints: texts,
  reads: optional(texts),
  name: text,
  pow: number,
})

const appeal = fields({
  escalation: fields({ id: text, at: number, text }),
  letter: optional(text),
  open: table(fields({ tries: number, at: number, error: text })),
  claim,
})

const PARTS: Partial<Record<keyof Index, Check>> = {
  relays: table(
    fields({
      ...{ cursor: optional(number), swept: optional(number), since: optional(number), patience: optional(number) },
      negentropy: optional(fields({ speaks: flag, at: number })),
    }),
  ),
  seen: table(number),
  calls: table(summary),
  peers: table(peer),
  dms: table(fields({ rumor, heard: number, unread: flag, file: optional(isRecord) })),
  letters: table(fields({ to: key, rumor, posting })),
  appeals: table(appeal),
  strays: (value) => Array.isArray(value) && value.every(fields({ rumor, heard: number })),
  wakes: table(fields({ at: number, times: number })),
  meter: fields({ day: number, senders: table(amount), strangers: amount, refused: isRecord }),
  dropped: table(number),
  announced: fields({
    presence: number,
    lists: text,
    words: optional(text),
    taken: optional(table(number)),
    offered: optional(table(fields({ at: number, taken: flag }))),
  }),
  clockAhead: number,
  announcing: fields({ pid: number, at: number, pause: number }),
}
