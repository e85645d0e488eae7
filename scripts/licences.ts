// The licences of bundled packages. They demand that their text goes with every copy, and the bundle is one.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

type Package = { name: string; version: string; license: string; holders: string[]; terms: string }

/** A comment with every package among the bundled files, its copyright, and all terms once. Throws where a package has no licence. */
export function licences(root: string, inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))
  const packages = [...folders].sort().map((folder) => packageIn(join(root, folder)))
  const terms = [...new Set(packages.map((one) => one.terms))]
  const parts = terms.map((text) => {
    const named = packages.filter((one) => one.terms === text)
    const lines = named.map((one) => `${one.name} ${one.version} (${one.license}): ${one.holders.join('; ')}`)
    return `${[...new Set(lines)].join('\n')}\n\n${text}`
  })
  return `/*\nThis file contains these packages.\n\n${parts.join('\n\n\n').replaceAll('*/', '* /')}\n*/`
}

function packageIn(folder: string): Package {
  const { name, version, license }: Record<string, unknown> = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  )
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(-mit)?(\.\w+)?$/i.test(entry))
  if (file === undefined) throw new Error(`${folder} has no licence to pass on`)
  const lines = readFileSync(join(folder, file), 'utf8').split('\n')
  const holders = lines.filter((line) => /^\s*(Modified work )?Copyright\b/.test(line)).map((line) => line.trim())
  const paragraphs = lines
    .filter((line) => !holders.includes(line.trim()))
    .join('\n')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
  // Without its title a licence has the same terms, word for word, in many packages.
  const terms = paragraphs.filter((p) => p !== '' && !(p.length < 60 && /licen[cs]e/i.test(p))).join('\n\n')
  return { name: String(name), version: String(version), license: String(license), holders, terms }
}
