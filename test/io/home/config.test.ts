// Settings and contacts: every kind of value, damage, keys that are none, and files that people edit.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { getSetting, listSettings, readConfig, setSetting, unsetSetting } from '../../../src/io/home/config.ts'
import { editContacts, readContacts } from '../../../src/io/home/contacts.ts'
import type { Home } from '../../../src/io/home/paths.ts'
import { homeOf } from '../../../src/io/home/paths.ts'
import { SETTING_KEYS } from '../../../src/io/home/settings.ts'
import { newDisk, newHome, remountReadOnly } from '../../support/temporary-home.ts'

const writing = { command: 'test' }
const NPUB = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg'
const PUBKEY = '7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e'

describe('without a file', () => {
  it('all is preset, and nothing is written', () => {
    const home = newHome()
    expect(readConfig(home)).toMatchInlineSnapshot(`
      {
        "about": "",
        "call": {
          "maxMessages": 500,
          "ring": 900,
        },
        "capabilities": [],
        "contacts": [],
        "file": {
          "allowPrivate": false,
          "fetchMax": 268435456,
          "inlineMax": 262144,
          "server": undefined,
        },
        "hook": {
          "command": [],
          "unknown": false,
        },
        "name": "",
        "nip05": undefined,
        "owner": {
          "command": [],
          "npub": undefined,
          "openclaw": {
            "account": undefined,
            "channel": undefined,
            "target": undefined,
          },
          "webhook": undefined,
        },
        "policy": {
          "autoAnswer": "nobody",
          "calls": "anyone",
          "pow": 0,
          "presencePow": 0,
          "silent": false,
        },
        "presence": {
          "every": 2,
          "pow": 0,
        },
        "receipts": {
          "read": true,
        },
        "relays": {
          "allowPrivate": false,
          "inbox": [
            "wss://nos.lol",
            "wss://relay.primal.net",
            "wss://relay.ditto.pub",
          ],
          "lookup": [
            "wss://purplepag.es",
          ],
          "presence": [
            "wss://nos.lol",
            "wss://relay.primal.net",
            "wss://relay.ditto.pub",
          ],
        },
        "transcript": {
          "keep": 0,
        },
      }
    `)
    expect(existsSync(home.dir)).toBe(false)
  })

  it('every setting has a preset that it accepts itself, and a description', () => {
    for (const setting of listSettings(readConfig(newHome()))) {
      expect(setting.value).toEqual(setting.default)
      expect(setting.describe).toMatch(/^[a-z]/)
      expect(setting.expects).not.toBe('')
    }
    expect(SETTING_KEYS).toHaveLength(31)
  })
})

