// Calls in which both sides have spoken and that are over: they have a transcript, and words that may not be confirmed yet.
import { isOver, type Phase, UNCONNECTED_PHASES } from '../call/rules.ts'

/** Whether a call that was answered is over: ended, expired or forked. */
export function isPastConversation(phase: Phase): boolean {
  return isOver(phase) && !UNCONNECTED_PHASES.includes(phase)
}
