// Which folder is meant.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { type Env, homeOf } from '../../../src/io/home/paths.ts'

it.each<[string | undefined, Env, string]>([
  ['/a', { P2P_HOME: '/b', OPENCLAW_STATE_DIR: '/c', HOME: '/d' }, '/a'],
  [undefined, { P2P_HOME: '/b', OPENCLAW_STATE_DIR: '/c', HOME: '/d' }, '/b'],
  [undefined, { OPENCLAW_STATE_DIR: '/c', HOME: '/d' }, '/c'],
  [undefined, { HOME: '/d' }, '/d/.openclaw'],
  [undefined, {}, join(homedir(), '.openclaw')],
  ['', { P2P_HOME: '', OPENCLAW_STATE_DIR: '/c' }, '/c'],
  ['rel', {}, resolve('rel')],
  [undefined, { P2P_HOME: '~/x', HOME: '/d' }, '/d/x'],
  ['~', { HOME: '/d' }, '/d'],
  ['~x', {}, resolve('~x')],
])('--home %j with %j is %s', (option, env, root) => {
  expect(homeOf(option, env).root).toBe(root)
})

it('has everything but the identity in p2p/', () => {
  expect(homeOf('/h', {})).toEqual({
    root: '/h',
    identity: '/h/p2p-identity.json',
    used: '/h/p2p-identity.used',
    dir: '/h/p2p',
    config: '/h/p2p/config.json',
    state: '/h/p2p/state.json',
    calls: '/h/p2p/calls',
    letters: '/h/p2p/letters',
    files: '/h/p2p/files',
    transcripts: '/h/p2p/transcripts',
    escalations: '/h/p2p/escalations.jsonl',
  })
})
