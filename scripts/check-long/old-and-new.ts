// The lane "wire": an old program against the present one, each as the caller and as the callee.
import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../build.ts'
import type { LaneOptions } from '../check-long.ts'
import { PROGRAM, withTemporaryFolder } from '../processes.ts'
import { CONDITIONS } from './conditions.ts'
import { converse } from './conversation.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Files that change where the wire changes: every program since their last change must understand the present one. */
const WIRE = ['docs/PROTOCOL.md', 'test/vectors/protocol.json', 'src/call/signal-codec.ts']

/**
 * Has the program of an earlier commit (`old`, else the last one that changed the wire) talk with this one, each calling once. Gives
 * whether all was well.
 */
export async function checkWire({ old, tell }: LaneOptions): Promise<boolean> {
  await bundle()
  const [plain] = CONDITIONS
  if (plain === undefined) throw new Error('there is no condition to run under')
  const commit = old ?? git('log', '-1', '--format=%H', '--', ...WIRE)
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return await withTemporaryFolder(async (folder) => {
    const before = buildOld(commit, folder)
    let ok = true
    for (const [name, programs] of [
      ['the old one calls', [before, PROGRAM]],
      ['the old one is called', [PROGRAM, before]],
    ] as const) {
      const failed = await converse({ node: process.execPath, version: [major, minor], programs }, plain)
      tell(`${commit.slice(0, 9)} ${name}: ${failed ?? 'ok'}`)
      if (failed !== undefined) ok = false
    }
    return ok
  })
}

/** Builds the program of a commit below `folder`, with the packages that are here, and gives its path. Throws where that fails. */
function buildOld(commit: string, folder: string): string {
  const tree = git('archive', '--format=tar', '-o', join(folder, 'old.tar'), commit)
  if (tree !== '') throw new Error(tree)
  execFileSync('tar', ['-xf', 'old.tar'], { cwd: folder })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { cwd: folder, stdio: 'pipe' })
  return join(folder, 'dist/p2p.js')
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, stdio: 'pipe' }).toString().trim()
}
