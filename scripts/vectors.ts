// Makes test/vectors/protocol.json with fixed keys, random bytes and clock, and fills its examples into docs/PROTOCOL.md. npm run vectors
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { presenceOf } from '../src/call/presence.ts'
import { replay } from '../src/call/replay.ts'
import { RULES } from '../src/call/rules.ts'
import { toHex } from '../src/nostr/crypto.ts'
import { finalize, type Rumor } from '../src/nostr/event.ts'
import { seal, wrap } from '../src/nostr/nip59.ts'
import { agents, aWholeCall, NOW, type SaidSignal } from './vectors/call.ts'
import { callKeyTable, callKeyVectors } from './vectors/call-keys.ts'
import { forgeries } from './vectors/forgeries.ts'
import { seededBytes } from './vectors/seeded-bytes.ts'

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

export const FILES = { vectors: root('test/vectors/protocol.json'), document: root('docs/PROTOCOL.md') }

/** Everything that the vectors hold, as data. */
export function makeVectors() {
  const { caller, callee } = agents
  const call = aWholeCall()
  const presence = finalize(
    presenceOf(
      {
        name: 'ada',
        about: 'Reviews APIs',
        capabilities: ['review'],
        inbox: ['wss://relay.example'],
        busy: false,
        pow: 0,
        every: 2,
        looked: NOW - 60,
      },
      NOW,
    ),
    caller,
    seededBytes('presence'),
  )
  return {
    version: 2,
    comment: 'Made by `npm run vectors` with fixed keys, dice and clock. Times are Unix seconds, keys and ids hex.',
    agents: {
      caller: { secret: toHex(caller.secret), pubkey: caller.pubkey },
      callee: { secret: toHex(callee.secret), pubkey: callee.pubkey },
    },
    rules: RULES,
    signals: call.said.map(sealed),
    call: ended(call),
    callKeys: callKeyVectors(),
    presence,
    invalid: forgeries(call),
  }
}

// The random bytes of each layer are seeded, so that another implementation can make the same ones and get the same result.
function sealed({ op, from, to, rumor }: SaidSignal) {
  const keys = from === agents.caller.pubkey ? agents.caller : agents.callee
  const stamp = rumor.created_at - 3600
  return {
    op,
    rumor,
    seal: seal(rumor, keys, to, { stamp }, seededBytes(`seal ${rumor.id}`)),
    wrap: wrap(
      rumor,
      keys,
      to,
      { now: rumor.created_at, expiration: rumor.created_at + 604_800 },
      seededBytes(`wrap ${rumor.id}`),
    ),
  }
}

/** What both sides must find at the end. */
function ended({ id, said, states }: ReturnType<typeof aWholeCall>) {
  const sides = [agents.caller, agents.callee].map(({ pubkey }, i) => {
    const state = states[i]
    const log = state?.logs[id]
    const call = state === undefined || log === undefined ? undefined : replay(log, pubkey, NOW + 100)
    return {
      phase: call?.phase,
      digest: call?.digest,
      verified: call?.verified,
      order: call?.lines.map((l) => l.signal.id),
    }
  })
  return { id, rumors: said.map((s) => s.rumor.id), sides }
}

/** The document with its examples, rules and call filled in from the vectors. */
export function fillDocument(document: string, data: ReturnType<typeof makeVectors>): string {
  const rumorOf = (op: string): Rumor | undefined => data.signals.find((s) => s.op === op)?.rumor
  const examples: Record<string, unknown> = {
    request: rumorOf('request'),
    message: rumorOf('message'),
    presence: data.presence,
  }
  const withExamples = document.replace(
    /```json example=(\w+)\n[\s\S]*?```/g,
    (_, name: string) => `\`\`\`json example=${name}\n${JSON.stringify(examples[name], null, 2)}\n\`\`\``,
  )
  const withCall = block(block(withExamples, 'rules', rulesTable()), 'call', callTable(data))
  return block(withCall, 'call-keys', callKeyTable(data.callKeys))
}

function rulesTable(): string {
  const rows = Object.entries(RULES).flatMap(([phase, row]) =>
    Object.entries(row).flatMap(([type, parties]) =>
      Object.entries(parties).map(([party, next]) => `| ${phase} | ${type} | ${party} | ${next} |`),
    ),
  )
  return ['| phase | signal | said by | phase after it |', '|---|---|---|---|', ...rows].join('\n')
}

function callTable({ signals, agents: keys, call }: ReturnType<typeof makeVectors>): string {
  const rows = signals.map(({ op, rumor }) => {
    const value = (name: string) =>
      rumor.tags
        .find((t) => t[0] === name)
        ?.slice(1)
        .join(', ') ?? ''
    const short = (name: string) => value(name).replace(/[0-9a-f]{64}/, (id) => id.slice(0, 8))
    const who = rumor.pubkey === keys.caller.pubkey ? 'caller' : 'callee'
    return `| ${who} | ${op} | ${value('seq')} | ${short('prev')} | ${short('ack')} |`
  })
  const digest = `Both sides end with the digest \`${call.sides[0]?.digest}\`.`
  return [
    'The whole call of the vectors:',
    '',
    '| who | says | seq | prev | ack |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    digest,
  ].join('\n')
}

function block(document: string, name: string, content: string): string {
  return document.replace(
    new RegExp(`<!-- ${name} -->[\\s\\S]*?<!-- /${name} -->`),
    `<!-- ${name} -->\n${content}\n<!-- /${name} -->`,
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const data = makeVectors()
  writeFileSync(FILES.vectors, `${JSON.stringify(data, null, 1)}\n`)
  writeFileSync(FILES.document, fillDocument(readFileSync(FILES.document, 'utf8'), data))
}
