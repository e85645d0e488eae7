// How this program is typed, for the commands that hints name: put in where a hint is made, so that nothing is looked for and
// replaced in what is printed, where a peer's or a relay's words may stand.

/** `p2p` where it is installed under that name; else Node and the file that runs, as in `node "/…/p2p.js"`. */
export const P2P: string = commandName(globalThis.process?.argv[1])

/** @param script the file that runs */
export function commandName(script: string | undefined): string {
  const name = script?.split(/[/\\]/).at(-1)
  // Sources and their tests are no program that anybody types.
  const isProgram = name !== undefined && name !== 'p2p' && !/\.ts$|node_modules.vitest/.test(script ?? '')
  return isProgram ? `node "${script}"` : 'p2p'
}
