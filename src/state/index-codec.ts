// How state.json is read. Every field is checked: the file is ours and written whole, but a disk can damage it, and a command
// must not trip over what is left.
import type { Agreement } from '../call/agreements.ts'
import type { Escalation, KeptEscalation, OwnerAnswer, ToldChannel } from '../call/escalation.ts'
import { claim, claimFields, fileState, foreignWords, hex32, keptRumor, outboxEntry } from '../call/log-codec.ts'
import { type Phase, RULES } from '../call/rules.ts'
import { type Decoder, fields, finite, flag, isRecord, list, oneOf, table, text, yes } from '../json.ts'
import { type Upgrade, upgraded } from '../migrate.ts'
import type { DialLimit, RelayBackoff, RelayCanary, RelayLimits, RelayMemory, Sweep } from './kept-relay.ts'
import {
  type Announced,
  type CallSummary,
  type DailyMeter,
  emptyIndex,
  type Index,
  type LetterLogSummary,
  type MachineMemory,
  type MeterAmount,
  type OrphanCall,
  type OutgoingLetter,
  type PeerMemory,
  type PendingEscalation,
  type RelayRecord,
} from './state.ts'

/**
 * Reads the JSON of state.json. 'newer' when a later version wrote it, undefined when it is damaged. Parts that it lacks are empty.
 * @param unchanged whether it is, letter for letter, what this program wrote: then its fields need not be checked
 */
export function parseIndex(value: unknown, unchanged = false): Index | 'newer' | undefined {
  if (!isRecord(value)) return undefined
  const { sum, ...rest } = value
  const held = upgraded(rest, UPGRADES)
  if (held === undefined || held === 'newer') return held
  if (unchanged) return Object.assign(emptyIndex(), held)
  const found = parts(held)
  return found?.agent === undefined || found.calls === undefined ? undefined : { ...emptyIndex(), ...found }
}

/** From each version of state.json to the next. */
const UPGRADES: readonly Upgrade[] = [
  // 0.1.0: its calls are rendered to Markdown and set aside (io/store/legacy.ts); what is known of relays, peers and letters stays.
  ({ strays, appeals, letters, relays, peers, announced, ...old }) => ({
    ...old,
    calls: {},
    legacy: true,
    relays: eachRenamed(relays, { swept: 'wholeReadAt', since: 'incompleteSince', patience: 'longWaitAt' }),
    peers: eachRenamed(peers, { listed: 'listedAt', looked: 'lookedUpAt' }),
    announced: renamed(announced, {
      presence: 'presenceAt',
      lists: 'inboxList',
      words: 'presenceWords',
      taken: 'presenceTakenAt',
      offered: 'listOffers',
    }),
    pendingEscalations: eachRenamed(
      appeals,
      { open: 'channelsLeft', fresh: 'neverTold', reached: 'ownerReached' },
      // It did not write down what the peer was told beside that the owner is asked: nothing.
      ({ escalation, ...one }) => ({
        ...one,
        escalation: isRecord(escalation) ? { told: '', ...escalation } : escalation,
      }),
    ),
    outgoingLetters: eachRenamed(letters, { posting: 'entry' }, ({ entry, ...one }) => ({
      ...one,
      entry: renamed(entry, { wrapped: 'wrappedAt', wraps: 'wrapCount', retried: 'retriedAt' }),
    })),
  }),
]

type Names = Readonly<Record<string, string>>

/** An object with new names for its fields. */
function renamed(value: unknown, names: Names): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [names[name] ?? name, held]))
}

/** A table of objects, each with new names for its fields, and then changed. */
function eachRenamed(
  all: unknown,
  names: Names,
  change = (one: Record<string, unknown>): Record<string, unknown> => one,
): unknown {
  if (!isRecord(all)) return {}
  return Object.fromEntries(
    Object.entries(all).map(([key, held]) => {
      const one = renamed(held, names)
      return [key, isRecord(one) ? change(one) : one]
    }),
  )
}

const relay = fields<RelayMemory>(
  {},
  {
    cursor: finite,
    cursorByOwnClock: finite,
    wholeReadAt: finite,
    incompleteSince: finite,
    longWaitAt: finite,
    negentropy: fields<{ speaks: boolean; at: number }>({ speaks: flag, at: finite }),
    sweep: fields<Sweep>(
      { since: finite, until: finite, top: finite, began: finite, cursor: finite },
      { whole: yes, deep: yes },
    ),
    limits: fields<RelayLimits>({ at: finite }, { maxEvents: finite, maxMessageBytes: finite, subscriptions: finite }),
    backoff: fields<RelayBackoff>(
      { at: finite, until: finite, tries: finite, why: foreignWords },
      { named: yes, only: oneOf('read', 'write') },
    ),
    dialLimit: fields<DialLimit>({ at: finite, cron: finite }, { dials: finite }),
    unreachableSince: finite,
    canary: fields<RelayCanary>({ at: finite }, { wrap: text, misses: finite, leaky: finite }),
  },
)

