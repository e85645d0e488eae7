// Carries out `completion`: prints a script for a shell, or what may be typed at the place that the script asks about. It makes no key and
// asks no relay.

import { agentOf } from '../call/agents.ts'
import { agentLabel, stateOf } from '../call/wording.ts'
import { type Args, loadVerbs } from '../commands/command.ts'
import { completionRequest } from '../commands/completion.ts'
import { verbs } from '../commands/index.ts'
import { listSettings, readConfig } from '../io/home/config.ts'
import type { Env } from '../io/home/paths.ts'
import { homeOf } from '../io/home/paths.ts'
import { openStore } from '../io/store/store.ts'
import { confirmedOf, latestFirst } from '../state/call-index.ts'
import { stateCodec } from '../state/state-codec.ts'
import { type Candidate, type CandidateSource, suggest } from './suggest.ts'

/** Most calls that are offered, the latest ones. */
const MAX_CANDIDATES = 50

/** The lines to print. Throws USAGE, and what reading settings and state throws. */
export async function completions(args: Args, env: Env): Promise<string[]> {
  const wanted = completionRequest(args)
  if ('script' in wanted) return [wanted.script]
  const { words } = wanted
  const at = words.indexOf('--home')
  const home = homeOf(at === -1 ? undefined : words[at + 1], env)
  const found = suggest(await loadVerbs(verbs), words, (what) => knownCandidates(what, home))
  return found === 'files' ? ['*'] : found.map(({ word, describe }) => `${word}\t${describe}`)
}

// Words of peers (a topic, a claimed name) are never candidates: they would be typed into a shell.
function knownCandidates(what: CandidateSource, home: ReturnType<typeof homeOf>): Candidate[] {
  const config = readConfig(home)
  const people = { contacts: config.contacts, owner: undefined, names: {} }
  switch (what) {
    case 'agents':
      return people.contacts.map(({ petname, trust }) => ({ word: petname, describe: trust }))
    case 'settings':
      return listSettings(config).map(({ key, describe }) => ({ word: key, describe }))
    case 'calls': {
      const { index } = openStore(home, stateCodec, { say: () => {}, command: 'completion' }).read()
      const calls = latestFirst(index).slice(0, MAX_CANDIDATES)
      return calls.map(([id, call]) => ({
        word: id.slice(0, 8),
        describe: `${stateOf({ ...call, confirmed: confirmedOf(call).n })}, with ${agentLabel(agentOf(people, call.peer))}`,
      }))
    }
  }
}
