// Builds dist/p2p.js: the whole program in one file that runs alone in any folder.
import { chmod, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

// The file may be copied beside any package.json, so Node may take it for CommonJS or for an ES module. Inside a function
// of its own, with its own `require`, it runs as either.
const banner = `#!/usr/bin/env node
(() => { "use strict"; const require = process.getBuiltinModule("node:module").createRequire(process.argv[1]);
const here = require("node:url").pathToFileURL(process.argv[1]).href;`

export async function bundle(): Promise<string> {
  const outfile = `${root}dist/p2p.js`
  await build({
    entryPoints: [`${root}src/p2p.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    // yargs looks for its translations beside itself; it speaks English here.
    define: { 'import.meta.url': 'here' },
    // ws speeds itself up with native modules where they are installed; the bundle does without them.
    external: ['bufferutil', 'utf-8-validate'],
    banner: { js: banner },
    footer: { js: '})()' },
    legalComments: 'none',
    logLevel: 'warning',
  })
  // Inside this repository, whose package.json says "module", the bundle is still CommonJS.
  await writeFile(`${root}dist/package.json`, '{"type":"commonjs"}\n')
  await chmod(outfile, 0o755)
  return outfile
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
