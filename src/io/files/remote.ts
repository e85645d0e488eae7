// Files on servers, as a run sees them: uploads and downloads, with their progress.

import type { StoredFile } from '../../call/file-transfer.ts'
import type { Keys } from '../../nostr/crypto.ts'
import type { Config } from '../home/config.ts'
import type { Env, Home } from '../home/paths.ts'
import { openRoutes } from '../http/agent.ts'
import { openProgress, type Screen } from '../progress.ts'
import type { FetchResult, WantedFile } from './fetch.ts'

export type RemoteStorage = {
  /**
   * Puts a file of ours, encrypted, on our server. Throws UPLOAD_REFUSED, UPLOAD_FAILED, and what reading it throws.
   * @param ahead seconds by which our clock is ahead of everybody's
   */
  put(path: string, server: string, ahead: number): Promise<StoredFile>
  /** Fetches a file of a peer's, as far as there is time. `of`: the encrypted bytes on the server, 0 where nobody has said. */
  fetch(wanted: WantedFile, of: number, time: FetchTime): Promise<FetchResult>
}

/** How long a fetch may take: `until`, Unix ms, and what ends it sooner. */
export type FetchTime = { until: number; stopped: AbortSignal }

export type RemoteStorageOptions = Screen & {
  home: Home
  keys: Keys
  files: Config['file']
  env: Env
  stopped: AbortSignal
}

/** Opens the access to Blossom servers. The code for HTTP is loaded with the first use. */
export function openRemoteStorage({ home, keys, files, env, stopped, ...screen }: RemoteStorageOptions): RemoteStorage {
  const { now } = screen
  const { allowPrivate, fetchMax } = files
  return {
    async put(path, server, ahead) {
      const { upload } = await import('./upload.ts')
      const progress = openProgress(`uploading to ${new URL(server).host}`, screen)
      try {
        // Our own server may lie anywhere.
        const route = openRoutes(env, () => true)
        return await upload(path, {
          home,
          server,
          keys,
          now: () => now() - ahead * 1000,
          stopped,
          routeTo: route,
          progress: progress.at,
        })
      } finally {
        progress.end()
      }
    },
    async fetch(wanted, of, time) {
      const { fetchFile } = await import('./fetch.ts')
      const progress = openProgress('fetching a file', screen)
      const route = openRoutes(env, () => allowPrivate)
      const at = (done: number) => progress.at(done, of)
      try {
        return await fetchFile(home, wanted, {
          ...time,
          announcedSize: of,
          fetchMax,
          allowPrivate,
          now,
          routeTo: route,
          progress: at,
        })
      } finally {
        progress.end()
      }
    },
  }
}
