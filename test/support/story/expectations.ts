// What a story may say of the command that has ended last.

import { valueAt } from '../../../scripts/json-path.ts'
import { parseJson } from '../../../src/json.ts'
import type { Word } from './parse-story.ts'
import type { Stage } from './stage.ts'

/** `stdout 'regex'`, `! stderr 'regex'`. "^" and "$" mean lines. */
export function expectPrinted(stage: Stage, stream: 'stdout' | 'stderr', [pattern]: Word[], not: boolean): void {
  const found = regex(stage, pattern).test(stage.last[stream])
  if (found === not) throw new Error(`${stream} ${not ? 'has' : 'does not have'} /${pattern?.text}/`)
}

/** `exit 6`. */
export function expectExitCode(stage: Stage, [code]: Word[]): void {
  if (String(stage.last.code) !== code?.text) throw new Error(`it ended with ${stage.last.code}, not ${code?.text}`)
}

/** `took under 5`: seconds. */
export function expectDuration(stage: Stage, [, seconds]: Word[]): void {
  const ms = Math.round(stage.last.ms)
  if (ms >= Number(seconds?.text) * 1000) throw new Error(`it took ${ms} ms`)
}

/** `json .path == value`, `json .path != value`, `json .path ~ 'regex'`, `json .path`, `! json .path`. */
export function expectJson(stage: Stage, [path, sign, value]: Word[], not: boolean): void {
  const document = parseJson(stage.last.stdout)
  if (document === undefined) throw new Error('stdout is no JSON document')
  const found = valueAt(document, expand(stage, path))
  const told = `${expand(stage, path)} is ${JSON.stringify(found)}`
  if (sign === undefined) {
    if ((found === undefined) !== not) throw new Error(told)
  } else if (sign.text === '~') {
    if (typeof found !== 'string' || !regex(stage, value).test(found)) throw new Error(told)
  } else {
    if ((JSON.stringify(found) === JSON.stringify(meant(stage, value))) !== (sign.text === '==')) throw new Error(told)
  }
}

/** `same $A $B`. */
export function expectSame(stage: Stage, [a, b]: Word[], not: boolean): void {
  const [one, other] = [expand(stage, a), expand(stage, b)]
  if ((one === other) === not) throw new Error(`${JSON.stringify(one)} and ${JSON.stringify(other)}`)
}

/** The text of a word, with what its variables hold. */
export function expand(stage: Stage, word: Word | undefined): string {
  return fillVariables(stage, word?.text ?? '', (value) => value)
}

/** A word as a regular expression, in which what variables hold is taken letter for letter. */
export function regex(stage: Stage, word: Word | undefined): RegExp {
  return new RegExp(
    fillVariables(stage, word?.text ?? '', (value) => value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
    'mu',
  )
}

/** Every `$NAME` replaced. Throws on a name that nothing was put into. */
export function fillVariables({ vars }: Stage, text: string, quote: (value: string) => string): string {
  return text.replace(/\$([A-Z]\w*)/g, (_, name: string) => {
    const value = vars.get(name)
    if (value === undefined) throw new Error(`nothing is called $${name}`)
    return quote(value)
  })
}

// A bare word is JSON: 3, true, null. In quotes, or from a variable, it is text.
function meant(stage: Stage, word: Word | undefined): unknown {
  if (word === undefined || word.quoted || word.text.includes('$')) return expand(stage, word)
  return parseJson(word.text)
}