describe('setting a key', () => {
  it.each<[string, string[], unknown]>([
    ['name', ['Ada', 'of', 'Byron'], 'Ada of Byron'],
    ['about', [''], ''],
    ['capabilities', ['a, b,,a'], ['a', 'b']],
    ['capabilities', ['["x y","z"]'], ['x y', 'z']],
    ['capabilities', [''], []],
    [
      'relays.inbox',
      ['WSS://Relay.Example:443/', 'ws://127.0.0.1:7777'],
      ['wss://relay.example', 'ws://127.0.0.1:7777'],
    ],
    ['relays.allowPrivate', ['yes'], true],
    ['owner.npub', [NPUB], NPUB],
    ['owner.webhook', ['http://localhost:1/x?y'], 'http://localhost:1/x?y'],
    ['owner.command', ['["sh","-c","a b"]'], ['sh', '-c', 'a b']],
    ['owner.command', ['notify', '-t', '-t'], ['notify', '-t', '-t']],
    ['hook.command', ['/bin/run me'], ['/bin/run me']],
    ['owner.openclaw.target', ['+15550100'], '+15550100'],
    ['policy.calls', ['contacts'], 'contacts'],
    ['policy.pow', ['32'], 32],
    ['call.ring', ['10'], 10],
    ['file.inlineMax', ['0'], 0],
    ['file.server', ['https://blossom.example'], 'https://blossom.example'],
    ['file.server', ['http://127.0.0.1:3000'], 'http://127.0.0.1:3000'],
    ['file.fetchMax', ['0'], 0],
  ])('%s to %j is %j', async (key, values, value) => {
    const home = newHome()
    await setSetting(home, key, values, writing)
    expect(getSetting(readConfig(home), key)).toEqual(value)
    await unsetSetting(home, key, writing)
    expect(readConfig(home)).toEqual(readConfig(newHome()))
  })

  it.each<[string, string[]]>([
    ['name', ['x'.repeat(65)]],
    ['name', ['a\x1b[31m']],
    ['about', ['x'.repeat(281)]],
    ['capabilities', ['x'.repeat(33)]],
    ['capabilities', ['["a",1]']],
    ['capabilities', ['["a"']],
    ['capabilities', [Array.from({ length: 21 }, (_, n) => n).join()]],
    ['relays.presence', ['https://relay.example']],
    ['relays.presence', ['']],
    ['relays.lookup', ['wss://user:pass@relay.example']],
    ['relays.allowPrivate', ['maybe']],
    ['owner.npub', [PUBKEY]],
    ['owner.webhook', ['javascript:alert(1)']],
    ['owner.webhook', ['file:///etc/passwd']],
    ['owner.webhook', ['http://hooks.example/x']],
    ['owner.webhook', ['http://localhost.example/x']],
    ['owner.command', ['["",""]']],
    ['owner.command', ['[1]']],
    ['owner.openclaw.target', ['--help']],
    ['policy.calls', ['toString']],
    ['policy.autoAnswer', ['anyone']],
    ['policy.pow', ['33']],
    ['policy.pow', ['1e1']],
    ['policy.pow', ['']],
    ['call.ring', ['9']],
    ['call.ring', ['-1']],
    ['file.server', ['http://blossom.example']],
  ])('%s refuses %j, says what it takes, and writes nothing', async (key, values) => {
    const home = newHome()
    await expect(setSetting(home, key, values, writing)).rejects.toMatchObject({
      code: 'CONFIG_VALUE',
      exit: 2,
      hint: expect.stringContaining(`${key} takes `),
    })
    expect(existsSync(home.config)).toBe(false)
  })

  it.each([
    ['relay.inbox', /did you mean relays.inbox/],
    ['relays', /relays.presence or relays.inbox or relays.lookup/],
    ['silent', /policy.silent/],
    ['Name', /did you mean name/],
    ['__proto__', /all keys/],
    ['__proto__.polluted', /all keys/],
    ['constructor.prototype.x', /all keys/],
    ['toString', /all keys/],
    ['contacts', /all keys/],
    ['version', /all keys/],
    ['', /all keys/],
  ])('%j is no key', async (key, hint) => {
    const home = newHome()
    const refused = { code: 'CONFIG_KEY', exit: 2, hint: expect.stringMatching(hint) }
    await expect(setSetting(home, key, ['1'], writing)).rejects.toMatchObject(refused)
    await expect(unsetSetting(home, key, writing)).rejects.toMatchObject(refused)
    expect(() => getSetting(readConfig(home), key)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }))
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    expect(existsSync(home.config)).toBe(false)
  })

  it('keeps keys that it does not know, and writes for people', async () => {
    const home = homeWith('{"version":1,"future":{"a":[1]},"relays":{"x":1},"__proto__":{"polluted":1}}')
    await setSetting(home, 'relays.allowPrivate', ['true'], writing)
    expect(readFileSync(home.config, 'utf8')).toMatchInlineSnapshot(`
      "{
        "version": 1,
        "future": {
          "a": [
            1
          ]
        },
        "relays": {
          "x": 1,
          "allowPrivate": true
        },
        "__proto__": {
          "polluted": 1
        }
      }
      "
    `)
    expect(statSync(home.config).mode & 0o777).toBe(0o600)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('loses none of many changes at once', async () => {
    const home = newHome()
    const numbers = Array.from({ length: 12 }, (_, n) => n)
    const add = (n: number) =>
      editContacts(home, (all) => [...all, { pubkey: PUBKEY, petname: `p${n}`, trust: 'known' }], writing)
    await Promise.all([
      ...numbers.map(add),
      setSetting(home, 'name', ['Ada'], writing),
      setSetting(home, 'policy.pow', ['7'], writing),
    ])
    expect(
      readContacts(home)
        .map((contact) => contact.petname)
        .sort(),
    ).toEqual(numbers.map((n) => `p${n}`).sort())
    expect(readConfig(home)).toMatchObject({ name: 'Ada', policy: { pow: 7 } })
  })
})

