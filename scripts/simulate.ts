// Seeds of the simulation by plain Node, from one file: what tsx adds to every function, and what Node 20 does to every object that is
// copied, is half of a seed's time. npm run simulate -- --seeds N [--from K] [--trace]
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { withTemporaryFolder } from './processes.ts'

const ENTRY = fileURLToPath(new URL('../test/simulation/simulation.ts', import.meta.url))

/** What lives as long as a seed dies before it is looked at. */
const FLAGS = ['--max-semi-space-size=32']

/** Plays seeds as `test/simulation/simulation.ts` does with these arguments. @returns its exit code */
export async function simulateBundled(words: readonly string[], stdio: 'inherit' | 'pipe' = 'inherit') {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  })
  return await withTemporaryFolder(async (folder) => {
    const file = join(folder, 'simulation.mjs')
    writeFileSync(file, shareMaps(outputFiles[0]?.text ?? ''))
    return spawnSync(process.execPath, [...FLAGS, file, ...words], { stdio, encoding: 'utf8' })
  })
}

/**
 * The same program, in which `{ ...a, b }` is `{ ...null, ...a, b }`. In V8 11, which is Node 20's, each object that the first makes has a
 * hidden class of its own, and what reads it looks its fields up anew each time.
 */
export function shareMaps(code: string): string {
  return code.replace(/\{(\s+)\.\.\.(?!null\b)/g, '{$1...null, ...')
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = (await simulateBundled(process.argv.slice(2))).status ?? 1
