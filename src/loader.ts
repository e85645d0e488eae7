// The first lines of dist/p2p.js: starts the program, which is above as a comment, from V8's code cache. Compiling it
// anew would cost every command more than all else it does before the network.
// The cache is code that will run, so it is read and written only where nobody else can write.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'

/**
 * A function that does nothing and holds the program in a comment. The program is a function of `require` and of its own address.
 * The build puts in the program, its hash and the version.
 */
declare const PROGRAM: () => void
declare const BUILD: string
declare const VERSION: string

/**
 * Commands whose start is worth keeping. Each goes through functions that the others do not need, and reading what is not needed
 * takes time too: those that ask no relay have a cache of their own, half as large.
 */
const ONLINE_VERBS = ['status', 'send', 'call', 'answer', 'end', 'inbox', 'list', 'announce', 'wait']
const LOCAL_VERBS = ['whoami', 'hook', 'transcript', 'contacts', 'config']

/** The length of the cache's first line, which names the commands that it was made of. A multiple of 8, or V8 makes a copy of what follows. */
const HEADER_BYTES = 104

/** How many caches are kept: each version of the program, under each version of Node and its flags, has two. */
const CACHES_KEPT = 6

/**
 * Parts of Node that most commands do without, and that cost milliseconds each to load: libraries name them at their top,
 * and they are loaded when something in them is used.
 */
const LAZY_BUILTINS = [
  'child_process',
  'dns',
  'fs/promises',
  'https',
  'net',
  'readline',
  'timers/promises',
  'tls',
  'worker_threads',
  'zlib',
]

/** Flags of Node that change nothing in V8's code: with and without them the same cache serves. */
const HARMLESS_FLAGS =
  /^(-r|--(require|import|loader|inspect|cpu-prof|heap-prof|env-file|title|trace-warnings|no-warnings))\b/

const self = process.argv[1] ?? ''

if (process.argv.length === 3 && process.argv[2] === '--version') version()
else start()

// Without a stream: to make one takes longer than all the rest.
function version(): void {
  try {
    // Not writeSync, which counts as done once a disk that is nearly full has taken the first part.
    fs.writeFileSync(1, `${VERSION}\n`)
  } catch (error) {
    // A pipe that is full for a moment takes it later.
    if (wordOf(error) === 'EAGAIN') process.stdout.on('error', refuseVersion).write(`${VERSION}\n`)
    else refuseVersion(error)
  }
}

// As cli/output.ts does it: a reader that has gone is no fault.
function refuseVersion(error: unknown): void {
  if (wordOf(error) === 'EPIPE') return
  process.exitCode = 1
  process.stderr.write(`p2p: error: what was to be printed did not get out (${wordOf(error)})\n`)
}

function wordOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function start(): void {
  const verb = [...ONLINE_VERBS, ...LOCAL_VERBS].find((word) => process.argv.includes(word, 2))
  const file = cacheFile(verb !== undefined && LOCAL_VERBS.includes(verb) ? 'local' : 'online')
  const cached = file === undefined ? undefined : readOwn(file)
  const known = cached?.toString('latin1', 0, HEADER_BYTES).trim().split(' ') ?? []
  const script = new vm.Script(program(), {
    filename: self,
    ...(cached && { cachedData: cached.subarray(HEADER_BYTES) }),
  })
  const held = cached === undefined || script.cachedDataRejected ? [] : known
  if (file !== undefined && verb !== undefined && !held.includes(verb)) {
    process.once('exit', (code) => {
      if (code === 0) writeCache(file, [...held, verb], script.createCachedData())
    })
  }
  script.runInThisContext()(lazyRequire(createRequire(self)), pathToFileURL(self).href)
}

/** The program, as it is in its comment. Node has read the file already, so it is neither read once more nor copied. */
function program(): string {
  const text = PROGRAM.toString()
  return text.slice(text.indexOf('/*') + 2, text.lastIndexOf('*/'))
}

