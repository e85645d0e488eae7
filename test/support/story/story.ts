// Tells a story: a text file whose lines run the real program, as agents with a home each, at real relays, and say what must
// come of it. The language is described in test/stories/README.md.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import {
  expand,
  expectDuration,
  expectExitCode,
  expectJson,
  expectPrinted,
  expectSame,
  fillVariables,
} from './expectations.ts'
import { publishWrap } from './gift-wraps.ts'
import { type Line, readStory, type Word } from './parse-story.ts'
import {
  awaitListening,
  backUpHome,
  chmod,
  controlRelay,
  expectExists,
  expectMode,
  findActor,
  makeSecret,
  readHomeFile,
  removeFromHome,
  restoreHome,
  setClock,
  setVariable,
  writeHomeFile,
} from './scene.ts'
import {
  type Actor,
  addActor,
  addRelay,
  checkResult,
  npubOf,
  type Stage,
  startProgram,
  startShell,
  withStage,
} from './stage.ts'

/** Throws at the first line that is not as it says, naming it and what its command printed. */
export async function runStory(path: string): Promise<void> {
  const lines = readStory(readFileSync(path, 'utf8'))
  await withStage(async (stage) => {
    if (!lines.some((line) => line.words[0]?.text === 'relays')) await addRelay(stage, 'relay')
    for (const line of lines) {
      try {
        await perform(stage, line)
      } catch (error) {
        throw storyError(path, line, stage, error)
      }
    }
  })
}

type StoryCommand = (stage: Stage, words: Word[], not: boolean) => void | Promise<void>

const STORY_COMMANDS: Readonly<Record<string, StoryCommand>> = {
  agents: (stage, words) => {
    for (const word of words) addActor(stage, word.text)
  },
  relays: async (stage, words) => {
    for (const word of words) await addRelay(stage, word.text)
  },
  no: (stage, [what]) => {
    if (what?.text !== 'P2P_RELAYS') throw new Error(`what is ${what?.text}?`)
    stage.byConfig = true
  },
  processes: (stage) => {
    stage.byProcesses = true
  },
  clock: setClock,
  stdin: (stage, [word]) => {
    stage.stdin = expand(stage, word)
  },
  env: (stage, [key, value]) => {
    stage.env[key?.text ?? ''] = expand(stage, value)
  },
  let: setVariable,
  secret: makeSecret,
  write: writeHomeFile,
  backup: backUpHome,
  restore: restoreHome,
  remove: removeFromHome,
  wrap: publishWrap,
  listening: awaitListening,
  join: async (stage, [who], not) => {
    const begun = stage.started.get(who?.text ?? '')
    if (begun === undefined) throw new Error(`${who?.text} has started nothing`)
    stage.started.delete(who?.text ?? '')
    await finishCommand(stage, findActor(stage, who), { ...begun, ran: await begun.running.ended, not })
  },
  cat: readHomeFile,
  exists: expectExists,
  chmod,
  mode: expectMode,
  same: expectSame,
  took: expectDuration,
  json: expectJson,
  exit: expectExitCode,
  stdout: (stage, words, not) => expectPrinted(stage, 'stdout', words, not),
  stderr: (stage, words, not) => expectPrinted(stage, 'stderr', words, not),
}

async function perform(stage: Stage, line: Line): Promise<void> {
  const [first, ...rest] = line.words
  for (const word of line.source.match(/\$[A-Z]+\b/g) ?? []) learnNpub(stage, word.slice(1))
  if (line.shell !== undefined) {
    const who = findActor(stage, { text: line.shell.agent, quoted: false })
    const command = fillVariables(stage, line.shell.command, (value) => value)
    const ran = await startShell(stage, who, command).ended
    await finishCommand(stage, who, { args: command.split(' '), ran, not: line.not })
    return
  }
  const deed = STORY_COMMANDS[first?.text ?? '']
  const relay = stage.relays.get(first?.text ?? '')
  if (deed !== undefined) await deed(stage, rest, line.not)
  else if (relay !== undefined) await controlRelay(stage, relay, rest)
  else await command(stage, line)
}

async function command(stage: Stage, { words: [who, ...rest], background, not }: Line): Promise<void> {
  const args = rest.map((word) => expand(stage, word))
  const heard = new Map([...stage.relays.values()].map((relay) => [relay, relay.seen.length]))
  const actor = findActor(stage, who)
  const running = startProgram(stage, actor, args)
  if (background) stage.started.set(who?.text ?? '', { running, args, heard })
  else await finishCommand(stage, actor, { args, ran: await running.ended, not })
}

async function finishCommand(
  stage: Stage,
  actor: Actor,
  { args, ran, not }: { args: readonly string[]; ran: Stage['last']; not: boolean },
): Promise<void> {
  await checkResult(stage, actor, args, ran)
  if ((ran.code !== 0) !== not) throw new Error(`it ended with ${ran.code}`)
}

// $ALICE is the npub of alice; asked for, it is there.
function learnNpub(stage: Stage, variable: string): void {
  const who = stage.actors.get(variable.toLowerCase())
  if (who !== undefined) stage.vars.set(variable, npubOf(stage, who))
}

function storyError(path: string, { number, source }: Line, { last }: Stage, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error)
  const printed = `the last command ended with ${last.code} after ${Math.round(last.ms)} ms and printed\n${last.stdout}--- stderr\n${last.stderr}---`
  const told = new Error(`${basename(path)}:${number}: ${source}\n${why}\n${printed}`)
  told.stack = `${told.message}\n    at ${path}:${number}:1`
  return told
}