describe('a damaged file is refused and left as it is', () => {
  it.each([
    ['{"version":1,\n  "name": "Ada",\n}', /is no JSON at line 3, column 1$/],
    ['{"version":1,\n  "name": }', /is no JSON( at line 2, column 11)?$/],
    ['{"name":"Ada"', /line 1, column 14/],
    ['', /line 1, column 1/],
    ['[]', /no JSON object/],
    ['{"name":7}', /name is not text/],
    ['{"relays":{"inbox":"wss://nos.lol"}}', /relays.inbox is not/],
    ['{"policy":{"calls":"everybody"}}', /policy.calls is not anyone, contacts, nobody/],
    ['{"contacts":{}}', /contacts is no list/],
    [
      `{"contacts":[{"pubkey":"${PUBKEY}","petname":"a","trust":"known"},{"pubkey":"x","petname":"b","trust":"blocked"}]}`,
      /contact 2/,
    ],
    [`{"contacts":[{"pubkey":"${PUBKEY}","petname":"a","trust":"friend"}]}`, /contact 1/],
  ])('%j', (text, message) => {
    const home = homeWith(text)
    expect(() => readConfig(home)).toThrow(
      expect.objectContaining({ code: 'CONFIG_DAMAGED', exit: 2, message: expect.stringMatching(message) }),
    )
    expect(readFileSync(home.config, 'utf8')).toBe(text)
  })

  it('is not written over either', async () => {
    const text = '{"owner":{"webhook":"https://hooks.example/s3cret",}}'
    const home = homeWith(text)
    const refused = setSetting(home, 'name', ['Ada'], writing)
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_DAMAGED' })
    await expect(refused).rejects.not.toThrow('s3cret')
    await expect(editContacts(home, () => [], writing)).rejects.toMatchObject({ code: 'CONFIG_DAMAGED' })
    expect(readFileSync(home.config, 'utf8')).toBe(text)
  })

  it('but one bad value can be set right by its key', async () => {
    const home = homeWith('{"policy":{"calls":"everybody","pow":3}}')
    expect(() => readConfig(home)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('p2p config unset policy.calls') }),
    )
    await unsetSetting(home, 'policy.calls', writing)
    expect(readConfig(home).policy).toMatchObject({ calls: 'anyone', pow: 3 })
  })

  it('and what stands in the way of a key is not thrown away', async () => {
    const home = homeWith('{"policy":"strict"}')
    await expect(setSetting(home, 'policy.pow', ['1'], writing)).rejects.toMatchObject({ code: 'CONFIG_DAMAGED' })
    expect(readFileSync(home.config, 'utf8')).toBe('{"policy":"strict"}')
  })

  it('and so is one of a newer version', async () => {
    const home = homeWith('{"version":2}')
    expect(() => readConfig(home)).toThrow(expect.objectContaining({ code: 'STATE_NEWER', exit: 4 }))
    await expect(setSetting(home, 'name', ['Ada'], writing)).rejects.toMatchObject({ code: 'STATE_NEWER' })
    expect(readFileSync(home.config, 'utf8')).toBe('{"version":2}')
  })
})

describe('disks', () => {
  it('that are full or read-only keep the old settings', async (test) => {
    const disk = newDisk(32)
    if ('no' in disk) return test.skip(disk.no)
    const home = homeOf(disk.folder, {})
    await setSetting(home, 'name', ['Ada'], writing)
    writeFileSync(`${disk.folder}/filler`, 'x'.repeat(12_000))
    const relays = Array.from(
      { length: 20 },
      (_, n) => `wss://${'r'.repeat(60)}.${'s'.repeat(60)}.${'t'.repeat(60)}.example/${n}`,
    )
    const many = Array.from({ length: 200 }, (_, n) => ({ pubkey: PUBKEY, petname: `p${n}`, trust: 'known' as const }))
    expect(await codeOf(editContacts(home, () => many, writing))).toBe('DISK_FULL')
    remountReadOnly(disk.folder)
    await expect(setSetting(home, 'relays.inbox', relays, writing)).rejects.toMatchObject({ code: 'HOME_UNWRITABLE' })
    expect(readConfig(home).name).toBe('Ada')
    expect(readContacts(home)).toEqual([])
  })
})

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error) => error.code,
  )
}

function homeWith(text: string): Home {
  const home = newHome()
  mkdirSync(home.dir)
  writeFileSync(home.config, text)
  return home
}
