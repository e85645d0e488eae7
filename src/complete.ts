// `completion` carried out: a script for a shell, or what can stand where it asks. No key is made and no relay asked.

import { agentOf } from './call/agents.ts'
import { labelOf, stateOf } from './call/wording.ts'
import { type Args, loaded } from './commands/command.ts'
import { asked } from './commands/completion.ts'
import { verbs } from './commands/index.ts'
import { listSettings, readConfig } from './io/home/config.ts'
import type { Env } from './io/home/paths.ts'
import { homeOf } from './io/home/paths.ts'
import { openStore } from './io/store/store.ts'
import { stateCodec } from './state/state-codec.ts'
import { type Candidate, type Known, suggest } from './suggest.ts'

/** Most calls that are offered, the latest first. */
const MOST = 50

/** The lines to print. Throws USAGE, and what reading settings and state throws. */
export async function complete(args: Args, env: Env): Promise<string[]> {
  const wanted = asked(args)
  if ('script' in wanted) return [wanted.script]
  const { words } = wanted
  const at = words.indexOf('--home')
  const home = homeOf(at === -1 ? undefined : words[at + 1], env)
  const found = suggest(await loaded(verbs), words, (what) => known(what, home))
  return found === 'files' ? ['*'] : found.map(({ word, describe }) => `${word}\t${describe}`)
}

// Peers' own words (a topic, a claimed name) are no candidates: they would be typed into a shell.
function known(what: Known, home: ReturnType<typeof homeOf>): Candidate[] {
  const config = readConfig(home)
  const people = { contacts: config.contacts, owner: undefined, names: {} }
  switch (what) {
    case 'agents':
      return people.contacts.map(({ petname, trust }) => ({ word: petname, describe: trust }))
    case 'settings':
      return listSettings(config).map(({ key, describe }) => ({ word: key, describe }))
    case 'calls': {
      const { index } = openStore(home, stateCodec, { say: () => {}, command: 'completion' }).read()
      const calls = Object.entries(index.calls).sort(([, a], [, b]) => b.last - a.last)
      return calls.slice(0, MOST).map(([id, call]) => ({
        word: id.slice(0, 8),
        describe: `${stateOf(call)}, with ${labelOf(agentOf(people, call.peer))}`,
      }))
    }
  }
}
