// Uploads a file that is too large for relays. That takes long, so the mailbox is read again before the file is announced.
import { remoteFileBody } from '../call/file-transfer.ts'
import type { Executor } from './action.ts'
import { refreshContext } from './context.ts'
import { sync } from './sync.ts'
import { syncRequestFor } from './sync-request.ts'

export const uploadFile: Executor<'upload-file'> = {
  /** Throws also UPLOAD_REFUSED, UPLOAD_FAILED, and what reading the file throws. */
  async execute(action, context) {
    const { environment, clock } = context
    const { path, name } = action.upload
    // A server refuses what is dated ahead of its clock.
    const stored = await environment.remoteStorage.put(path, action.server, clock.ahead)
    const { index } = environment.store.read()
    const heard = await sync(refreshContext(context), index, syncRequestFor({}, index, undefined, undefined))
    return { type: 'upload-file', action, body: remoteFileBody(name, stored), heard }
  },
  // Nothing to write: the signal that announces the file says all of it.
  record: (state) => state,
}
