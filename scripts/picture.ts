// Draws the demo at a terminal for the README: docs/demo.svg, and a few lines of the same run as text in README.md. npm run picture
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { startProcess } from './processes.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Which commands of the demo are shown, in order: who types what. */
const PICTURE = [
  ...['bob announce', 'alice list', 'alice call', 'bob status', 'bob answer', 'alice send', 'bob inbox', 'bob send'],
  ...['alice inbox', 'alice sendfile', 'alice escalate', 'alice transcript'],
]
const EXCERPT = ['alice call', 'bob status', 'bob answer', 'alice send']

const COLUMNS = 104
const ROW = 18
const LETTER = 7.83
const EDGE = 20

/** A command of the demo, as it was typed, and what it printed. */
type Scene = { who: string; typed: string; lines: string[] }

async function main(): Promise<void> {
  const asTerminal = `--columns=${COLUMNS}`
  const { code, stdout, stderr } = await startProcess(
    process.execPath,
    ['--import', 'tsx', 'scripts/demo.ts', asTerminal],
    { cwd: root, env: { PATH: process.env.PATH ?? '' } },
  ).ended
  if (code !== 0) throw new Error(`the demo ended with ${code}: ${stderr}`)
  const scenes = scenesIn(stdout)
  const readme = withExcerpt(readFileSync(`${root}README.md`, 'utf8'), chosen(scenes, EXCERPT))
  writeFileSync(`${root}docs/demo.svg`, svg(chosen(scenes, PICTURE).map(rowsOf)))
  writeFileSync(`${root}README.md`, readme)
  console.log('docs/demo.svg and its excerpt in README.md are of this run')
}

function scenesIn(output: string): Scene[] {
  const scenes: Scene[] = []
  for (const line of output.split('\n')) {
    const [, who, typed] = /^(\w+)\$ (.*)$/.exec(line) ?? []
    if (who !== undefined && typed !== undefined) scenes.push({ who, typed, lines: [] })
    // A remark of the demo itself ends the output before it.
    else if (line.startsWith('# ')) scenes.push({ who: '', typed: '', lines: [] })
    else scenes.at(-1)?.lines.push(line)
  }
  return scenes.map((scene) => ({ ...scene, lines: scene.lines.join('\n').trimEnd().split('\n') }))
}

/** For each wish the first scene that fits, after that of the wish before. Throws where there is none. */
function chosen(scenes: readonly Scene[], wishes: readonly string[]): Scene[] {
  let from = 0
  return wishes.map((wish) => {
    const at = scenes.findIndex(({ who, typed }, i) => i >= from && `${who} ${typed.split(' ')[1]}` === wish)
    const scene = scenes[at]
    if (scene === undefined) throw new Error(`the demo has no "${wish}" where it is looked for`)
    from = at + 1
    return scene
  })
}

/** A line of the picture. */
type Row = { text: string; fill?: string; bold?: boolean }[]

const [PLAIN, STRONG, FAINT] = ['#c9d1d9', '#f0f6fc', '#7d8590']
const PROMPTS: Readonly<Record<string, string>> = { alice: '#d2a8ff', bob: '#79c0ff' }

/** What the codes of src/cli/terminal-rows.ts look like here. */
const LOOKS: Readonly<Record<string, Omit<Row[number], 'text'>>> = {
  '0': {},
  '1': { fill: STRONG, bold: true },
  '2': { fill: FAINT },
  '31': { fill: '#ff7b72' },
  '32': { fill: '#7ee787' },
  '33': { fill: '#e3b341' },
  '36': { fill: '#79c0ff' },
  '1;36': { fill: '#79c0ff' },
}

function rowsOf({ who, typed, lines }: Scene): Row[] {
  const prompt: Row = [
    { text: `${who}$ `, fill: PROMPTS[who] ?? STRONG },
    { text: typed, fill: STRONG, bold: true },
  ]
  // A typed text may hold a line break; its second line is then in the output.
  return [...wrapped(prompt), ...lines.flatMap((line) => wrapped(partsOf(line))), []]
}

/** A line with its escape sequences as parts, each with its look. */
function partsOf(line: string): Row {
  const [first = '', ...rest] = line.split('\u001b[')
  const styled = rest.map((part) => {
    const end = part.indexOf('m')
    return { text: part.slice(end + 1), ...LOOKS[part.slice(0, end)] }
  })
  return [{ text: first }, ...styled].filter(({ text }) => text !== '')
}

// Breaks a line as a terminal does: at its edge, even within a word.
function wrapped(parts: Row): Row[] {
  const rows: Row[] = [[]]
  let room = COLUMNS
  for (const { text, ...how } of parts) {
    for (let rest = text; rest !== ''; ) {
      if (room === 0) {
        rows.push([])
        room = COLUMNS
      }
      const part = rest.slice(0, room)
      rows.at(-1)?.push({ text: part, ...how })
      rest = rest.slice(part.length)
      room -= part.length
    }
  }
  return rows
}

function svg(scenes: readonly Row[][]): string {
  const rows = scenes.flat().slice(0, -1)
  const [width, height] = [Math.ceil(COLUMNS * LETTER + 2 * EDGE), rows.length * ROW + 2 * EDGE + ROW]
  const text = rows.map((row, n) => {
    const y = EDGE + ROW + (n + 1) * ROW
    return row.length === 0 ? '' : `<text x="${EDGE}" y="${y}">${row.map(tspan).join('')}</text>\n`
  })
  const lamps = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, n) => `<circle cx="${EDGE + 6 + n * 20}" cy="${EDGE}" r="6" fill="${fill}"/>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>Two agents at their terminals: one calls, the other answers, they talk, and both hold the same transcript</title>
<rect width="100%" height="100%" rx="10" fill="#0d1117"/>
${lamps.join('')}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" style="white-space: pre">
${text.join('')}</g>
</svg>
`
}

function tspan({ text, fill = PLAIN, bold }: Row[number]): string {
  const weight = bold ? ' font-weight="bold"' : ''
  return `<tspan fill="${fill}"${weight}>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll(' ', '\u00a0')}</tspan>`
}

function withExcerpt(readme: string, scenes: readonly Scene[]): string {
  const text = scenes
    .map(({ who, typed, lines }) => [`${who}$ ${typed}`, ...lines.map(stripVTControlCharacters)].join('\n'))
    .join('\n\n')
  const block = `<!-- demo -->\n![The demo at a terminal](docs/demo.svg)\n\n\`\`\`text\n${text}\n\`\`\`\n<!-- /demo -->`
  if (!/<!-- demo -->[\s\S]*<!-- \/demo -->/.test(readme)) throw new Error('README.md has no place for the demo')
  return readme.replace(/<!-- demo -->[\s\S]*<!-- \/demo -->/, () => block)
}

await main()
