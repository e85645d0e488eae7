// All targets: every parser of what comes from strangers, servers, a damaged disk or a hasty hand.

import { argvTargets } from './argv.ts'
import { callKeyTargets } from './call-keys.ts'
import { documentTargets } from './documents.ts'
import { homeTargets } from './home-files.ts'
import { negentropyTargets } from './negentropy.ts'
import { presenceTargets } from './presence.ts'
import { selectorTargets } from './selectors.ts'
import { signalTargets } from './signals.ts'
import { storedFileTargets } from './stored-files.ts'
import type { Target } from './target.ts'
import { wireTargets } from './wire.ts'
import { wrapTargets } from './wraps.ts'

export const TARGETS: readonly Target[] = [
  ...wireTargets,
  ...negentropyTargets,
  ...wrapTargets,
  ...callKeyTargets,
  ...presenceTargets,
  ...documentTargets,
  ...signalTargets,
  ...storedFileTargets,
  ...homeTargets,
  ...argvTargets,
  ...selectorTargets,
]

/** How many of `all` cases a target gets, by its share of those of `targets`; at least one. */
export function casesOf({ share }: Target, all: number, targets: readonly Target[] = TARGETS): number {
  const sum = targets.reduce((total, one) => total + one.share, 0)
  return Math.max(1, Math.ceil((all * share) / sum))
}
