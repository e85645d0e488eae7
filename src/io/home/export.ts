// Writes the secret key to a file, for a copy in a safe place or for another client, only when the owner asks for it.
import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../../errors.ts'
import type { Keys } from '../../nostr/crypto.ts'
import { nsecEncode } from '../../nostr/nip19.ts'
import { discard } from '../store/discard.ts'
import { errno } from '../store/disk-errors.ts'
import { syncFile } from '../store/sync.ts'

/**
 * Writes the key as an nsec (NIP-19) to a new file, mode 0600, and gives its absolute path. Throws FILE_EXISTS where something has that
 * name already, even a link that leads nowhere, and FILE_UNWRITABLE.
 */
export function exportSecret({ secret }: Keys, path: string): string {
  const target = resolve(path)
  try {
    // O_EXCL: another process may have an existing file open, and read it.
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
      throw new Failure('FILE_EXISTS', `${target} already exists`, 'name a file that does not exist yet')
    const why = errno(error) || 'unwritable'
    throw new Failure('FILE_UNWRITABLE', `${target} cannot be written (${why})`, 'name another place')
  }
}
