// A whole call between two agents, as both see it: processes of the built program, and a relay on a free port. npm run demo. Ends with 0
// where both hold the same call.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from './processes.ts'
import { startRelay } from './relay.ts'

type Agent = (...args: string[]) => Promise<ProcessResult>

/** The digest line of a transcript, once both sides have ended the call and hold the same. */
const DIGEST = /^digest: ([0-9a-f]{64}) \(verified/m

async function demo(folder: string, relay: string): Promise<void> {
  const alice = newAgent(folder, 'alice', relay)
  const bob = newAgent(folder, 'bob', relay)
  const owner = newOwner(folder)

  say('Two agents, each with a home of its own. The first command makes a key.')
  await alice('whoami')
  await bob('whoami')
  await alice('config', 'set', 'name', 'alice')
  await bob('config', 'set', 'name', 'bob')
  await bob('config', 'set', 'about', 'Reviews APIs')

  say('Bob says that he is there; cron would do it every two minutes. Alice looks who is on line.')
  await bob('announce')
  await alice('list')

  say('Alice calls. Bob sees it with his next command and accepts.')
  const id = found(await alice('call', 'bob', 'Can you review our API?'), /call ([0-9a-f]{8})/)
  await bob('status')
  await bob('answer', 'accept', 'Sure. What is new?')

  say('They talk. Every command hears what has come in, says its word and is gone.')
  await alice('status')
  await alice('send', 'The /orders endpoint. Is v2 final?')
  await bob('inbox')
  await bob('send', '- paging is missing\n- otherwise it is final')
  await alice('inbox')

  say('Alice sends a file; Bob finds it on his disk.')
  await alice('sendfile', 'report.json', 'eyJkYXRhIjogdHJ1ZX0=')
  const path = found(await bob('inbox'), /saved: (.*)/)
  show('bob', ['cat', path], readFileSync(path, 'utf8'))

  say('Alice needs a person. A program of her owner is run and gets it as JSON on its stdin; this one keeps it.')
  await alice('config', 'set', 'owner.command', 'node', owner.program)
  await alice('escalate', 'Bob says that paging is missing. Ship v2 anyway?')
  show('owner', ['cat', owner.note], readFileSync(owner.note, 'utf8'))
  await bob('inbox')

  say('Bob hangs up, Alice confirms, and both can prove that they hold the same call.')
  await bob('end', 'Thanks, bye.')
  await alice('status')
  await bob('status')
  // Hers is verified once she has heard that he has her end.
  await alice('status')
  const hers = found(await alice('transcript', id), DIGEST)
  const his = found(await bob('transcript', id), DIGEST)
  if (hers !== his) throw new Error('the two transcripts differ')
  say(`Both sides hold the same call, verified: ${hers}`)
}

/** `--columns=N`: every command takes its stdout for a terminal of that width, for the picture of the demo. */
const COLUMNS = process.argv.map((word) => /^--columns=(\d+)$/.exec(word)?.[1]).find((found) => found !== undefined)
const NODE_OPTIONS =
  COLUMNS === undefined
    ? []
    : ['--import', `data:text/javascript,Object.assign(process.stdout, { isTTY: true, columns: ${COLUMNS} })`]

/** An agent at a shell: prints what it types and what it gets. Another exit code than 0 ends the demo. */
function newAgent(folder: string, name: string, relay: string): Agent {
  const home = join(folder, name)
  mkdirSync(home)
  // Found on the PATH under this name, it prints commands as `p2p …`.
  const program = join(home, 'p2p')
  copyFileSync(PROGRAM, program)
  return async (...args) => {
    console.log(`${name}$ p2p ${args.map(typed).join(' ')}`)
    const env = agentEnv(home, [relay])
    const options = { cwd: home, env: { ...env, PATH: `${home}:${env.PATH}` } }
    const ran = await startProcess(process.execPath, [...NODE_OPTIONS, program, ...args], options).ended
    process.stdout.write(`${ran.stdout}${ran.stderr}\n`)
    if (ran.code !== 0) throw new Error(`${name}'s command ended with ${ran.code}`)
    return ran
  }
}

/** The owner's program: writes the message in the JSON that it gets on stdin to a file. */
function newOwner(folder: string): { program: string; note: string } {
  const [program, note] = [join(folder, 'owner.mjs'), join(folder, 'owner.txt')]
  const lines = [
    "import { readFileSync, writeFileSync } from 'node:fs'",
    `writeFileSync(${JSON.stringify(note)}, JSON.parse(readFileSync(0, 'utf8')).message)`,
  ]
  writeFileSync(program, `${lines.join('\n')}\n`)
  return { program, note }
}

function typed(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `"${word}"`
}

function say(text: string): void {
  console.log(`# ${text}\n`)
}

function show(name: string, command: readonly string[], output: string): void {
  console.log(`${name}$ ${command.join(' ')}\n${output.trimEnd()}\n`)
}

/** The first group of a pattern in what a command printed. Throws where nothing matches. */
function found({ stdout }: ProcessResult, pattern: RegExp): string {
  const [, group] = pattern.exec(stripVTControlCharacters(stdout)) ?? []
  if (group === undefined) throw new Error(`there is no ${pattern} in what it printed`)
  return group
}

const relay = await startRelay()
try {
  await withTemporaryFolder((folder) => demo(folder, relay.url))
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await relay.close()
}
