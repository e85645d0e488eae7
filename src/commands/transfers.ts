// How far files are: ours until the peer has them, the peer's until they lie here.
import { type Agent, agentOf } from '../call/agents.ts'
import { encryptedSize, isFinished, type Transfer, transfers } from '../call/file-transfer.ts'
import type { FileState, Log } from '../call/log.ts'
import type { Call } from '../call/replay.ts'
import { hintLine, type PrintedLine, span } from '../call/span.ts'
import { describeAgent, quoteLines } from '../call/wording.ts'
import { P2P } from '../command-name.ts'
import type { CommonOutcome } from '../run/outcome.ts'
import { type Foreign, foreignLine } from '../sanitize.ts'
import { remoteFilesOf } from '../state/files.ts'
import { deliveryOf } from '../state/outbox.ts'

/**
 * `file`: its sender's id for it, the same on both sides. `have` of `of`: chunks, or encrypted bytes on a server (`of` 0: nobody has said).
 * `call`: "" for the file of a letter.
 */
export type TransferShape = {
  call: string
  file: Foreign
  id: string
  peer: Agent
  name: Foreign
  size: number
  have: number
  of: number
  unit: 'chunks' | 'bytes'
  direction: 'incoming' | 'outgoing'
  /** Outgoing: queued, relayed. Incoming: arriving (chunks), fetching or, after a failure, retrying (with `error`). */
  state: 'queued' | 'relayed' | 'arriving' | 'fetching' | 'retrying'
  error?: string
}

/** The transfers of all open calls, then those of letters. */
export function transferShapes(outcome: CommonOutcome): TransferShape[] {
  const { state, calls, me, people } = outcome
  const inCalls = calls.flatMap((call) => {
    const log = state.logs[call.id]
    if (log === undefined) return []
    const peer = agentOf(people, call.peer, call.peerName)
    const own = transfers(call, log, me.pubkey).filter((t) => t.have < t.of)
    const theirs = transfers(call, log, call.peer).filter((t) => !isFinished(log.files[t.transferKey]))
    return [
      ...own.map((t) => outgoingTransfer(t, call, log, peer)),
      ...theirs.map((t) => incomingTransfer(t, call, log, peer)),
    ]
  })
  const letters = remoteFilesOf(state, []).map(({ id, from, body, progress: state }): TransferShape => {
    const { transferId, name, size } = body
    const base = {
      call: '',
      file: foreignLine(transferId, 64),
      id,
      peer: agentOf(people, from),
      name: foreignLine(name, 255),
      size,
    }
    return { ...base, ...fetchFields(size, state === undefined ? undefined : { fetching: state }) }
  })
  return [...inCalls, ...letters]
}

/** The transfers as lines, with the name of each file behind a mark. */
export function transferLines(outcome: CommonOutcome): PrintedLine[] {
  return transferShapes(outcome).flatMap((t): PrintedLine[] => {
    const far = t.unit === 'chunks' ? `${t.have} of ${t.of} parts` : `${t.have} of ${t.of || 'unknown'} bytes`
    const where = t.call === '' ? '' : ` in call ${t.call.slice(0, 8)}`
    if (t.direction === 'outgoing')
      return [
        [
          span('heading', 'file'),
          ' to ',
          ...describeAgent(t.peer),
          `${where}: ${far} delivered, ${t.size} bytes, named:`,
        ],
        ...quoteLines(t.name, 'me'),
      ]
    const error = t.error === undefined ? '' : `, tried again later (${t.error})`
    const next = t.unit === 'bytes' ? [hintLine(`  next: \`${P2P} inbox\` goes on fetching it`)] : []
    return [
      [span('heading', 'file'), ' from ', ...describeAgent(t.peer), `${where}: ${far} here${error}, named:`],
      ...quoteLines(t.name),
      ...next,
    ]
  })
}

function outgoingTransfer(transfer: Transfer, call: Call, log: Log, peer: Agent): TransferShape {
  const ids = transfer.chunks.map((chunk) => chunk.id)
  const state = deliveryOf(log, ids).state === 'queued' ? 'queued' : 'relayed'
  const { have, of } = transfer
  return { ...transferShape(transfer, call, peer), have, of, unit: 'chunks', direction: 'outgoing', state }
}

function incomingTransfer(transfer: Transfer, call: Call, log: Log, peer: Agent): TransferShape {
  const base = transferShape(transfer, call, peer)
  if (transfer.remote !== undefined) return { ...base, ...fetchFields(transfer.size, log.files[transfer.transferKey]) }
  const { have, of } = transfer
  return { ...base, have, of, unit: 'chunks', direction: 'incoming', state: 'arriving' }
}

function transferShape({ transferId, id, name, size }: Transfer, { id: call }: Call, peer: Agent) {
  return { call, file: foreignLine(transferId, 64), id, peer, name: foreignLine(name, 255), size }
}

function fetchFields(size: number, state: FileState | undefined) {
  const fetching = isFinished(state) ? undefined : state?.fetching
  const failed = (fetching?.tries ?? 0) > 0
  return {
    have: fetching?.have ?? 0,
    of: encryptedSize({ size }),
    unit: 'bytes' as const,
    direction: 'incoming' as const,
    state: failed ? ('retrying' as const) : ('fetching' as const),
    ...(failed && fetching !== undefined ? { error: fetching.why } : {}),
  }
}
