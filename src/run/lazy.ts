// What only some commands need, loaded for them alone, and once: whoever runs many commands in one process, as the simulation
// does, waits for it no more.
import type { StepOptions } from './action.ts'
import type { Needs } from './needs.ts'

// Each gives its module, loaded when it is first asked for.
export const loadLocal = once(() => import('./local.ts'))
export const loadAnnounceOnce = once(() => import('./announce-once.ts'))
export const loadTranscript = once(() => import('./transcript.ts'))
export const loadCleanUp = once(() => import('./clean-up.ts'))
export const loadKeepTranscripts = once(() => import('./keep-transcripts.ts'))
export const loadAcceptAfterLossReport = once(() => import('./accept-after-loss-report.ts'))
export const loadWait = once(() => import('./wait.ts'))
export const loadWake = once(() => import('./wake.ts'))

const loadAnnounce = once(() => import('./announce.ts'))
const loadDownload = once(() => import('./download.ts'))

/** The needs, with what a step of theirs takes beside its conversations. */
export async function loadStepOptions(needs: Needs): Promise<StepOptions> {
  const { announces, downloads } = needs
  const online = announces && (await loadAnnounce()).announcementsFor(announces)
  const fetches = downloads && (await loadDownload()).fetchesFor(downloads)
  return { needs, ...(online && { proposeAnnouncements: online }), ...(fetches && { proposeFetches: fetches }) }
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let held: Promise<T> | undefined
  return () => {
    held ??= load()
    return held
  }
}
