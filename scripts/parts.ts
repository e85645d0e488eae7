// Joins the chunks into which esbuild has split the program, each as a function of one script: what a command does not load is then neither
// compiled nor run, and stays out of its code cache.
import { basename } from 'node:path'
import vm from 'node:vm'

/** A chunk as esbuild writes it: a minified ES module. `imports`: what it imports; `modules`: the files that it was made from. */
export type Chunk = {
  path: string
  text: string
  imports: readonly string[]
  modules: readonly string[]
  isEntry: boolean
}

/** The names of chunks: no string in our code holds such a name. */
export const CHUNK_NAMES = 'program-part-[hash]'

/**
 * The program as one expression: a function of `require` and `here`, the program's own URL. `readable`: each part begins with a string that
 * names its modules. Throws where the chunks cannot be joined.
 *
 * Parts give their exports as a list: an object with names, of another shape in each part, would take longer to make and to read than all
 * else that a part does.
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
  // Throws where an import or export was overlooked: a function cannot hold one.
  new vm.Script(program)
  return program
}

/**
 * What `import()` gives, as in Node: for a part an object of its exports; for what was no ES module, so for all of Node's own modules, its
 * properties, and itself as the default.
 */
const LATE = `late=async(number,...names)=>Object.fromEntries(names.map((name,at)=>[name,part(number)[at]])),whole=value=>({...value,default:value}),lateWhole=async number=>whole(part(number)[0]),lateBuiltin=async name=>whole(require(name))`

type Names = { name: string; as: string }[]

type Links = { numbers: ReadonlyMap<string, number>; exported: readonly Names[] }

/** What a chunk exports, which is said by its last statement. */
function exportsIn(text: string): Names {
  const [, value, list] = EXPORTS.exec(text) ?? []
  return value === undefined ? namesIn(list ?? '') : [{ name: value, as: 'default' }]
}

const EXPORTS = /\bexport(?: default ([^;{}]+)|\{([^}]*)\});?\s*$/

const IMPORT = /(?<=^|[;}\n])import(?:(\{[^}]*\}|\*as [\w$]+| [\w$]+ )from)?"([\w./:-]+)";?/g

const LATE_IMPORT = /\bimport\("([\w./:-]+)"\)/g

/**
 * The body of a function that gives what the chunk exports. The values may be taken when the chunk is loaded: chunks do not import each
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
    // Text of ours that only looks like an import must not be taken for one.
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

/** The names in a list of `name as other`, as it is between braces. */
function namesIn(list: string): Names {
  return list.split(',').flatMap((one) => {
    const [name = '', as = name] = one.trim().split(/\s+as\s+/)
    return name === '' ? [] : [{ name, as }]
  })
}

/**
 * The same script without the two characters that end a comment, so that it can be in a comment. In a string, and in a character class
 * of a regular expression, a backslash between the two changes nothing; where they end a regular expression, an empty group does not.
 */
export function withoutCommentEnds(script: string): string {
  const [start = '', ...pieces] = script.split('*/')
  const safe = pieces.reduce((done, piece, n) => {
    // A string cannot follow directly after a regular expression.
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
