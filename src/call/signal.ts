// Everything one agent can say to another in a call, and how it stands in a rumor (kinds 14 and 1410).

export const CHAT = 14
export const CONTROL = 1410
/** NIP-17's file message. */
export const FILE = 15

export type RejectReason = 'declined' | 'busy' | 'policy' | 'expired'
export type SeqRange = readonly [first: number, last: number]

export type Body =
  | {
      type: 'request'
      text: string
      deadline: number
      name: string
      relays: string[]
      /** Calls of the other side that might still ring, which the caller knows of: it calls back, not at the same time. */
      after?: readonly string[]
    }
  | { type: 'accept'; text: string; name: string; relays: string[] }
  | { type: 'reject'; text: string; reason: RejectReason }
  | { type: 'message'; text: string }
  | { type: 'escalate'; text: string }
  | {
      type: 'file'
      /** base64 of one chunk, or the address of a file that is kept on a server. */
      text: string
      file: string
      name: string
      mime: string
      /** Bytes (0: not told) and SHA-256 (hex, "": not told) of the whole file, as its sender has it. */
      size: number
      x: string
      /** Which chunk of how many, from 1. */
      chunk: SeqRange
      remote: RemoteFile | undefined
    }
  | { type: 'end'; text: string; cut: SeqRange | undefined; digest: string; expired: boolean }
  | { type: 'receipt'; text: ''; missing: SeqRange[] }

/**
 * NIP-17, kind 15: a file that lies encrypted on a server. `x`: SHA-256 of what lies there; key and nonce in hex. `fallbacks`:
 * where else it lies.
 */
export type RemoteFile = { key: string; nonce: string; x: string; fallbacks: readonly string[] }

export type SignalType = Body['type']

/** One thing said in a call. `at` is what the sender's clock said, unix seconds. `seq` is 0 for a receipt. */
export type Signal = {
  id: string
  from: string
  to: string
  at: number
  call: string
  seq: number
  lc: number
  ack: number
  body: Body
}

/** What is needed to number a signal: place in the call, by the sender's state. */
export type SignalPosition = { call: string | undefined; to: string; seq: number; lc: number; ack: number }

export const LIMIT = {
  seq: 1_000_000,
  topic: 1_000,
  name: 64,
  relays: 5,
  after: 20,
  missing: 50,
  chunks: 1_000,
  fallbacks: 3,
  url: 2_000,
} as const
// NIP-17's names, so that any of its clients can fetch and open the file.
// A plain decimal from 1 to 1,000,000: "1e3", "0x10", "+1", " 1" and a number that would push our clock to the end of
// its range are not numbers of a call.