const peer = fields<PeerMemory>(
  { inbox: list(text), lookedUpAt: finite, hints: list(text), name: foreignWords, pow: finite },
  {
    listedAt: finite,
    reads: list(text),
    called: list(text),
    heardAt: finite,
    keysLostAt: finite,
    record: table(fields<RelayRecord>({ acked: finite, unacked: finite })),
  },
)

const phase: Decoder<Phase> = (value) => Object.keys(RULES).find((name): name is Phase => name === value)

const agreement = fields<Agreement>(
  {
    ref: text,
    from: oneOf('me', 'peer'),
    text,
    at: finite,
    answer: fields<Agreement['answer']>({ ref: text, text, at: finite }, { late: yes }),
  },
  { cut: yes },
)

const summary = fields<CallSummary>(
  {
    peer: hex32,
    direction: oneOf('incoming', 'outgoing'),
    topic: text,
    createdAt: finite,
    deadline: finite,
    phase,
    unread: finite,
    own: fields<CallSummary['own']>({ queued: finite, relayed: finite, delivered: finite, read: finite }),
    open: flag,
    last: finite,
  },
  {
    name: text,
    held: yes,
    verified: yes,
    agreements: list(agreement),
    outcome: oneOf('done', 'partial', 'failed'),
    outcomeBy: oneOf('me', 'peer', 'both'),
    secrecy: oneOf('call', 'identity'),
    hungUp: yes,
    overAt: finite,
    endCount: finite,
    awaitsAcceptUntil: finite,
    earlySeals: fields<{ count: number; bytes: number }>({ count: finite, bytes: finite }),
  },
)

const escalation = fields<Escalation>({
  id: text,
  at: finite,
  agent: text,
  npub: text,
  name: foreignWords,
  call: text,
  peer: text,
  peerNpub: text,
  peerName: foreignWords,
  peerTrust: text,
  topic: foreignWords,
  topicBy: oneOf('me', 'peer', ''),
  text,
  told: text,
})

const keptEscalation = fields<KeptEscalation>(
  {
    escalation,
    channels: list(fields<ToldChannel>({ channel: text, ok: flag }, { error: foreignWords })),
    answers: list(
      fields<OwnerAnswer>({
        id: text,
        text,
        at: finite,
        channel: oneOf('nostr', 'webhook', 'command', 'answered'),
        unread: flag,
      }),
    ),
  },
  { letter: text },
)

const pendingEscalation = fields<PendingEscalation>(
  {
    escalation,
    channelsLeft: table(
      fields<PendingEscalation['channelsLeft'][string]>({ tries: finite, at: finite, error: foreignWords }),
    ),
  },
  { letter: text, neverTold: yes, ownerReached: yes, claim },
)

const amount = fields<MeterAmount>({ requests: finite, rumors: finite, bytes: finite }, { files: finite })

const parts = fields<Partial<Omit<Index, 'version'>>>(
  {},
  {
    agent: text,
    relays: table(relay),
    seen: table(finite),
    calls: table(summary, hex32),
    peers: table(peer, hex32),
    letterLogs: table(fields<LetterLogSummary>({ open: flag, bytes: finite, last: finite }, { due: finite }), hex32),
    outgoingLetters: table(fields<OutgoingLetter>({ to: hex32, rumor: keptRumor, entry: outboxEntry })),
    escalations: table(keptEscalation),
    pendingEscalations: table(pendingEscalation),
    orphanCalls: list(
      fields<OrphanCall>(
        { call: hex32, from: hex32, heard: finite, completeReads: finite, said: finite },
        { end: keptRumor },
      ),
    ),
    lossReportedAt: table(finite),
    forgotten: table(finite),
    unreadable: table(fields<{ heard: number; completeReads: number }>({ heard: finite, completeReads: finite })),
    keysGone: table(finite),
    cleanedAt: finite,
    triedKeys: table(list(text)),
    meter: fields<DailyMeter>(
      { day: finite, senders: table(amount), strangers: amount, refused: table(yes) },
      { rang: table(finite) },
    ),
    wakes: table(fields<{ at: number; times: number }>({ at: finite, times: finite })),
    dropped: table(finite),
    announced: fields<Announced>(
      { presenceAt: finite, inboxList: text },
      {
        presenceWords: text,
        presenceTakenAt: table(finite),
        presenceCreatedAt: finite,
        lastCommandAt: finite,
        listOffers: table(fields<{ at: number; taken: boolean }>({ at: finite, taken: flag })),
        listCreatedAt: finite,
        listReplacedBy: finite,
        listAskedAt: finite,
      },
    ),
    legacy: yes,
    dms: table(
      fields<NonNullable<Index['dms']>[string]>({ rumor: keptRumor, heard: finite, unread: flag }, { file: fileState }),
    ),
    lettersLeft: finite,
    stateLost: yes,
    stateLostAt: finite,
    clockAhead: finite,
    announcing: fields<NonNullable<Index['announcing']>>({ ...claimFields.must, pause: finite }, claimFields.may),
    machine: fields<MachineMemory>(
      { id: text, count: finite },
      {
        others: table(fields<{ at: number; lives?: true }>({ at: finite }, { lives: yes })),
        found: fields<NonNullable<MachineMemory['found']>>({ at: finite }, { lives: yes, told: finite }),
      },
    ),
  },
)
