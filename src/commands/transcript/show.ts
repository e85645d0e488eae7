// One call on paper: in the format that was asked for.

import type { Excerpt } from '../../call/transcript/excerpt.ts'
import { htmlOf } from '../../call/transcript/html.ts'
import { markdownOf } from '../../call/transcript/markdown.ts'
import { textOf, wholeCommand } from '../../call/transcript/text.ts'
import type { Outcome } from '../../run/outcome.ts'
import { callShape } from '../shapes.ts'

/** The transcript that an outcome carries, if it carries one. */
export function excerptShown({ reading }: Outcome): Excerpt | undefined {
  return reading?.type === 'call' ? reading.shown : undefined
}

export function excerptLines(shown: Excerpt, format: 'text' | 'json' | 'markdown' | 'html' = 'text'): string[] {
  if (format === 'html') return [htmlOf(shown)]
  return format === 'markdown' ? markdownOf(shown) : textOf(shown)
}

/** The contract: fields may be added, none renamed or dropped. */
export function excerptShape(outcome: Outcome): Record<string, unknown> | undefined {
  const shown = excerptShown(outcome)
  if (shown === undefined) return undefined
  const { call, entries, digest = null, verified, truncated, left, path } = shown
  const cut = truncated ? { truncated, left, path, next: wholeCommand(shown, 'json') } : {}
  return { call: callShape(outcome, call.id), entries, digest, verified, ...cut }
}
