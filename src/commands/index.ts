// Every verb, in the order of --help.
import { announce } from './announce.ts'
import { answer } from './answer.ts'
import { call } from './call.ts'
import type { Command, Verb } from './command.ts'
import { completion } from './completion.ts'
import { config } from './config.ts'
import { contacts } from './contacts.ts'
import { doctor } from './doctor.ts'
import { end } from './end.ts'
import { escalate } from './escalate.ts'
import { inbox } from './inbox.ts'
import { list } from './list.ts'
import { send } from './send.ts'
import { sendfile } from './sendfile.ts'
import { status } from './status.ts'
import { transcript } from './transcript.ts'
import { wait } from './wait.ts'
import { whoami } from './whoami.ts'

export const commands: Readonly<Record<string, Command>> = {
  status,
  list,
  call,
  answer,
  send,
  sendfile,
  escalate,
  end,
  inbox,
  wait,
  announce,
  transcript,
  contacts,
  config,
  whoami,
}

/** And those that need no run. */
export const verbs: Readonly<Record<string, Verb>> = { ...commands, doctor, completion }
