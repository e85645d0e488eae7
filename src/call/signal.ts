// Everything one agent can say to another in a call. signal-codec.ts writes it into a rumor (kinds 14, 15 and 1410) and reads it there.

/** NIP-17's chat message: a message in a call, or a letter. */
export const CHAT = 14
/** Call control: everything else that is said in a call. */
export const CONTROL = 1410
/** NIP-17's file message. */
export const FILE = 15

export type RejectReason = 'declined' | 'busy' | 'policy' | 'expired'
/** Numbers, both inclusive. */
export type SeqRange = readonly [first: number, last: number]

/** How a call went, in the words of whoever ended it. */
export type CallOutcome = 'done' | 'partial' | 'failed'

/** A signal by its author's number and its id; number 0 without an id stands for none. */
export type Link = { seq: number; id: string | undefined }

/** What a signal says, by its type. `deadline`: when the call stops ringing, unix seconds by the caller's clock. */
export type Body =
  | {
      type: 'request'
      text: string
      deadline: number
      name: string
      relays: string[]
      /** The public call key, as the caller sent it; several count as none. */
      ek?: readonly string[]
    }
  | {
      type: 'accept'
      text: string
      name: string
      relays: string[]
      ek?: readonly string[]
      /** At glare: the request of the accept's author that this conversation takes in. */
      merged?: string
    }
  | { type: 'reject'; text: string; reason: RejectReason }
  | { type: 'message'; text: string }
  | { type: 'progress'; text: string }
  | { type: 'escalate'; text: string }
  | { type: 'propose'; text: string }
  | { type: 'agree'; text: string }
  | { type: 'decline'; text: string }
  | {
      type: 'file'
      /** base64 of one chunk, or the address of a file that is kept on a server. */
      text: string
      /** What its sender calls the transfer: the same in each chunk. */
      transferId: string
      name: string
      mime: string
      /** Bytes (0: not told) and SHA-256 (hex, "": not told) of the whole file, as its sender has it. */
      size: number
      sha256: string
      /** Which chunk of how many, from 1. */
      chunk: SeqRange
      /** What the sender says of the file; on the first chunk only. */
      note?: string
      remote: RemoteFile | undefined
    }
  | { type: 'end'; text: string; outcome?: CallOutcome; expired: boolean }
  /** `fork` and `lost` are answers to what does not fit, and say nothing of what was taken. */
  | { type: 'receipt'; text: ''; missing: SeqRange[]; fork?: Link; lost?: true }
  /** Whatever keeps its place in the log without being understood, since a later version said it, or it is broken. `op`: [a-z0-9-]{1,32}. */
  | { type: 'opaque'; text: ''; op: string }

/** What a signal says of a file: one chunk of it, or where it lies. */
export type FileBody = Extract<Body, { type: 'file' }>

/**
 * NIP-17, kind 15: a file that lies encrypted on a server. SHA-256 of what lies there, key and nonce are hex. `fallbacks`: where
 * else it lies.
 */
export type RemoteFile = { aesKey: string; nonce: string; ciphertextSha256: string; fallbacks: readonly string[] }

export type SignalType = Body['type']

/**
 * One thing said in a call. `at` is what the sender's clock said, unix seconds. `seq` is 0 for a receipt. `prev`: the sender's
 * own signal before it; `ack`: up to where its sender had taken ours; `read`: up to where somebody there had looked; `re`: the
 * signal that it answers (NIP-10).
 */
export type Signal = {
  id: string
  from: string
  to: string
  at: number
  call: string
  seq: number
  prev: string | undefined
  ack: Link
  read?: number
  re?: string
  body: Body
}

/** The place of a signal in its call, by the sender's state. `call` is undefined for a request. */
export type SignalPosition = {
  call: string | undefined
  to: string
  seq: number
  prev: string | undefined
  ack: Link
  read?: number | undefined
  re?: string | undefined
}

/** The link that stands for "nothing yet". */
export const NOTHING: Link = { seq: 0, id: undefined }

/**
 * The most of each: `seq` as a number, `topic`, `name`, `note`, `question` and `url` in UTF-16 units, the others as a count (`missing`
 * of ranges). docs/PROTOCOL.md, "Signals".
 */
export const LIMIT = {
  seq: 1_000_000,
  topic: 1_000,
  name: 64,
  relays: 5,
  note: 500,
  question: 20_000,
  missing: 50,
  chunks: 1_000,
  fallbacks: 3,
  url: 2_000,
} as const
