// A log that has two branches, and what is kept beside it because it has no place.

import type { AsideReason, Log, LogEntry } from '../call/log.ts'
import { MAX_ASIDE } from '../call/placement.ts'

type Branch = { type: 'fork'; by: 'peer' | 'me' | 'told'; seq: number; id: string }

/**
 * Notes that a log has forked; why the rumor that shows it was dropped. "Nothing is built on it: no line changes, no number is skipped,
 * no link to what we do not hold is signed." A verified call stays as it is; the attempt is told.
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

/** Keeps a rumor beside the call, or counts it where there are enough; why it was dropped. */
export function keepAside(log: Log, entry: LogEntry, why: AsideReason): string {
  if (log.aside[entry.rumor.id] !== undefined) return 'duplicate'
  if (Object.keys(log.aside).length >= MAX_ASIDE) log.asideMore += 1
  else log.aside = { ...log.aside, [entry.rumor.id]: { ...entry, why } }
  return why === 'fork' ? 'forked' : 'kept-aside'
}
