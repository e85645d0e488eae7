// What holds for every command of every story, whatever the story is about.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { nsecEncode } from 'nostr-tools/nip19'
import type { ProcessResult } from '../../../scripts/processes.ts'
import { isRecord, parseJson } from '../../../src/json.ts'
import { SCHEMAS, schemaError } from '../json-schema.ts'

/** What is wrong with what a command did; undefined when nothing is. @param args as typed, without the program */
export function brokenPromise(
  args: readonly string[],
  ran: ProcessResult,
  secrets: Iterable<string>,
): string | undefined {
  const { code, stdout, stderr } = ran
  const printed = stdout + stderr
  if (code === null) return 'it was killed: it took too long, or could not be started'
  if (code === 1 && /\bFAULT\b|a fault of p2p's own/.test(printed)) return 'it broke'
  if (containsSecret(printed, ...secrets)) return 'it printed a secret key'
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(printed))
    return 'it printed control or direction characters'
  if (/\bundefined\b|\bNaN\b|\[object /.test(printed)) return 'it printed what only a program should see'
  if (asksForJson(args)) return brokenJson(ran) ?? brokenSchema(args, ran)
  if (code !== 0 && !/^p2p: error: \S/m.test(stderr)) return 'it failed without saying why'
  if (code !== 0 && !/^p2p: hint: \S/m.test(stderr)) return 'it failed without saying what to do next'
  return undefined
}

/** Whether the one document of --json is due: one for the whole run, also when it fails. */
export function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const options = end === -1 ? args : args.slice(0, end)
  return options.includes('--json') && !options.includes('--follow')
}

function brokenJson({ code, stdout }: ProcessResult): string | undefined {
  const document = parseJson(stdout)
  if (!isRecord(document)) return 'it printed something else than exactly one JSON document'
  if (typeof document.command !== 'string') return 'its JSON does not name the command'
  if (document.ok !== (code === 0)) return `its JSON says ok: ${document.ok}, its exit code is ${code}`
  if (document.ok === true) return undefined
  const { error } = document
  if (!isRecord(error)) return 'its JSON has no error'
  const { code: word, message, hint } = error
  if (typeof word !== 'string' || !/^[A-Z][A-Z0-9_]+$/.test(word)) return 'its error has no upper-case code'
  if (typeof message !== 'string' || message === '') return 'its error has no message'
  if (typeof hint !== 'string' || hint === '') return 'its error has no hint'
  return undefined
}

// Help and the version are not what the schemas describe, and a verb that does not exist has none.
function brokenSchema(args: readonly string[], { stdout }: ProcessResult): string | undefined {
  const document = parseJson(stdout)
  const command = isRecord(document) ? String(document.command) : ''
  if (args.some((arg) => /^(-h|--help|--version)$/.test(arg)) || !SCHEMAS.includes(command)) return undefined
  return schemaError(command, document)
}

const MAY_HOLD_SECRETS = /p2p-identity\.json$|p2p[/\\]calls[/\\][0-9a-f]{64}\.key$/
const PROGRAM_COPY = /app[/\\]p2p\.js$/

/** The first file below a folder that holds a secret; an identity file may, and the key of a call. The program's copy is not read. */
export function leakyFile(folder: string, secrets: readonly string[]): string | undefined {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) => {
    const path = join(folder, name)
    if (!statSync(path).isFile() || MAY_HOLD_SECRETS.test(name) || PROGRAM_COPY.test(name)) return false
    return containsSecret(readFileSync(path, 'latin1'), ...secrets)
  })
}

/** Whether a text has one of these secret keys in it, as hex or as an nsec, in whichever case. */
export function containsSecret(text: string, ...secrets: string[]): boolean {
  const lower = text.toLowerCase()
  const hasNsec = lower.includes('nsec1')
  return secrets.some(
    (secret) => lower.includes(secret) || (hasNsec && lower.includes(nsecEncode(Buffer.from(secret, 'hex')))),
  )
}
