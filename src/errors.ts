// The one error class: an expected failure, with the word a program reads and the next step a person takes.
import type { Foreign } from './sanitize.ts'

/** Exit codes of the command line (docs: README, "Exit codes"). */
export const EXIT = {
  ok: 0,
  fault: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  timedOut: 5,
  impossible: 6,
  rejected: 7,
} as const

export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** Every word that `error.code` can be: its exit code and what it means. A test compares README and the sources with it. */
export const CODES = {
  FAULT: [EXIT.fault, "a fault of p2p's own; please report it"],
  DISK_FULL: [EXIT.fault, 'the disk is full, or your share of it; what was there is whole'],
  DISK_FAILED: [EXIT.fault, 'the disk failed to read or to write'],
  TOO_MANY_FILES: [EXIT.fault, 'too many files are open'],
  NOT_PERMITTED: [EXIT.fault, 'Node was started with permissions that leave out something p2p needs'],
  OUTPUT_FAILED: [EXIT.fault, 'the output could not be written to stdout'],
  HOME_UNWRITABLE: [EXIT.fault, 'the folder of identity and state cannot be written'],
  USAGE: [EXIT.usage, 'an option or argument is wrong'],
  UNKNOWN_COMMAND: [EXIT.usage, 'there is no such command'],
  BAD_AGENT: [EXIT.usage, 'what was typed for the agent is no key, or a damaged one'],
  SELF_CALL: [EXIT.usage, 'that is your own key'],
  BAD_RELAY: [EXIT.usage, 'that is no relay address'],
  BAD_BASE64: [EXIT.usage, 'that is no base64'],
  BAD_HOME: [EXIT.usage, 'what --home, P2P_HOME or OPENCLAW_STATE_DIR names is no path'],
  BAD_SECRET: [EXIT.usage, 'P2P_SECRET_KEY holds no secret key, or what was imported is none'],
  TEXT_EMPTY: [EXIT.usage, 'there is nothing to say'],
  TEXT_TOO_LONG: [EXIT.usage, 'the text does not fit into one message'],
  TEXT_NOT_UTF8: [EXIT.usage, 'what was typed, or came on stdin, is no UTF-8 text'],
  FILE_EMPTY: [EXIT.usage, 'the file is empty'],
  FILE_TOO_LARGE: [EXIT.usage, 'the file is too large for relays, and no server is set'],
  FILE_UNREADABLE: [EXIT.usage, 'the file cannot be read'],
  FILE_UNWRITABLE: [EXIT.usage, 'the file cannot be written'],
  FILE_IS_FOLDER: [EXIT.usage, 'that is a folder'],
  FILE_CHANGED: [EXIT.usage, 'the file changed while it was read'],
  PETNAME_TAKEN: [EXIT.usage, 'another contact has that name'],
  CONFIG_KEY: [EXIT.usage, 'there is no such setting'],
  CONFIG_VALUE: [EXIT.usage, 'that is no value for the setting'],
  CONFIG_DAMAGED: [EXIT.usage, 'config.json is damaged; it is left as it is'],
  UNREACHABLE: [EXIT.unreachable, 'no relay answered, or none took it; what was said is kept'],
  OWNER_NOT_REACHED: [EXIT.unreachable, 'every channel to the owner failed; it is kept and tried again'],
  UPLOAD_FAILED: [EXIT.unreachable, 'the file server could not be reached'],
  REFUSED: [EXIT.refused, 'every relay refused'],
  UPLOAD_REFUSED: [EXIT.refused, 'the file server refused'],
  HOME_UNSAFE: [EXIT.refused, 'a folder or file of the home belongs to somebody else, or everybody can change it'],
  SECRET: [EXIT.refused, 'what was to be sent holds the secret key, or is a file of the agent itself'],
  IDENTITY_UNSAFE: [EXIT.refused, 'the identity file is a link, belongs to somebody else, or can be read by others'],
  IDENTITY_DAMAGED: [EXIT.refused, 'the identity file is damaged; it is left as it is'],
  CALL_KEY_UNSAFE: [
    EXIT.refused,
    "a call's key file is a link, belongs to somebody else or to another call, or can be read by others",
  ],
  IDENTITY_EXISTS: [EXIT.refused, 'there is another identity already'],
  OTHER_IDENTITY: [EXIT.refused, 'the state belongs to another key'],
  STATE_NEWER: [EXIT.refused, 'a newer p2p-comm wrote the state'],
  FILE_EXISTS: [EXIT.refused, 'a file of that name is there already'],
  TIMED_OUT: [EXIT.timedOut, 'nothing came in time'],
  INTERRUPTED: [EXIT.timedOut, 'the wait was stopped before anything came'],
  NO_ANSWER: [EXIT.timedOut, 'the call was not answered'],
  LOCKED: [EXIT.timedOut, 'another command holds the state; it is named'],
  NO_CALL: [EXIT.impossible, 'there is no call to send this in'],
  LATE: [EXIT.impossible, 'the call had ended before this was said; it stands in the transcript as late'],
  NO_SUCH_CALL: [EXIT.impossible, 'no call has that id or peer'],
  SEVERAL_CALLS: [EXIT.impossible, 'more than one call fits; they are named'],
  ALREADY_DIALING: [EXIT.impossible, 'you are calling that agent already'],
  ALREADY_RINGING: [EXIT.impossible, 'the agent is calling you right now'],
  WORK_ASKED: [EXIT.impossible, 'the other side asks strangers for proof of work that takes more than a second'],
  BLOCKED: [EXIT.impossible, 'you have blocked that agent'],
  NO_SUCH_REF: [EXIT.impossible, 'nothing in the call has that ref (me/3, peer/5)'],
  NO_PROPOSAL: [EXIT.impossible, 'there is no such proposal to answer, or it is answered'],
  SEVERAL_PROPOSALS: [EXIT.impossible, 'more than one proposal waits for an answer; they are named'],
  CALL_NOT_OVER: [EXIT.impossible, 'the call is not over'],
  CALL_KEY_LOST: [
    EXIT.impossible,
    'the key of a call is missing, so nothing can be sealed in it, or the other side must be told so first; what was said is kept',
  ],
  CALL_UNREADABLE: [EXIT.impossible, 'the file of the call is damaged or gone'],
  NO_SUCH_AGENT: [EXIT.impossible, 'nobody on line and no contact has that name'],
  AGENT_AMBIGUOUS: [EXIT.impossible, 'more than one agent has that name, or may have; they are named'],
  NIP05_FAILED: [EXIT.impossible, 'the name@domain could not be looked up'],
  NO_ESCALATION: [EXIT.impossible, 'nothing that the owner was asked has that id, or nothing is open'],
  SEVERAL_ESCALATIONS: [EXIT.impossible, 'the owner was asked several things; they are named'],
  NO_OWNER_CHANNEL: [
    EXIT.impossible,
    'no channel to the owner is configured, so the owner was not told; the question stays open',
  ],
  DOCTOR: [EXIT.impossible, 'something needs mending'],
  REJECTED: [EXIT.rejected, 'the other side rejected the call'],
} as const satisfies Record<string, readonly [Exit, string]>

export type Code = keyof typeof CODES

/**
 * `code`: a fixed word in capitals, one for each cause; `hint`: what to type or do next, "" for nothing; `theirs`: what a server or a
 * program has said about it, which is shown in quotes behind the message.
 */
export class Failure extends Error {
  readonly code: Code
  readonly exit: Exit
  readonly hint: string
  readonly theirs: Foreign | undefined

  constructor(code: Code, message: string, hint = '', theirs?: Foreign) {
    super(message)
    this.name = 'Failure'
    this.code = code
    this.exit = CODES[code][0]
    this.hint = hint
    this.theirs = theirs
  }
}
