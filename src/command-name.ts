// How this program is typed, for the commands that hints name. The whole of it stands once in what a command prints, and `p2p`
// in the rest: hints are made with a sign in front that no word of a peer's, a relay's or a program's can hold, since whatever
// is foreign is cleaned of it; only what bears the sign is ever spelled out.

/** U+2064, which is drawn as nothing: sanitize.ts takes it out of everything foreign. */
const SIGN = '\u2064'

/** `p2p`, for a command in a text of ours; `expandCommandName` makes of the first one what is to be typed. */
export const P2P: string = isProgram(globalThis.process?.argv[1]) ? `${SIGN}p2p` : 'p2p'

/** `p2p` where it is installed under that name; else Node and the file that runs, as in `node "/…/p2p.js"`. */
export function commandName(script: string | undefined): string {
  return isProgram(script) ? `node "${script}"` : 'p2p'
}

let spelled = false

/**
 * A text to be printed, in which the first command that this process prints is written in full. `json`: it stands in a document.
 * @param first whether nothing was spelled out yet
 */
export function expandCommandName(
  text: string,
  json = false,
  first = !spelled,
  name = commandName(globalThis.process?.argv[1]),
): string {
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

// Sources and their tests are no program that anybody types.
function isProgram(script: string | undefined): boolean {
  const name = script?.split(/[/\\]/).at(-1)
  return name !== undefined && name !== 'p2p' && !/\.ts$|node_modules.vitest/.test(script ?? '')
}
