// Who could have written what we are about to believe. The attack: somebody else has made the folder, with a config.json in it that has us
// run a program, beside an identity of ours.
import { lstatSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { shellPath } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import type { Home } from '../home/paths.ts'
import { userName, withDiskErrors } from './disk-errors.ts'

/**
 * Checks the folders and the settings before anything in them is believed or made: no identity is made beside settings that somebody else
 * has written. Throws HOME_UNSAFE.
 */
export function checkHome({ root, dir, config, calls, letters }: Home): void {
  checkPlace(root)
  checkOwnership(root, { shared: true })
  for (const path of [dir, config, calls, letters]) checkOwnership(path)
}

// As root (sudo may keep HOME), a new agent in another user's folder would be one that this user cannot use.
function checkPlace(root: string): void {
  if (process.getuid?.() !== 0 || statsOf(root) !== undefined) return
  let place = dirname(root)
  while (statsOf(place) === undefined && dirname(place) !== place) place = dirname(place)
  const uid = statsOf(place)?.uid ?? 0
  if (!isTrusted(uid)) throw unsafe(`${place} belongs to ${userName(uid)}`, foreignHint())
}

// Undefined also where we may not look (Node's permission model): that says nothing against the place.
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

/**
 * `open`: the stats of the file, where it is open already. `shared`: others may have files beside ours, as in /tmp, where only its owner
 * can move or replace a file; each of our own is checked.
 */
export type OwnershipOptions = { open?: Stats; shared?: boolean }

/**
 * Checks that a file or folder, if it exists, belongs to us or root and cannot be changed by everybody, and that so does a link that
 * leads to it (mounted secrets are such links). Throws HOME_UNSAFE.
 */
export function checkOwnership(path: string, { open, shared = false }: OwnershipOptions = {}): void {
  // Windows keeps no such owner and bits.
  if (process.getuid === undefined) return
  const [link, stats] = withDiskErrors(path, () => {
    const link = lstatSync(path, { throwIfNoEntry: false })
    const isLink = link?.isSymbolicLink() === true
    return [isLink ? link : undefined, open ?? (isLink ? statSync(path, { throwIfNoEntry: false }) : link)]
  })
  const foreign = [link, stats].find((one) => one !== undefined && !isTrusted(one.uid))
  if (foreign !== undefined) {
    const what = foreign === link ? 'is a link of' : 'belongs to'
    throw unsafe(`${path} ${what} ${userName(foreign.uid)}`, foreignHint())
  }
  if (stats === undefined || (stats.mode & 0o002) === 0 || (shared && (stats.mode & STICKY) !== 0)) return
  throw unsafe(`${path} can be changed by everybody on this machine`, openHint(path, stats))
}

/** The mode bit of a folder in which only its owner can move or remove a file. */
const STICKY = 0o1000

function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.getuid?.()
}

function unsafe(what: string, hint: string): Failure {
  return new Failure('HOME_UNSAFE', `${what}; nothing in it is believed`, hint)
}

// The hint never suggests to change the owner: as root, that would take somebody's agent away.
function foreignHint(): string {
  if (process.getuid?.() === 0) return 'run p2p as that user, whose agent it is'
  return 'run p2p as that user, or name the folder of your own agent: --home DIR'
}

function openHint(path: string, { uid }: Stats): string {
  const own = 'name a folder in it that is yours alone: --home DIR'
  if (uid !== process.getuid?.()) return own
  return `\`chmod o-w ${shellPath(path)}\`, after a look at what is in there`
}
