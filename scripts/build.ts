// Builds dist/p2p.js: the whole program in one file that runs alone in any folder. npm run build -- --readable keeps the names of
// functions, for whoever reads the stack of a fault.
import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import pkg from '../package.json' with { type: 'json' }
import { licences } from './licences.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

// The file may be copied beside any package.json, so Node may take it for CommonJS or for an ES module. Inside a function
// of its own, with its own `require`, it runs as either.
const HEAD = `#!/usr/bin/env node
(() => { "use strict"; const require = process.getBuiltinModule("node:module").createRequire(process.argv[1]);`

/** `readable`: with the names of functions. `outfile`: where it goes, dist/p2p.js unless said. */
export type BundleOptions = { readable?: boolean; outfile?: string }

/** Gives the path of the built file. It is put in place whole, and only where it says something new: others may be running it. */
export async function bundle({
  readable = false,
  outfile = `${root}dist/p2p.js`,
}: BundleOptions = {}): Promise<string> {
  const { text, inputs } = await bundled('src/main.ts', readable)
  const program = `((require, here) => { "use strict"; ${ascii(text)}\n})`
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
  // As comments, which V8 passes over faster than anything else until the loader takes them.
  const comments = program.replaceAll('\n', '\n//')
  const held = `const PROGRAM = () => {\n//${comments}\n};`
  const file = `${HEAD}\n${held}\n${loader.text}\n})()\n${licences(root, inputs).replace(/[\u201c\u201d]/g, '"')}\n`
  // A single letter beyond ASCII, and V8 holds all of it in two bytes a letter, which costs every start milliseconds.
  if (/[^\0-\x7f]/.test(file)) throw new Error('the program has letters that are not ASCII')
  // By its time its compiled code is found.
  if ((await readFile(outfile, 'latin1').catch(() => undefined)) === file) return outfile
  await writeFile(fresh, file)
  await chmod(fresh, 0o755)
  await rename(fresh, outfile)
  return outfile
}

// esbuild leaves other letters in regular expressions as they are. The loader reads bytes.
function ascii(code: string): string {
  return code.replace(/[\x80-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

async function bundled(
  entry: string,
  readable: boolean,
  define: Record<string, string> = {},
): Promise<{ text: string; inputs: string[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    metafile: true,
    entryPoints: [`${root}${entry}`],
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    // Names that say what they are would be a third of the file, and every start reads it.
    minifyIdentifiers: !readable,
    // yargs looks for its translations beside itself; it speaks English here.
    define: { 'import.meta.url': 'here', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"', ...define },
    // What is loaded late is still in this file.
    supported: { 'dynamic-import': false },
    // ws speeds itself up with native modules where they are installed. One is replaced by a file of ours; the other does what
    // Node has of itself since version 18.
    alias: { bufferutil: `${root}src/io/relay/ws-mask.ts` },
    legalComments: 'none',
    logLevel: 'warning',
  })
  return { text: outputFiles[0]?.text ?? '', inputs: Object.keys(metafile.inputs) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle({ readable: process.argv.includes('--readable') })
