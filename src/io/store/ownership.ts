// Who could have written what we are about to believe. The attack: a folder that somebody else has made, with a config.json in
// it that has us run a program, beside an identity of ours.
import { lstatSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { shellPath } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import type { Home } from '../home/paths.ts'
import { userName, withDiskErrors } from './disk-errors.ts'

/**
 * The folders and the settings, before a word below them is believed or anything is made there: no identity comes to be beside
 * settings that somebody else has written. Throws HOME_UNSAFE.
 */
export function checkHome({ root, dir, config, calls, letters }: Home): void {
  checkPlace(root)
  checkOwnership(root, { shared: true })
  for (const path of [dir, config, calls, letters]) checkOwnership(path)
}

// As root, a new agent in somebody's own folder would be one that its user cannot use: sudo keeps HOME.
function checkPlace(root: string): void {
  if (process.getuid?.() !== 0 || statsOf(root) !== undefined) return
  let place = dirname(root)
  while (statsOf(place) === undefined && dirname(place) !== place) place = dirname(place)
  const uid = statsOf(place)?.uid ?? 0
  if (!isTrusted(uid)) throw unsafe(`${place} belongs to ${userName(uid)}`, foreignHint())
}

// What may not be looked at (Node's permission model) says nothing against it.
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

/**
 * `open`: what is known of the file itself, where it is open already. `shared`: others may have files of their own beside ours,
 * as in /tmp, where only its owner can move or replace one; each of ours is checked.
 */
export type OwnershipOptions = { open?: Stats; shared?: boolean }

/**
 * One file or folder, if it is there: it is ours or root's and not everybody's to change, and so is a link that leads to it.
 * Mounted secrets are such links. Throws HOME_UNSAFE.
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

/** In such a folder a file can be moved and removed by its owner alone. */
const STICKY = 0o1000

function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.getuid?.()
}

function unsafe(what: string, hint: string): Failure {
  return new Failure('HOME_UNSAFE', `${what}; nothing in it is believed`, hint)
}

// Never to give it to another user: as root, that would be somebody's agent taken away.
function foreignHint(): string {
  if (process.getuid?.() === 0) return 'run p2p as that user, whose agent it is'
  return 'run p2p as that user, or name the folder of your own agent: --home DIR'
}

function openHint(path: string, { uid }: Stats): string {
  const own = 'name a folder in it that is yours alone: --home DIR'
  if (uid !== process.getuid?.()) return own
  return `\`chmod o-w ${shellPath(path)}\`, after a look at what is in there`
}
