// A log that has two branches, and what is kept beside a call because it has no place in it.

import type { AsideReason, Log, LogEntry } from '../call/log.ts'
import { MAX_ASIDE } from '../call/placement.ts'

type Branch = { type: 'fork'; by: 'peer' | 'me' | 'told'; seq: number; id: string }

/**
 * Notes that a log has forked, and keeps what shows it aside: no line changes, no number is skipped. A verified call stays as it is, and
 * the attempt is told. @returns why the rumor counts as dropped
 */
export function recordFork(log: Log, { by, seq, id }: Branch, entry: LogEntry | undefined, now: number): string {
  if (log.fork === undefined) {
    log.fork = { by, seq, id, at: now, ...(entry === undefined ? {} : { foreign: entry.rumor.id }) }
    log.unread = [...log.unread.filter((mark) => mark !== 'forked'), 'forked']
  } else if (log.fork.by === 'told' && by !== 'told') {
    log.fork = { ...log.fork, by, seq, id, ...(entry === undefined ? {} : { foreign: entry.rumor.id }) }
  }
  if (entry !== undefined) keepAside(log, entry, 'fork')
  return 'forked'
}

/** Keeps a rumor beside the call, or counts it where MAX_ASIDE are there. @returns why it counts as dropped */
export function keepAside(log: Log, entry: LogEntry, why: AsideReason): string {
  if (Object.keys(log.aside).length >= MAX_ASIDE) log.asideMore += 1
  else log.aside = { ...log.aside, [entry.rumor.id]: { ...entry, why } }
  return why === 'fork' ? 'forked' : 'kept-aside'
}
