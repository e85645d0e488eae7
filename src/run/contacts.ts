// The contact list: petnames and trust, which are ours and never a peer's word.

import type { Contact } from '../call/agents.ts'
import { shortNpub } from '../call/agents.ts'
import type { IntentOf } from '../call/intent.ts'
import { EXIT, Failure } from '../errors.ts'
import { npubEncode } from '../nostr/nip19.ts'
import { cleanLine } from '../sanitize.ts'
import type { State } from '../state/state.ts'
import { find } from './find.ts'
import type { Place } from './place.ts'

type Edit = IntentOf<'contacts'>

export async function editList(intent: Edit, place: Place, state: State): Promise<readonly Contact[]> {
  const { settings } = place.world
  if (intent.action === 'list') return place.people.contacts
  const pubkey = await keyOf(intent, place, state)
  return await settings.editContacts((contacts) => edited(contacts, intent, pubkey))
}

// Besides keys and petnames, the peer of a call we have had: `contacts add 1a2b3c4d bob` needs no npub to be copied. Of a
// NIP-05 name only the key is kept: whose name it is may change, and a petname is the owner's own word.
async function keyOf({ action, agent, petname }: Edit, place: Place, state: State): Promise<string> {
  const calls = Object.entries(state.index.calls).filter(
    ([id]) => agent.length >= 6 && id.startsWith(agent.toLowerCase()),
  )
  const [peer] = [...new Set(calls.map(([, call]) => call.peer))]
  if (peer !== undefined) return peer
  const found = await find(agent, place)
  if ('pubkey' in found) return found.pubkey
  throw new Failure(
    'NO_SUCH_AGENT',
    EXIT.impossible,
    `"${agent}" is no key, no contact and no call`,
    /^(npub1|nprofile1|[0-9a-f]{64}$)/.test(petname)
      ? `the key first: \`p2p contacts ${action} npub1… ${agent}\``
      : 'name it by its npub; `p2p list` shows them',
  )
}

function edited(contacts: readonly Contact[], { action, petname }: Edit, pubkey: string): readonly Contact[] {
  const held = contacts.find((c) => c.pubkey === pubkey)
  const others = contacts.filter((c) => c.pubkey !== pubkey)
  if (action === 'remove') return others
  // It stands in sentences of ours: nothing that draws, turns the line around, or cannot be seen.
  if (petname !== cleanLine(petname, 64)) {
    throw new Failure('USAGE', EXIT.usage, 'that is no petname', 'a petname is one line of at most 64 characters')
  }
  const name = petname !== '' ? petname : (held?.petname ?? shortNpub(npubEncode(pubkey)))
  if (others.some((c) => c.petname.toLowerCase() === name.toLowerCase())) {
    throw new Failure('PETNAME_TAKEN', EXIT.usage, `another contact is called "${name}"`, 'choose another name')
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
