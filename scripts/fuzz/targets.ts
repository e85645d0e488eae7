// Every parser that meets a stranger, a server, a damaged disk or a hasty hand.
import { callKeys } from './call-keys.ts'
import { compared } from './compared.ts'
import { documents } from './documents.ts'
import { home } from './home.ts'
import { kept } from './kept.ts'
import { publications } from './published.ts'
import { sealed } from './sealed.ts'
import { speech } from './speech.ts'
import type { Target } from './target.ts'
import { typing } from './typed.ts'
import { wire } from './wire.ts'

export const TARGETS: readonly Target[] = [
  ...wire,
  ...compared,
  ...sealed,
  ...callKeys,
  ...publications,
  ...documents,
  ...speech,
  ...kept,
  ...home,
  ...typing,
]

/** How many of `all` cases a target gets, at least one. */
export function casesOf({ share }: Target, all: number, targets: readonly Target[] = TARGETS): number {
  const sum = targets.reduce((total, one) => total + one.share, 0)
  return Math.max(1, Math.ceil((all * share) / sum))
}
