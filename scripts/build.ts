// Builds dist/p2p.js: the whole program in one file that runs alone in any folder. npm run build -- --readable keeps the names of
// functions, for whoever reads the stack of a fault.
import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import pkg from '../package.json' with { type: 'json' }
import { licences } from './licences.ts'
import { CHUNK_NAMES, type Chunk, joinParts, withoutCommentEnds } from './parts.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

// The file may be copied beside any package.json, so Node may take it for CommonJS or for an ES module. In a function, with a `require` of
// its own, it runs as either.
const HEAD = `#!/usr/bin/env node
(() => { "use strict"; const require = process.getBuiltinModule("node:module").createRequire(process.argv[1]);`

/** `readable`: keeps the names of functions. `outfile`: where the program goes; dist/p2p.js where this is left out. */
export type BundleOptions = { readable?: boolean; outfile?: string }

/** Builds the program and gives its path. The file is put in place whole, and only where it has changed: others may be running it. */
export async function bundle({
  readable = false,
  outfile = `${root}dist/p2p.js`,
}: BundleOptions = {}): Promise<string> {
  const { chunks, inputs } = await split('src/main.ts', readable)
  const program = withoutCommentEnds(ascii(joinParts(chunks, readable)))
  const hash = createHash('sha256').update(program).digest('hex').slice(0, 16)
  const { version } = pkg
  const loader = await bundled('src/loader.ts', readable, {
    BUILD: JSON.stringify(hash),
    VERSION: JSON.stringify(version),
  })
  await mkdir(`${root}dist`, { recursive: true })
  // Inside this repository, whose package.json says "module", the bundle is still CommonJS.
  await writeFile(`${root}dist/package.json`, '{"type":"commonjs"}\n')
  const fresh = `${outfile}.${process.pid}`
  // As a comment, which V8 passes over faster than anything else until the loader takes it.
  const held = `const PROGRAM = () => {/*\n${program}\n*/};`
  const file = `${HEAD}\n${held}\n${loader}\n})()\n${licences(root, inputs).replace(/[\u201c\u201d]/g, '"')}\n`
  // With a single letter beyond ASCII V8 would hold all of the file in two bytes a letter, which costs every start milliseconds.
  if (/[^\0-\x7f]/.test(file)) throw new Error('the program has letters that are not ASCII')
  // Not replaced: its code cache is found by the file's time.
  if ((await readFile(outfile, 'latin1').catch(() => undefined)) === file) return outfile
  await writeFile(fresh, file)
  await chmod(fresh, 0o755)
  await rename(fresh, outfile)
  return outfile
}

// esbuild leaves letters beyond ASCII in regular expressions, and the loader reads the program as bytes.
function ascii(code: string): string {
  return code.replace(/[\x80-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A file with all that it imports, as one script. */
async function bundled(entry: string, readable: boolean, define: Record<string, string>): Promise<string> {
  const { outputFiles } = await build({ ...optionsFor(entry, readable), format: 'cjs', define })
  return outputFiles[0]?.text ?? ''
}

/** The program in chunks, each of which holds what is always loaded together: a late import begins a chunk of its own. */
async function split(entry: string, readable: boolean): Promise<{ chunks: Chunk[]; inputs: string[] }> {
  const { outputFiles, metafile } = await build({
    ...optionsFor(entry, readable),
    metafile: true,
    format: 'esm',
    splitting: true,
    outdir: `${root}dist`,
    chunkNames: CHUNK_NAMES,
    // yargs would look for its translations and settings beside its own file; here it speaks English.
    define: {
      'import.meta.url': 'here',
      'import.meta.resolve': 'undefined',
      'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
    },
    // ws uses two native modules where they are installed. One is replaced by a file of ours; the other does what Node does itself since
    // version 18.
    alias: { bufferutil: `${root}src/io/relay/ws-mask.ts` },
  })
  const chunks = outputFiles.map(({ path, text }): Chunk => {
    const output = metafile.outputs[relative(root, path)]
    const modules = Object.keys(output?.inputs ?? {})
    const imports = (output?.imports ?? []).map((one) => (one.external ? one.path : `./${basename(one.path)}`))
    return { path, text, imports, modules, isEntry: output?.entryPoint === entry }
  })
  return { chunks, inputs: Object.keys(metafile.inputs) }
}

function optionsFor(entry: string, readable: boolean) {
  return {
    absWorkingDir: root,
    entryPoints: [`${root}${entry}`],
    write: false as const,
    bundle: true,
    platform: 'node' as const,
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    // Full names would be a third of the file, which every start reads.
    minifyIdentifiers: !readable,
    legalComments: 'none',
    logLevel: 'warning' as const,
  } satisfies BuildOptions
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle({ readable: process.argv.includes('--readable') })
