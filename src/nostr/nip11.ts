// NIP-11: what a relay says of itself, read field by field. A field that is not what it should be is left out.
import { isRecord, ownValue, parseJson } from '../json.ts'
import { type Foreign, foreignLine } from '../sanitize.ts'
import { isHex32 } from './crypto.ts'

/** What a relay takes and gives at the most, as it says. */
export type AnnouncedLimits = {
  /** Bytes of a message. */
  message?: number
  /** Characters of an event's content, and its tags. */
  content?: number
  tags?: number
  /** Events in answer to one REQ. */
  events?: number
  /** Open at a time, and characters of a subscription id. */
  subscriptions?: number
  subscriptionId?: number
  /** NIP-13 bits that an event must carry. */
  work?: number
  /** Seconds that created_at may lie behind and ahead of the relay's clock. */
  oldest?: number
  newest?: number
  /** Whether it asks for NIP-42's AUTH, for payment, or for something else first. */
  auth: boolean
  payment: boolean
  restricted: boolean
}

/** `software`: what it calls its program, and the version; `operator`: the pubkey of whoever runs it, as it says. */
export type RelayInfo = { software: Foreign; operator?: string; nips: number[]; limits: AnnouncedLimits }

/** In seconds. Some relays give a date instead of an age; nobody means an age of more than 30 years. */
const MAX_AGE = 30 * 365 * 24 * 3600

/** Reads a relay's document. Undefined for what is no such document. */
export function parseRelayInfo(json: string): RelayInfo | undefined {
  const document = parseJson(json)
  if (!isRecord(document)) return undefined
  const said = ownValue(document, 'limitation')
  const count = (name: string) => positiveInteger(ownValue(said, name))
  const limits = {
    message: count('max_message_length'),
    content: count('max_content_length'),
    tags: count('max_event_tags'),
    events: count('max_limit'),
    subscriptions: count('max_subscriptions'),
    subscriptionId: count('max_subid_length'),
    work: count('min_pow_difficulty'),
    oldest: credibleAge(count('created_at_lower_limit')),
    newest: credibleAge(count('created_at_upper_limit')),
  }
  const known = Object.entries(limits).filter(([, value]) => value !== undefined)
  const nips = ownValue(document, 'supported_nips')
  const operator = ownValue(document, 'pubkey')
  return {
    software: foreignLine(
      `${programName(ownValue(document, 'software'))} ${programName(ownValue(document, 'version'))}`,
    ),
    ...(typeof operator === 'string' && isHex32(operator) && { operator }),
    nips: Array.isArray(nips) ? nips.slice(0, 500).flatMap((nip: unknown) => positiveInteger(nip) ?? []) : [],
    limits: {
      ...Object.fromEntries(known),
      auth: ownValue(said, 'auth_required') === true,
      payment: ownValue(said, 'payment_required') === true,
      restricted: ownValue(said, 'restricted_writes') === true,
    },
  }
}

// 0 stands for "no limit" with most software, and a limit of nothing makes no sense for the rest.
function positiveInteger(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}

function credibleAge(value: number | undefined): number | undefined {
  return value !== undefined && value <= MAX_AGE ? value : undefined
}

// It is printed, so only the characters stay that names and addresses of programs are made of.
function programName(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 100).replace(/[^\w .,:/+@~()-]/g, '') : ''
}
