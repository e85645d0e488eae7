// How this program is typed, for the commands that texts of ours name: in full (`node "…/p2p.js"`) at most once in an output, and as
// `p2p` in the rest, so that there is less to read. Such a `p2p` is written with a sign in front that no word of a peer, a relay or a
// program can hold, since foreign text is cleaned of it; only a `p2p` with the sign is ever spelled out.

/** U+2064, which is drawn as nothing: sanitize.ts takes it out of everything foreign. */
const SIGN = '\u2064'

/** `p2p`, or `node "/…/p2p.js"`: what a shell takes here, for a text that names one command alone. */
export const WHOLE_P2P: string = commandName(globalThis.process?.argv[1], globalThis.process?.env.PATH)

/** `p2p`, for a command in a text of ours; `expandCommandName` turns the first one into what is to be typed. */
export const P2P: string = WHOLE_P2P === 'p2p' ? 'p2p' : `${SIGN}p2p`

/** `p2p` where a shell finds it under that name, or where sources or tests run, which nobody types; else Node and the file that runs. */
export function commandName(script = '', path = ''): string {
  if (script === '' || /\.ts$|node_modules.vitest/.test(script)) return 'p2p'
  const { folder, name } = /^(?<folder>.*)[/\\](?<name>.*)$/s.exec(script)?.groups ?? {}
  if (name === 'p2p' && path.split(':').includes(folder ?? '')) return 'p2p'
  // Double quotes, which cmd.exe knows too; but within them a POSIX shell expands these characters.
  return `node ${/["$`]/.test(script) ? shellPath(script) : `"${script}"`}`
}

let spelled = false

/**
 * A text as it is printed: the first command that this process prints is written in full, every other one as `p2p`.
 * @param json whether the text is a JSON document, in which the name is escaped
 * @param first whether no command was written in full yet
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

/** A path as it is typed in a POSIX shell: in single quotes where it needs them. */
export function shellPath(path: string): string {
  return /^[\w@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
