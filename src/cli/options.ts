// The options that every command takes beside its own.
import type { Options } from 'yargs'
import type { Verb } from '../commands/command.ts'

export const GLOBAL_OPTIONS: Readonly<Record<string, Options>> = {
  json: { type: 'boolean', describe: 'one JSON document on stdout' },
  home: { type: 'string', describe: 'where identity and state lie (P2P_HOME, OPENCLAW_STATE_DIR, ~/.openclaw)' },
  relay: {
    type: 'string',
    array: true,
    describe: 'use this relay instead of the configured ones; repeatable (P2P_RELAYS)',
  },
  timeout: { type: 'string', describe: 'seconds that the network has to answer (8)' },
  call: { type: 'string', describe: 'which call: 8 characters of its id, or its peer' },
  quiet: { type: 'boolean', describe: 'print only what is new or wrong' },
  verbose: { type: 'boolean', describe: 'tell every step of the network on stderr' },
}

/** The same options in a few words, which come after a command's own in its help. */
export const COMMON_OPTIONS_HELP =
  'Every command: --json, --home DIR, --relay URL (repeatable), --timeout S (8), --call ID (8 characters of its id, or its ' +
  'peer), --quiet, --verbose, --version, --help'

export const VERSION = '0.1.0'

export type Verbs = Readonly<Record<string, Verb>>
