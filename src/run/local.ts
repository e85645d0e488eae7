// Commands that ask no relay answer from disk at once: calls that are kept, who we are, settings, and the contact list, whose petnames and
// trust are our own and never a peer's word.

import { type Contact, shortNpub } from '../call/agents.ts'
import type { IntentOf, IntentType } from '../call/intent.ts'
import { isSameName } from '../call/name.ts'
import { P2P, shellPath } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { cleanLine } from '../sanitize.ts'
import type { State } from '../state/state.ts'
import type { RunContext } from './context.ts'
import { load } from './load.ts'
import type { Task } from './needs.ts'
import { localOutcome, type OutcomeOf } from './outcome.ts'
import { refuseSecrets } from './refuse-secrets.ts'

type Answers = { [T in IntentType]?: (task: Task<T>, context: RunContext, state: State) => Promise<OutcomeOf<T>> }

/** A run that asks no relay and does not load the code for that. Throws a Failure, as `run` does. */
export async function runLocally<T extends IntentType>(task: Task<T>, context: RunContext): Promise<OutcomeOf<T>> {
  const refused = await refuseSecrets(task.intent, context)
  if (refused !== undefined) throw refused
  const answer = ANSWERS[task.type]
  if (answer === undefined) throw new Error(`${task.type} asks the relays`)
  return await answer(task, context, await load(context))
}

const ANSWERS: Answers = {
  async whoami(task, context, state) {
    const { config, relays, exportSecret } = context.environment
    const { exportTo } = task.intent
    const exported = exportTo === undefined ? {} : { exported: exportSecret(exportTo) }
    const self = { name: config.name, about: config.about, relays }
    return localOutcome(task, context, state, { self, ...exported })
  },
  async transcript(task, context, state) {
    const { readTranscripts } = await import('./transcript.ts')
    const read = readTranscripts(task.intent, context, state)
    if (!(read instanceof Failure)) return localOutcome(task, context, read.state, { reading: read.reading })
    return { ...localOutcome<'transcript'>(task, context, state, { reading: undefined }), failure: read }
  },
  async forget(task, context, state) {
    const { forgetOne } = await import('./forget.ts')
    const done = await forgetOne(task.intent, context, state)
    if (done instanceof Failure)
      return { ...localOutcome<'forget'>(task, context, state, { forgotten: undefined }), failure: done }
    const { forgotten, notices } = done
    return { ...localOutcome(task, context, context.environment.store.read(), { forgotten }), notices }
  },
  async escalate(task, context, state) {
    const { recordOwnerAnswer } = await import('./owner-answer.ts')
    const recorded = await recordOwnerAnswer(task.intent, context)
    if (!(recorded instanceof Failure)) {
      const escalation = recorded.state.index.escalations[recorded.id]
      return localOutcome(task, context, recorded.state, { escalation })
    }
    return { ...localOutcome<'escalate'>(task, context, state, { escalation: undefined }), failure: recorded }
  },
  async contacts(task, context, state) {
    return localOutcome(task, context, state, { contacts: await editContactList(task.intent, context, state) })
  },
  async config(task, context, state) {
    const { settings } = context.environment
    const { action, key, values } = task.intent
    if (action === 'set') await settings.set(key, values)
    if (action === 'unset') await settings.unset(key)
    return localOutcome(task, context, state, { settings: settings.list(key) })
  },
}

type Edit = IntentOf<'contacts'>

/** The contacts after what was typed; `list` changes nothing. Throws NO_SUCH_AGENT and what the settings refuse. */
async function editContactList(intent: Edit, context: RunContext, state: State): Promise<readonly Contact[]> {
  const { settings } = context.environment
  if (intent.action === 'list') return context.people.contacts
  const pubkey = await keyOf(intent, context, state)
  return await settings.editContacts((contacts) => editedContacts(contacts, intent, pubkey))
}

// Besides keys and petnames, the peer of a call we have had: `contacts add 1a2b3c4d bob` needs no npub to be copied. Of a
// NIP-05 name only the key is kept: whose name it is may change, and a petname is the owner's own word.
async function keyOf({ action, agent, petname }: Edit, context: RunContext, state: State): Promise<string> {
  const { resolveAgent } = await import('./resolve-agent.ts')
  const found = await resolveAgent(agent, context, state.index)
  // Trust is given to a key, and a name that a stranger gave itself identifies no key.
  if ('pubkey' in found && found.claimed)
    throw new Failure(
      'AGENT_AMBIGUOUS',
      `"${agent}" is what ${npubEncode(found.pubkey)} calls itself, which anybody can`,
      `the key, if it is the one you mean: \`${P2P} contacts ${action} ${npubEncode(found.pubkey)}${petname === '' ? '' : ` ${shellPath(petname)}`}\``,
    )
  if ('pubkey' in found) return found.pubkey
  throw new Failure(
    'NO_SUCH_AGENT',
    `"${agent}" is no key, no contact and no call`,
    /^(npub1|nprofile1|[0-9a-f]{64}$)/.test(petname)
      ? `the key first: \`${P2P} contacts ${action} npub1… ${agent}\``
      : `name it by its npub; \`${P2P} list\` shows them`,
  )
}

function editedContacts(contacts: readonly Contact[], { action, petname }: Edit, pubkey: string): readonly Contact[] {
  const held = contacts.find((c) => c.pubkey === pubkey)
  const others = contacts.filter((c) => c.pubkey !== pubkey)
  if (action === 'remove') return others
  if (action === 'unblock' && held?.trust !== 'blocked') return contacts
  // The trap: a stranger that was blocked would be a contact afterwards, which it was not before.
  if (action === 'unblock' && petname === '' && held?.petname === shortNpub(npubEncode(pubkey))) return others
  // A petname is put into sentences of ours: it may hold no control, no change of direction, and nothing invisible.
  if (petname !== cleanLine(petname, 64)) {
    throw new Failure('USAGE', 'that is no petname', 'a petname is one line of at most 64 characters')
  }
  const name = petname !== '' ? petname : (held?.petname ?? shortNpub(npubEncode(pubkey)))
  if (others.some((c) => isSameName(c.petname, name))) {
    throw new Failure('PETNAME_TAKEN', `another contact is called "${name}"`, 'choose another name')
  }
  const trust =
    action === 'block'
      ? 'blocked'
      : action === 'trust'
        ? 'trusted'
        : action === 'unblock'
          ? 'known'
          : (held?.trust ?? 'known')
  return [...others, { pubkey, petname: name, trust }]
}