function lazyRequire(require: NodeJS.Require): (name: string) => unknown {
  return (name) => {
    if (!LAZY_BUILTINS.includes(name.replace(/^node:/, ''))) return require(name)
    return new Proxy(
      {},
      {
        get: (_, key) => require(name)[key],
        // `await import()` becomes a copy of all that is in there.
        ownKeys: () => Reflect.ownKeys(require(name)),
        getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
      },
    )
  }
}

/**
 * Where the cache lies, if anywhere. Its name holds all that the cached code depends on: the program, also when it was edited by hand,
 * and V8 with its flags. V8 refuses what does not fit it, so a name that says too little costs only time; `node:v8`, which knows a better
 * one, takes longer to load than it could save.
 */
function cacheFile(kind: 'local' | 'online'): string | undefined {
  const { NODE_DISABLE_COMPILE_CACHE, NODE_OPTIONS = '' } = process.env
  if (NODE_DISABLE_COMPILE_CACHE) return undefined
  const folder = cacheFolder()
  if (folder === undefined) return undefined
  const made = fs.statSync(self, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const flags = [...process.execArgv, ...NODE_OPTIONS.split(/\s+/)].filter((word) => word.startsWith('-'))
  const engine = [process.versions.v8, process.arch, ...flags.filter((flag) => !HARMLESS_FLAGS.test(flag))].join(' ')
  return path.join(folder, `${BUILD}-${Math.floor(made)}-${shortHash(engine)}-${kind}`)
}

// Below the home, or where Node itself keeps such things: https://nodejs.org/api/cli.html#node_compile_cachedir
function cacheFolder(): string | undefined {
  const { P2P_HOME, OPENCLAW_STATE_DIR, NODE_COMPILE_CACHE } = process.env
  if (NODE_COMPILE_CACHE) return path.join(NODE_COMPILE_CACHE, 'p2p')
  const root = P2P_HOME || OPENCLAW_STATE_DIR || defaultRoot()
  return root === undefined ? undefined : path.join(root, 'p2p', 'cache')
}

// homedir() throws for a user id without a user, where there is no HOME either; the program says so itself.
function defaultRoot(): string | undefined {
  try {
    return path.join(process.getBuiltinModule('node:os').homedir(), '.openclaw')
  } catch {
    return undefined
  }
}

// FNV-1a: it only has to tell a few texts apart.
function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193)
  return (hash >>> 0).toString(16)
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

/** Puts the cache in place whole, and removes the oldest beyond CACHES_KEPT. What goes wrong costs only time. */
function writeCache(name: string, verbs: string[], data: Buffer): void {
  try {
    const folder = path.dirname(name)
    if (!isOurs(path.dirname(folder))) return
    if (!fs.existsSync(folder)) fs.mkdirSync(folder, { mode: 0o700 })
    if (!isOurs(folder)) return
    // Some others stay: another Node, or the same one under other flags, may run here in turn with this one.
    const others = fs.readdirSync(folder).map((old) => path.join(folder, old))
    const age = new Map(others.map((old) => [old, fs.statSync(old, { throwIfNoEntry: false })?.mtimeMs ?? 0]))
    const aged = others.filter((old) => old !== name).sort((a, b) => (age.get(b) ?? 0) - (age.get(a) ?? 0))
    for (const old of aged.slice(CACHES_KEPT - 1)) fs.rmSync(old, { force: true })
    const header = Buffer.from(verbs.join(' ').padEnd(HEADER_BYTES))
    putInPlace(name, Buffer.concat([header, data]))
  } catch {
    // A full or read-only disk: the next run compiles too.
  }
}

function putInPlace(name: string, bytes: Buffer): void {
  const unfinished = `${name}.${process.pid}`
  try {
    fs.writeFileSync(unfinished, bytes, { mode: 0o600, flag: 'wx' })
    fs.renameSync(unfinished, name)
  } catch (error) {
    // What there was room for is the last of a full disk, and something that was said will need it.
    fs.rmSync(unfinished, { force: true })
    throw error
  }
}
