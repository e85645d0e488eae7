// How this program is typed, for the commands that texts of ours name. "Less to read: the full `node "…/p2p.js"` at most once in an
// output, `p2p` in the rest": they are made with a sign in front that no word of a peer's, a relay's or a program's can hold, since
// whatever is foreign is cleaned of it; only what bears the sign is ever spelled out.

/** U+2064, which is drawn as nothing: sanitize.ts takes it out of everything foreign. */
const SIGN = '\u2064'

/** `p2p`, or `node "/…/p2p.js"`: what a shell takes here, for a text that names one command alone. */
export const WHOLE_P2P: string = commandName(globalThis.process?.argv[1], globalThis.process?.env.PATH)

/** `p2p`, for a command in a text of ours; `expandCommandName` makes of the first one what is to be typed. */
export const P2P: string = WHOLE_P2P === 'p2p' ? 'p2p' : `${SIGN}p2p`

/** `p2p` where a shell finds it under that name; else Node and the file that runs. Sources and their tests nobody types. */
export function commandName(script = '', path = ''): string {
  if (script === '' || /\.ts$|node_modules.vitest/.test(script)) return 'p2p'
  const { folder, name } = /^(?<folder>.*)[/\\](?<name>.*)$/s.exec(script)?.groups ?? {}
  if (name === 'p2p' && path.split(':').includes(folder ?? '')) return 'p2p'
  // Double quotes are what cmd.exe knows too; a POSIX shell puts something in for these.
  return `node ${/["$`]/.test(script) ? shellPath(script) : `"${script}"`}`
}

let spelled = false

/**
 * A text to be printed, in which the first command that this process prints is written in full. `json`: it stands in a document.
 * @param first whether nothing was spelled out yet
 */
export function expandCommandName(text: string, json = false, first = !spelled, name = WHOLE_P2P): string {
  if (!text.includes(SIGN)) return text
  let whole = first ? (json ? JSON.stringify(name).slice(1, -1) : name) : undefined
  const told = text.replaceAll(`${SIGN}p2p`, () => {
    const command = whole ?? 'p2p'
    whole = undefined
    spelled = true
    return command
  })
  return told.replaceAll(SIGN, '')
}

/** A path as it stands in a command that a text of ours tells to type. */
export function shellPath(path: string): string {
  return /^[\w@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
