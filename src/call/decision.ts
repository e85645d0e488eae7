// What a command comes to, and what that may depend on: the types that the deciding files share.
import { type Code, Failure } from '../errors.ts'
import type { CallChoice } from './choose-call.ts'
import type { Body } from './signal.ts'

/** What a run wants to say. `call` is undefined for a request, which makes one. `unasked`: our agent does not know of it. */
export type IntendedSignal = { to: string; call: string | undefined; body: Body; re?: string; unasked?: true }

/** A file of ours that must lie on a server before it can be announced in that call. */
export type PendingUpload = { to: string; call: string; name: string; path: string; note?: string | undefined }

/** A direct message outside of calls. */
export type IntendedLetter = { to: string; text: string }

/** What is to be said, uploaded or written, or why it is refused. */
export type Decision =
  | { say: IntendedSignal[]; uploads?: readonly PendingUpload[]; letter?: IntendedLetter; refusal?: undefined }
  | { say: []; uploads?: undefined; letter?: undefined; refusal: Failure }

/**
 * What a decision may depend on. `peer`: the agent that `call` or `send --to` names, looked up before; `name` and `inbox`: how we
 * introduce ourselves; `ring`: seconds that a call of ours rings; `me`: our own key; `now`: unix seconds.
 */
export type DecisionContext = CallChoice & {
  peer: string | undefined
  name: string
  inbox: readonly string[]
  ring: number
  /** Bytes up to which a file is sent through relays. */
  inlineMax: number
  /** Whether larger ones may be put on a server. */
  stores?: boolean
  /** Whether our owner has blocked an agent. */
  isBlocked: (pubkey: string) => boolean
  /** Whether a peer has still to be told that its messages in calls cannot be decrypted here. */
  mustReportLoss?: (pubkey: string) => boolean
  me: string
  now: number
}

/** A refusal, with what to type instead. */
export function refuse(code: Code, message: string, hint: string): Decision {
  return { say: [], refusal: new Failure(code, message, hint) }
}
