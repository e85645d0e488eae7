// How this program is typed here. Every command that a text of ours tells to type begins with it, so that it works as it stands.

/** What a command begins with in a text of ours: `p2p`, or `node "/…/p2p.js"`. */
export const P2P: string = commandName(globalThis.process?.argv[1], globalThis.process?.env.PATH)

/** `p2p` where a shell finds it under that name; else Node and the file that runs. Sources and their tests nobody types. */
export function commandName(script = '', path = ''): string {
  if (script === '' || /\.ts$|node_modules.vitest/.test(script)) return 'p2p'
  const { folder, name } = /^(?<folder>.*)[/\\](?<name>.*)$/s.exec(script)?.groups ?? {}
  if (name === 'p2p' && path.split(':').includes(folder ?? '')) return 'p2p'
  // Double quotes are what cmd.exe knows too; a POSIX shell puts something in for these.
  return `node ${/["$`]/.test(script) ? shellPath(script) : `"${script}"`}`
}

/** A path as it stands in a command that a text of ours tells to type. */
export function shellPath(path: string): string {
  return /^[\w@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
