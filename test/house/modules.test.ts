// What a command does not use is not loaded: the bundle tells of every module that it evaluates.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundle } from '../../scripts/build.ts'
import { agentEnv, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'

// How esbuild begins the evaluation of a module of ours, and of one that was CommonJS.
const STARTS = ['__esm=(fn,res,err)=>function(){', '__commonJS=(cb,mod)=>function(){']

const folder = mkdtempSync(join(tmpdir(), 'p2p-readable-'))
let readable = ''
beforeAll(async () => {
  readable = readFileSync(await bundle({ readable: true, outfile: join(folder, 'p2p.js') }), 'utf8')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The program, telling on stderr in the end which modules it has evaluated. */
function bundleWithTrace(): string {
  const tell = (table: string) => `(globalThis.evaluated??=new Set).add(Object.getOwnPropertyNames(${table}||{})[0]);`
  for (const begin of STARTS) expect(readable.split(begin)).toHaveLength(2)
  const [esm = '', cjs = ''] = STARTS
  const program = readable.replace(esm, `${esm}${tell('fn')}`).replace(cjs, `${cjs}${tell('cb')}`)
  const end = `process.on('exit',()=>console.error(JSON.stringify([...globalThis.evaluated])));`
  return program.replace('"use strict";', `"use strict";${end}`)
}

const RARE =
  /yargs|cli\/terminal-rows|socks|ip-address|doctor|complet|html|markdown|blossom|io\/files\/(upload|download)|webhook|openclaw|io\/nip05|nip77|nip11/

test.each([
  ['whoami', [], /node_modules\/ws\/|src\/run\/(wait|hook|announce|transcript|download)\.ts/],
  ['status', [], /src\/run\/(wait|hook|announce|transcript|local|upload)\.ts|src\/commands\/(send|call|list)\.ts/],
  ['list', [], /src\/run\/(wait|hook|announce|local|download)\.ts|src\/commands\/(send|call|status)\.ts/],
  [
    'hook',
    ['generic'],
    /src\/io\/(relay|http|owner|environment)|node_modules\/ws\/|src\/run\/(wait|hook|announce|local)\.ts/,
  ],
  ['announce', [], /src\/run\/(wait|hook|transcript|local)\.ts|src\/commands\/(send|call|status)\.ts/],
])('%s', async (verb, args, unused) => {
  const relay = await startRelay()
  try {
    await withTemporaryFolder(async (folder) => {
      const file = join(folder, 'p2p.js')
      writeFileSync(file, bundleWithTrace())
      const env = { ...agentEnv(join(folder, 'home'), [relay.url]), NODE_DISABLE_COMPILE_CACHE: '1' }
      const { code, stderr } = await startProcess(process.execPath, [file, verb, ...args], { cwd: folder, env }).ended
      expect(code).toBe(0)
      const modules: string[] = JSON.parse(stderr.trim().split('\n').at(-1) ?? '')
      expect(modules).toContain(`src/commands/${verb}.ts`)
      expect(modules.filter((name) => RARE.test(name) || unused.test(name))).toEqual([])
    })
  } finally {
    await relay.close()
  }
})
