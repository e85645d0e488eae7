// The first lines of dist/p2p.js: starts the program, which stands below as text, from V8's code cache. Compiling it anew
// would cost every command more than all else it does before the network.
// The cache is code that will run, so it is read and written only where nobody else can write.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import v8 from 'node:v8'
import vm from 'node:vm'

/** The whole program as a function of `require` and its own address; and its hash. All are put in by the build. */
declare const PROGRAM: string
declare const BUILD: string
declare const VERSION: string

/** Commands that have been through most of the program when they end; the others leave too little worth keeping. */
const TYPICAL = ['status', 'send', 'call', 'answer', 'end', 'inbox', 'list', 'announce']

const self = process.argv[1] ?? ''

if (process.argv.length === 3 && process.argv[2] === '--version') process.stdout.write(`${VERSION}\n`)
else start()

function start(): void {
  const file = cacheFile()
  const cachedData = file === undefined ? undefined : readOwn(file)
  const script = new vm.Script(PROGRAM, { filename: self, ...(cachedData === undefined ? {} : { cachedData }) })
  if (file !== undefined && (cachedData === undefined || script.cachedDataRejected) && typical()) {
    process.once('exit', (code) => {
      if (code === 0) keep(file, script.createCachedData())
    })
  }
  script.runInThisContext()(createRequire(self), pathToFileURL(self).href)
}

/** Its name holds all that the cached code depends on: the program, also when it was edited by hand, and V8 with its flags. */
function cacheFile(): string | undefined {
  const { P2P_HOME, OPENCLAW_STATE_DIR, NODE_DISABLE_COMPILE_CACHE } = process.env
  if (NODE_DISABLE_COMPILE_CACHE) return undefined
  const root = P2P_HOME || OPENCLAW_STATE_DIR || path.join(os.homedir(), '.openclaw')
  const made = fs.statSync(self, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return path.join(root, 'p2p', 'cache', `${BUILD}-${Math.floor(made)}-${v8.cachedDataVersionTag()}`)
}

function readOwn(name: string): Buffer | undefined {
  try {
    return isOurs(path.dirname(name)) && isOurs(name) ? fs.readFileSync(name) : undefined
  } catch {
    return undefined
  }
}

// No link, and nobody but us may have written it.
function isOurs(name: string): boolean {
  const stat = fs.lstatSync(name, { throwIfNoEntry: false })
  if (stat === undefined || stat.isSymbolicLink()) return false
  return process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o077) === 0)
}

/** Puts the cache in place whole, and takes those of other versions away. What goes wrong costs only time. */
function keep(name: string, data: Buffer): void {
  try {
    const folder = path.dirname(name)
    if (!isOurs(path.dirname(folder))) return
    if (!fs.existsSync(folder)) fs.mkdirSync(folder, { mode: 0o700 })
    if (!isOurs(folder)) return
    for (const old of fs.readdirSync(folder)) fs.rmSync(path.join(folder, old), { force: true })
    fs.writeFileSync(`${name}.${process.pid}`, data, { mode: 0o600, flag: 'wx' })
    fs.renameSync(`${name}.${process.pid}`, name)
  } catch {
    // A full or read-only disk: the next run compiles too.
  }
}

function typical(): boolean {
  return process.argv.slice(2).some((word) => TYPICAL.includes(word))
}
