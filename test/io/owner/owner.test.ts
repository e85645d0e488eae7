// Which channels there are, the owner's own program, and the log.
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openOwner } from '../../../src/io/owner/channels.ts'
import { SAMPLE_NOTICE, writeProgram } from '../../support/owner-stand-ins.ts'
import { newFolder, newHome } from '../../support/temporary-home.ts'

const NO_CHANNELS = {
  npub: undefined,
  webhook: undefined,
  command: [],
  openclaw: { channel: undefined, target: undefined, account: undefined },
}

describe('channels', () => {
  test('none is there by itself', () => {
    expect(openOwner(newHome(), NO_CHANNELS, {}).channels).toEqual([])
  })

  test('each by its setting', () => {
    const all = {
      ...NO_CHANNELS,
      webhook: 'https://x.example',
      command: ['x'],
      openclaw: { ...NO_CHANNELS.openclaw, target: '1' },
    }
    expect(openOwner(newHome(), all, {}).channels).toEqual(['openclaw', 'webhook', 'command'])
  })

  test('a half-set one fails and says why', async () => {
    const owner = openOwner(newHome(), { ...NO_CHANNELS, openclaw: { ...NO_CHANNELS.openclaw, channel: 'slack' } }, {})
    expect(owner.channels).toEqual(['openclaw'])
    expect(await owner.tell('openclaw', SAMPLE_NOTICE, 1_000)).toEqual({ error: 'owner.openclaw.target is not set' })
  })
})

describe('command', () => {
  const reply = (words: string[], notice = SAMPLE_NOTICE, ms = 20_000) =>
    openOwner(newHome(), { ...NO_CHANNELS, command: words }, { PATH: process.env.PATH, P2P_SECRET_KEY: 's' }).tell(
      'command',
      notice,
      ms,
    )
  const tell = async (...told: Parameters<typeof reply>) => (await reply(...told)).error

  test('may answer by what it prints, if it ends well', async () => {
    const answer = `console.log('{"answer": "Yes"}')`
    expect(await reply([process.execPath, '-e', answer])).toEqual({ answer: 'Yes' })
    expect((await reply([process.execPath, '-e', `${answer}; process.exit(3)`])).answer).toBeUndefined()
    expect(await reply([process.execPath, '-e', `${answer}; console.log('done')`])).toEqual({})
  })

  test('gets the facts and the words on stdin, and none of them in its arguments or its environment', async () => {
    const { path, folder } = writeProgram(
      'note',
      `const { writeFileSync, readFileSync } = require('node:fs')
       const { P2P_SECRET_KEY = 'none' } = process.env
       writeFileSync(__dirname + '/given.json', JSON.stringify({ argv: process.argv.slice(2), stdin: readFileSync(0, 'utf8'), P2P_SECRET_KEY }))`,
    )
    const facts = { id: '1', text: '$(touch x) "; rm -rf /' }
    expect(await tell([path, 'one', '$HOME'], { ...SAMPLE_NOTICE, facts })).toBeUndefined()
    const { argv, stdin, P2P_SECRET_KEY } = JSON.parse(readFileSync(join(folder, 'given.json'), 'utf8'))
    expect({ argv, P2P_SECRET_KEY }).toEqual({ argv: ['one', '$HOME'], P2P_SECRET_KEY: 'none' })
    expect(JSON.parse(stdin)).toEqual({ ...facts, message: SAMPLE_NOTICE.text })
  })

  test('one that does not read its stdin has done its job', async () => {
    const long = { ...SAMPLE_NOTICE, facts: { text: 'x'.repeat(1_000_000) } }
    expect(await tell([process.execPath, '-e', ''], long)).toBeUndefined()
  })

  test('one that fails is named with its last word', async () => {
    const script = 'console.error("one\\ntwo"); process.exit(3)'
    expect(await tell([process.execPath, '-e', script])).toBe('ended with 3 (two)')
  })

  test('one that hangs is stopped', async () => {
    expect(await tell([process.execPath, '-e', 'setTimeout(() => {}, 60000)'], SAMPLE_NOTICE, 400)).toMatch(
      /^gave no answer within 0\.4 s/,
    )
  })

  test('one that is not there, or may not be run', async () => {
    expect(await tell(['/nonexistent/program'])).toBe('there is no such program')
    const file = join(newFolder(), 'plain')
    writeFileSync(file, '')
    expect(await tell([file])).toBe('the program may not be run')
  })
})

describe('log', () => {
  const linesOf = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n')

  test('a line each, readable by its owner alone', () => {
    const home = newHome()
    const owner = openOwner(home, NO_CHANNELS, {})
    expect(owner.log({ id: 1, text: 'two\nlines' })).toBeUndefined()
    expect(owner.log({ id: 2 })).toBeUndefined()
    expect(linesOf(home.escalations).map((line) => JSON.parse(line).id)).toEqual([1, 2])
    expect(statSync(home.escalations).mode & 0o777).toBe(0o600)
    expect(statSync(home.dir).mode & 0o777).toBe(0o700)
  })

  test('a line that was cut off spoils no other', () => {
    const home = newHome()
    const owner = openOwner(home, NO_CHANNELS, {})
    owner.log({ id: 1 })
    appendFileSync(home.escalations, '{"id":2,"te')
    owner.log({ id: 3 })
    expect(linesOf(home.escalations)).toEqual(['{"id":1}', '{"id":2,"te', '{"id":3}'])
  })

  test('a log that cannot be written is told, and breaks nothing', () => {
    const home = newHome()
    mkdirSync(home.escalations, { recursive: true })
    expect(openOwner(home, NO_CHANNELS, {}).log({ id: 1 })).toMatch(/escalations\.jsonl: a folder is in its place/)
    expect(existsSync(home.escalations)).toBe(true)
  })
})
