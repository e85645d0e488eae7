// Fetching files beside a wait for something else, so that neither holds up the other.
import type { State } from '../state/state.ts'
import type { FetchWindow, StepOptions } from './action.ts'
import type { RunContext } from './context.ts'
import { fetchableFiles, fetchesFor } from './download.ts'
import { executeActions } from './execute.ts'
import { saveStep } from './save-step.ts'

export type Downloader = {
  /** Begins to fetch what there is to fetch, unless it is fetching already. What becomes of it is written into the state. */
  begin(context: RunContext, state: State): void
  /** Stops and leaves the rest to another command. Throws what went wrong with the disk. */
  stop(): Promise<void>
}

/** Opens a downloader that fetches until `until`, Unix ms. It does nothing before `begin`. */
export function openDownloader(until: number): Downloader {
  const stopped = new AbortController()
  const window = { until, untilSmall: until }
  let running: Promise<unknown> | undefined
  let trouble: { error: unknown } | undefined
  return {
    begin(context, state) {
      if (running !== undefined || trouble !== undefined || fetchableFiles(context, state).length === 0) return
      const { environment } = context
      const signal = AbortSignal.any([stopped.signal, environment.stopped])
      running = downloadAll({ ...context, environment: { ...environment, stopped: signal } }, window)
        .catch((error: unknown) => {
          trouble = { error }
        })
        .finally(() => {
          running = undefined
        })
    },
    async stop() {
      stopped.abort()
      await running
      if (trouble !== undefined) throw trouble.error
    },
  }
}

async function downloadAll(context: RunContext, window: FetchWindow): Promise<void> {
  const options: StepOptions = { needs: {}, proposeFetches: fetchesFor(window) }
  await executeActions(options, context, await saveStep({}, options, context))
}
