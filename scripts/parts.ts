// Puts the chunks into which esbuild has split the program together again, each as a function of one script: what a command
// does not load is then neither compiled nor made, and stays out of its code cache.
import { basename } from 'node:path'
import vm from 'node:vm'

/** A chunk as esbuild writes it: an ES module, minified. `imports`: what it imports; `modules`: the files that it was made of. */
export type Chunk = {
  path: string
  text: string
  imports: readonly string[]
  modules: readonly string[]
  isEntry: boolean
}

/** How chunks are called: by a name that no string of ours holds. */
export const CHUNK_NAMES = 'program-part-[hash]'

/**
 * One expression: a function of `require` and `here`, the program's own address. `readable`: each part begins with a string that
 * names its modules.
 *
 * Parts give what they export as a list. An object with names, each of its own shape, would take longer to make and to read than
 * all that a part has to do.
 */
export function joinParts(chunks: readonly Chunk[], readable: boolean): string {
  const numbers = new Map(chunks.map(({ path }, number) => [basename(path), number]))
  const exported = chunks.map(({ text }) => exportsIn(text))
  const parts = chunks.map((chunk) => {
    const names = readable ? `${JSON.stringify(`modules: ${chunk.modules.join(' ')}`)};` : ''
    return `()=>{${names}${asFunctionBody(chunk, { numbers, exported })}}`
  })
  const entry = chunks.findIndex(({ isEntry }) => isEntry)
  const load = 'const held=[],part=number=>held[number]??=parts[number]()'
  const program = `((require, here) => { "use strict"; ${load},${LATE};const parts=[\n${parts.join(',\n')}\n];part(${entry})\n})`
  // An import or export that was overlooked is no part of a function.
  new vm.Script(program)
  return program
}

/**
 * What `import()` gives: of a part by the names of its exports, and of what was no ES module, so of all that is Node's, what it
 * has and itself as the default, as Node does it.
 */
const LATE = `late=async(number,...names)=>Object.fromEntries(names.map((name,at)=>[name,part(number)[at]])),whole=value=>({...value,default:value}),lateWhole=async number=>whole(part(number)[0]),lateBuiltin=async name=>whole(require(name))`

type Names = { name: string; as: string }[]

type Links = { numbers: ReadonlyMap<string, number>; exported: readonly Names[] }

/** What a chunk exports: its last statement. */
function exportsIn(text: string): Names {
  const [, value, list] = EXPORTS.exec(text) ?? []
  return value === undefined ? namesIn(list ?? '') : [{ name: value, as: 'default' }]
}

const EXPORTS = /\bexport(?: default ([^;{}]+)|\{([^}]*)\});?\s*$/

const IMPORT = /(?<=^|[;}\n])import(?:(\{[^}]*\}|\*as [\w$]+| [\w$]+ )from)?"([\w./:-]+)";?/g

const LATE_IMPORT = /\bimport\("([\w./:-]+)"\)/g

/**
 * The body of a function that gives what the module exports. Its values may be taken when it is loaded: chunks do not import each
 * other in circles, and none of ours exports what changes later.
 */
function asFunctionBody({ text, imports }: Chunk, { numbers, exported }: Links): string {
  return text
    .replace(LATE_IMPORT, lateImport)
    .replace(IMPORT, statement)
    .replace(EXPORTS, () => `return[${exportsIn(text).map(({ name }) => name)}]`)

  function lateImport(all: string, from: string): string {
    if (!imports.includes(from)) throw new Error(`esbuild knows nothing of ${all}`)
    if (!from.startsWith('./')) return `lateBuiltin(${JSON.stringify(from)})`
    const number = at(from.slice(2))
    const names = (exported[number] ?? []).map(({ as }) => as)
    if (names.join() === 'default') return `lateWhole(${number})`
    return `late(${[number, ...names.map((name) => JSON.stringify(name))]})`
  }

  function statement(all: string, names: string | undefined, from: string): string {
    // A text of ours that reads like one is none.
    if (!imports.includes(from)) throw new Error(`esbuild knows nothing of ${all}`)
    const inside = from.startsWith('./')
    const number = inside ? at(from.slice(2)) : 0
    const value = inside ? `part(${number})` : `require(${JSON.stringify(from)})`
    if (names === undefined) return `${value};`
    if (!names.startsWith('{')) return `const ${names.replace('*as ', '').trim()}=${value};`
    const wanted = namesIn(names.slice(1, -1))
    if (!inside) return `const{${wanted.map(({ name, as }) => `${name}:${as}`)}}=${value};`
    const whole = `from${number}`
    const picked = wanted.map(({ name, as }) => {
      const place = exported[number]?.findIndex((one) => one.as === name) ?? -1
      if (place === -1) throw new Error(`${from} does not export ${name}`)
      return `${as}=${whole}[${place}]`
    })
    return `const ${[`${whole}=${value}`, ...picked].join(',')};`
  }

  function at(name: string): number {
    const number = numbers.get(name)
    if (number === undefined) throw new Error(`there is no chunk ${name}`)
    return number
  }
}

/** A list of `name as other`, as it stands between braces. */
function namesIn(list: string): Names {
  return list.split(',').flatMap((one) => {
    const [name = '', as = name] = one.trim().split(/\s+as\s+/)
    return name === '' ? [] : [{ name, as }]
  })
}

/**
 * The same script without the two characters that end a comment, so that it can stand in one. In a text and in a class of a pattern a
 * backslash between them changes nothing; behind a pattern that ends with them, a group of nothing does not either.
 */
export function withoutCommentEnds(script: string): string {
  const [start = '', ...pieces] = script.split('*/')
  const safe = pieces.reduce((done, piece, n) => {
    // Behind a pattern no text can stand.
    const isPatternsEnd = !isScript(`${done}*/"+"${pieces.slice(n).join('*/')}`)
    return `${done}${isPatternsEnd ? '*(?:)/' : '*\\/'}${piece}`
  }, start)
  new vm.Script(safe)
  return safe
}

function isScript(text: string): boolean {
  try {
    new vm.Script(text)
    return true
  } catch {
    return false
  }
}
