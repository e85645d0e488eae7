// The secret key written to a file, for a copy in a safe place or for another client: only where its owner asks for it.
import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../../errors.ts'
import type { Keys } from '../../nostr/crypto.ts'
import { nsecEncode } from '../../nostr/nip19.ts'
import { discard } from '../store/discard.ts'
import { errno } from '../store/disk-errors.ts'
import { syncFile } from '../store/sync.ts'

/**
 * Writes the key as an nsec to a new file, 0600, and gives its absolute path. Throws FILE_EXISTS for whatever has that name
 * already, a link that leads nowhere among it, and FILE_UNWRITABLE.
 */
export function exportSecret({ secret }: Keys, path: string): string {
  const target = resolve(path)
  try {
    // O_EXCL: a file that is there may be open in other hands, and may be readable by them.
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants
    const file = openSync(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      writeFileSync(file, `${nsecEncode(secret)}\n`)
      syncFile(file)
    } catch (error) {
      discard(target)
      throw error
    } finally {
      closeSync(file)
    }
    return target
  } catch (error) {
    if (errno(error) === 'EEXIST')
      throw new Failure('FILE_EXISTS', `${target} is there already`, 'name a file that is not there yet')
    const why = errno(error) || 'unwritable'
    throw new Failure('FILE_UNWRITABLE', `${target} cannot be written (${why})`, 'name another place')
  }
}
