// The commands that an output tells its reader to type, in backticks: an agent types them as they stand.
import type { ProcessResult } from '../../../scripts/processes.ts'
import { readArgv } from '../../../src/cli/argv.ts'
import { verbs } from '../../../src/commands/index.ts'
import { Failure } from '../../../src/errors.ts'
import { isRecord, parseJson } from '../../../src/json.ts'

/**
 * What is wrong with the first that does not work: one that names a command or an option that there is not, or that is written in full
 * though another was before. @param whole how the program is typed in full
 */
export async function brokenAdvice({ stdout, stderr }: ProcessResult, whole: string): Promise<string | undefined> {
  const document = parseJson(stdout)
  const ours = [...(isRecord(document) ? textsIn(document) : unquotedLines(stdout)), ...unquotedLines(stderr)]
  if (ours.join('\n').split(whole).length > 2) return `it printed \`${whole}\` more than once`
  for (const text of ours) {
    for (const [, command = ''] of text.matchAll(/`([^`]*)`/g)) {
      const name = ['p2p', whole].find((one) => command.startsWith(`${one} `))
      const wrong = name === undefined ? undefined : await wrongIn(command.slice(name.length))
      if (wrong !== undefined) return `\`${command}\` does not work: ${wrong}`
    }
  }
  return undefined
}

/** What was printed, with `p2p` for `whole`: a story does not ask how the program was started. */
export function withShortName(ran: ProcessResult, whole: string): ProcessResult {
  const shorten = (text: string) => text.replaceAll(whole, 'p2p').replaceAll(JSON.stringify(whole).slice(1, -1), 'p2p')
  return { ...ran, stdout: shorten(ran.stdout), stderr: shorten(ran.stderr) }
}

async function wrongIn(rest: string): Promise<string | undefined> {
  const words = [...rest.replace(/<[^>]*>/g, 'x').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
  try {
    await readArgv(
      words.map(([, double, single, bare = '']) => double ?? single ?? bare),
      verbs,
      async () => {},
    )
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (/no command|no option/.test(error.message)) return error.message
  }
  return undefined
}

// What somebody has said may look like anything.
const QUOTED = new Set(['text', 'told', 'about', 'name', 'petname', 'note'])

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([key, part]) => (QUOTED.has(key) ? [] : textsIn(part)))
}

function unquotedLines(text: string): string[] {
  return text.split('\n').filter((line) => !/^\s*(peer|me|owner)> /.test(line))
}
