// Plays seeds of the simulation with plain Node, from one file: what tsx adds to every function, and what Node 20 does with every object
// that is copied, takes half of a seed's time. npm run simulate -- --seeds N [--from K] [--trace]
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { withTemporaryFolder } from './processes.ts'

const ENTRY = fileURLToPath(new URL('../test/simulation/simulation.ts', import.meta.url))

/** A large young generation: nearly everything that a seed makes is garbage by the end of it, and need not be copied. */
const FLAGS = ['--max-semi-space-size=32']

/** Plays seeds as `test/simulation/simulation.ts` does with these arguments. Gives what `spawnSync` gives: status and outputs. */
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
 * The same code, with `{ ...null, ...a, b }` for `{ ...a, b }`. In Node 20 (V8 11) each object that the latter makes has a hidden class of
 * its own, so that its fields must be looked up anew each time.
 */
export function shareMaps(code: string): string {
  return code.replace(/\{(\s+)\.\.\.(?!null\b)/g, '{$1...null, ...')
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = (await simulateBundled(process.argv.slice(2))).status ?? 1
