// What only some commands need, loaded for them alone, and once: the simulation, which runs many commands in one process, does not wait
// for it again.
import type { StepOptions } from './action.ts'
import type { Needs } from './needs.ts'

// Each gives its module, which is loaded on the first call.
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

/** The options of a run's steps: the needs, and the code that only some needs ask for. */
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
