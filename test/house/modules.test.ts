// What a command does not use is not loaded: the bundle tells of every module that it evaluates.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundle } from '../../scripts/build.ts'
import { agentEnv, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'

// How a part of the program begins: it is evaluated whole.
const BEGINS = /"modules: ([^"]*)";/g

const folder = mkdtempSync(join(tmpdir(), 'p2p-readable-'))
let readable = ''
beforeAll(async () => {
  readable = readFileSync(await bundle({ readable: true, outfile: join(folder, 'p2p.js') }), 'utf8')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The program, telling on stderr in the end which modules it has evaluated, and which of Node's it has loaded. */
function bundleWithTrace(): string {
  expect([...readable.matchAll(BEGINS)].length).toBeGreaterThan(50)
  const program = readable.replace(BEGINS, '(globalThis.evaluated??=[]).push(..."$1".split(" "));')
  const end = `process.on('exit',()=>console.error(JSON.stringify({evaluated,builtins:process.moduleLoadList})));`
  return program.replace('"use strict";', `"use strict";${end}`)
}

// What costs milliseconds to load, and is used by few: src/loader.ts puts it off until it is.
const SLOW_BUILTINS =
  /^NativeModule (child_process|dns|fs\/promises|https|readline|timers\/promises|tls|worker_threads|zlib)$/

const RARE =
  /yargs|cli\/terminal-rows|socks|ip-address|doctor|complet|html|markdown|blossom|io\/files\/(upload|download)|webhook|openclaw|io\/nip05|nip77|nip11/

test.each([
  [
    'whoami',
    [],
    /node_modules\/ws\/|src\/run\/(run|sync|step|execute|publish|wait|hook|announce|transcript|download)\.ts|src\/state\/(step|receive)/,
  ],
  ['contacts', [], /node_modules\/ws\/|src\/run\/(run|sync|step|execute|publish|wait|hook|announce|transcript)\.ts/],
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
      const loaded: Record<'evaluated' | 'builtins', string[]> = JSON.parse(stderr.trim().split('\n').at(-1) ?? '')
      expect(loaded.evaluated).toContain(`src/commands/${verb}.ts`)
      expect(loaded.evaluated.filter((name) => RARE.test(name) || unused.test(name))).toEqual([])
      expect(loaded.builtins.filter((name) => SLOW_BUILTINS.test(name))).toEqual([])
    })
  } finally {
    await relay.close()
  }
})
