// The contacts in config.json: the petnames that we give to agents, and how far we trust them.
import type { Contact } from '../../call/agents.ts'
import { fields, isRecord, oneOf, text, where } from '../../json.ts'
import { isPubkey } from '../../nostr/crypto.ts'
import { type ConfigWrite, changeRawConfig, damagedFailure, type RawConfig, readRawConfig } from './config-file.ts'
import type { Home } from './paths.ts'

/** The contacts on disk. Throws CONFIG_DAMAGED, STATE_NEWER, HOME_UNWRITABLE. */
export function readContacts(home: Home): readonly Contact[] {
  return contactsOf(home, readRawConfig(home))
}

/**
 * Changes the contacts that are on disk, under the lock, and gives the new ones. `edit` is pure and may be applied more than once. Throws
 * what `readContacts` throws, LOCKED and DISK_FULL.
 */
export async function editContacts(
  home: Home,
  edit: (contacts: readonly Contact[]) => readonly Contact[],
  writing: ConfigWrite,
): Promise<readonly Contact[]> {
  const raw = await changeRawConfig(home, writing, (raw) => {
    const contacts = contactsOf(home, raw)
    const edited = edit(contacts)
    if (edited === contacts) return raw
    const changed = { ...raw, contacts: edited }
    // Contacts that could not be read again must not be written.
    contactsOf(home, changed)
    return changed
  })
  return contactsOf(home, raw)
}

/** The contacts in a file that was read. Throws CONFIG_DAMAGED for a bad one: to drop it silently could let a blocked peer in. */
export function contactsOf(home: Home, raw: RawConfig): readonly Contact[] {
  const list = raw.contacts ?? []
  if (!Array.isArray(list)) throw damagedFailure(home, 'contacts is no list')
  return list.map((value: unknown, n) => {
    const contact = parseContact(value)
    if (contact === undefined) throw damagedFailure(home, `contact ${n + 1} has no good pubkey, petname and trust`)
    return contact
  })
}

// Fields that we do not know are kept: they are their writer's.
function parseContact(value: unknown): Contact | undefined {
  const held = contact(value)
  return held && isRecord(value) ? { ...value, ...held } : undefined
}

const contact = fields<Contact>({
  pubkey: where(text, isPubkey),
  petname: where(text, (name) => name !== '' && name.length <= 64 && !/\p{Cc}/u.test(name)),
  trust: oneOf('known', 'trusted', 'blocked'),
})
