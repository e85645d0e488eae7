// The words with which a story sets its scene: clocks, files, relays that misbehave, and what they are called afterwards.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateSecretKey, getPublicKey, nip19 } from 'nostr-tools'
import { valueAt } from '../../../scripts/json-path.ts'
import { noFaults } from '../../../scripts/relay/faults.ts'
import type { EmbeddedRelay } from '../../../scripts/relay.ts'
import { parseJson } from '../../../src/json.ts'
import { expand, regex } from './expectations.ts'
import type { Word } from './parse-story.ts'
import { type Actor, npubOf, type Stage } from './stage.ts'

/** `clock +20m` for everybody, also the relays; `clock alice +20m` for her alone. */
export function setClock(stage: Stage, words: Word[]): void {
  const by = seconds(words.at(-1)?.text ?? '')
  if (words.length === 1) stage.ahead = by
  else findActor(stage, words[0]).ahead = by
}

/** `let NAME = json .path`, `… = stdout 'regex with one (group)'`, `… = repeat 'x' 70000`, `… = first 8 of $ID`, `… = 'text'`. */
export function setVariable(stage: Stage, [variable, , ...words]: Word[]): void {
  const value = wordValue(stage, words)
  if (value === undefined || value === '') throw new Error(`there is nothing to call ${variable?.text}`)
  stage.vars.set(variable?.text ?? '', value)
}

/** `secret KEY`: $KEY is a new secret key, $KEY_NSEC the same as an nsec, $KEY_NPUB its public key. */
export function makeSecret(stage: Stage, [word]: Word[]): void {
  const secret = generateSecretKey()
  const hex = Buffer.from(secret).toString('hex')
  stage.secrets.add(hex)
  stage.vars.set(word?.text ?? '', hex)
  stage.vars.set(`${word?.text}_NSEC`, nip19.nsecEncode(secret))
  stage.vars.set(`${word?.text}_NPUB`, nip19.npubEncode(getPublicKey(secret)))
}

/** `write alice path 'text'`: a file below her home. */
export function writeHomeFile(stage: Stage, [who, path, text]: Word[]): void {
  const file = join(findActor(stage, who).home, expand(stage, path))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, expand(stage, text), { mode: 0o600 })
}

/** `backup alice`: her whole home is copied; `restore alice`: it is as it was then. */
export function backUpHome(stage: Stage, [who]: Word[]): void {
  const { home } = findActor(stage, who)
  rmSync(`${home}.backup`, { recursive: true, force: true })
  cpSync(home, `${home}.backup`, { recursive: true, preserveTimestamps: true })
}

/** `restore alice`: her home is as it was at her last `backup`. */
export function restoreHome(stage: Stage, [who]: Word[]): void {
  const { home } = findActor(stage, who)
  rmSync(home, { recursive: true })
  cpSync(`${home}.backup`, home, { recursive: true, preserveTimestamps: true })
}

/** `remove alice path`: a file or folder below her home is gone. */
export function removeFromHome(stage: Stage, [who, path]: Word[]): void {
  rmSync(join(findActor(stage, who).home, expand(stage, path)), { recursive: true })
}

/** `cat alice path`: what the file holds, for `stdout` and `json`. */
export function readHomeFile(stage: Stage, [who, path]: Word[]): void {
  const file = join(findActor(stage, who).home, expand(stage, path))
  stage.last = { code: 0, stdout: readFileSync(file, 'utf8'), stderr: '', ms: 0 }
}

/** `exists alice path`, `! exists alice path`: a file or folder below her home. */
export function expectExists(stage: Stage, [who, path]: Word[], not: boolean): void {
  const file = join(findActor(stage, who).home, expand(stage, path))
  if (existsSync(file) === not) throw new Error(`${file} is ${not ? 'there' : 'not there'}`)
}

/** `chmod alice path 644`. */
export function chmod(stage: Stage, [who, path, bits]: Word[]): void {
  chmodSync(join(findActor(stage, who).home, expand(stage, path)), Number.parseInt(bits?.text ?? '', 8))
}

/** `mode alice path 600`. */
export function expectMode(stage: Stage, [who, path, bits]: Word[]): void {
  const is = (statSync(join(findActor(stage, who).home, expand(stage, path))).mode & 0o777).toString(8)
  if (is !== bits?.text) throw new Error(`its mode is ${is}`)
}

/** `relay stop`, `relay start`, `relay restart empty`, `relay fault silent true`, `relay well`. */
export async function controlRelay(stage: Stage, relay: EmbeddedRelay, [verb, fault, value]: Word[]): Promise<void> {
  if (verb?.text === 'stop') await relay.close()
  else if (verb?.text === 'start') await relay.restart()
  else if (verb?.text === 'restart') await relay.restart({ empty: fault?.text === 'empty' })
  else if (verb?.text === 'well') Object.assign(relay.faults, noFaults())
  else if (verb?.text === 'fault' && fault !== undefined && fault.text in relay.faults)
    Object.assign(relay.faults, { [fault.text]: parseJson(value?.text ?? '') ?? expand(stage, value) })
  else throw new Error(`a relay cannot ${verb?.text} ${fault?.text ?? ''}`)
}

/** `listening bob`: until the command he has started has asked every relay for his mail and stays for more. */
export async function awaitListening(stage: Stage, [who]: Word[]): Promise<void> {
  const begun = stage.started.get(who?.text ?? '')
  if (begun === undefined) throw new Error(`${who?.text} has started nothing`)
  const pubkey = nip19.decode(npubOf(stage, findActor(stage, who))).data
  const asks = ({ frame }: EmbeddedRelay['seen'][number]) =>
    frame[0] === 'REQ' && JSON.stringify(frame).includes(`"#p":["${pubkey}"]`)
  const isOpen = ([relay, from]: [EmbeddedRelay, number]) => {
    const since = relay.seen.slice(from)
    const last = since.findLastIndex(asks)
    // Refused before it was authenticated, it asks again.
    return since.slice(0, last).some((one) => one.frame[0] === 'AUTH' && one.connection === since[last]?.connection)
  }
  let over = false
  void begun.running.ended.then(() => {
    over = true
  })
  while (![...begun.heard].every(isOpen)) {
    if (over) throw new Error(`what ${who?.text} has started is over`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Who is called so; throws for a name that the story has not introduced. */
export function findActor(stage: Stage, word: Word | undefined): Actor {
  const found = stage.actors.get(word?.text ?? '')
  if (found === undefined) throw new Error(`nobody is called ${word?.text}`)
  return found
}

function wordValue(stage: Stage, [how, what, amount, whole]: Word[]): string | undefined {
  if (how?.quoted || how?.text.startsWith('$')) return expand(stage, how)
  if (how?.text === 'stdout') return regex(stage, what).exec(stage.last.stdout)?.[1]
  if (how?.text === 'repeat') return expand(stage, what).repeat(Number(amount?.text))
  if (how?.text === 'first') return expand(stage, whole).slice(0, Number(what?.text))
  if (how?.text !== 'json') throw new Error(`no value: ${how?.text}`)
  const found = valueAt(parseJson(stage.last.stdout), what?.text ?? '')
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
}

function seconds(text: string): number {
  const [, sign, count, unit = ''] = /^([+-])(\d+)([smhd])$/.exec(text) ?? []
  const size = { s: 1, m: 60, h: 3600, d: 86_400 }[unit]
  if (size === undefined) throw new Error(`no span of time: ${text}`)
  return Number(count) * size * (sign === '-' ? -1 : 1)
}
