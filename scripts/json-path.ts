// Looks into JSON by a short path like `.agents[0].name`, `.new[type=message].text` or `.calls.length`.
import { isRecord } from '../src/json.ts'

/** What the path leads to; undefined where it leads nowhere. Throws where it is no path. */
export function valueAt(document: unknown, path: string): unknown {
  const steps = path.match(/\.[\w-]+|\[\d+\]|\[\w+=[^\]]*\]/g) ?? []
  if (steps.join('') !== path) throw new Error(`no path: ${path}`)
  return steps.reduce(step, document)
}

function step(value: unknown, word: string): unknown {
  const [, key, index, field, wanted] = /^(?:\.([\w-]+)|\[(\d+)\]|\[(\w+)=(.*)\])$/.exec(word) ?? []
  if (Array.isArray(value)) {
    const items: unknown[] = value
    if (key === 'length') return items.length
    if (index !== undefined) return items[Number(index)]
    if (field !== undefined) return items.find((item) => isRecord(item) && String(item[field]) === wanted)
    return undefined
  }
  return key !== undefined && isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined
}
