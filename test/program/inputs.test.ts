// What editors, env files, Windows' shells and other locales make of files, variables and arguments: the real program reads what
// was meant, or says by name what it does not take.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { agentEnv, PROGRAM, type ProcessResult, startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { fromHex } from '../../src/nostr/crypto.ts'
import { nsecEncode } from '../../src/nostr/nip19.ts'
import { startRun } from '../support/runs.ts'
import { startCall, withPair } from '../support/two-programs.ts'

const SECRET = '67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa'
const NPUB = 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg'
const NSEC = nsecEncode(fromHex(SECRET) ?? new Uint8Array())
const BOM = '\ufeff'
const utf16 = (text: string) => Buffer.from(`${BOM}${text}`, 'utf16le')

type Setting = { env?: Record<string, string>; stdin?: string; cwd?: string }

/** A command in a home below `folder`, given to a shell, so that its arguments may be any bytes. */
async function shell(folder: string, line: string, { env = {}, cwd = folder }: Setting = {}): Promise<ProcessResult> {
  const all = { ...agentEnv(folder, ['ws://127.0.0.1:1']), P2P: PROGRAM, NODE: process.execPath, ...env }
  return await startProcess('bash', ['-c', line], { cwd, env: all }).ended
}

/** A command in this process, for what no shell and no working directory has to do with. */
function run(folder: string, words: string, env: Record<string, string> = {}): Promise<ProcessResult> {
  const all = { ...agentEnv(folder, ['ws://127.0.0.1:1']), ...env }
  return startRun(words.trim().split(' '), { env: all }).ended
}

const p2p = (words: string) => `"$NODE" "$P2P" ${words}`

function write(folder: string, name: string, content: string | Buffer): void {
  mkdirSync(join(folder, '.openclaw', 'p2p'), { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, '.openclaw', name), content, { mode: 0o600 })
}

describe('files', () => {
  test.each<[string, string | Buffer]>([
    ['a byte order mark', `${BOM}{"name": "Jos\u00e9"}`],
    ['UTF-16', utf16('{"name": "Jos\u00e9"}')],
    ['Windows line ends', '{\r\n"name": "Jos\u00e9"\r\n}\r\n'],
  ])('config.json with %s is read', async (_, content) => {
    await withTemporaryFolder(async (folder) => {
      write(folder, 'p2p/config.json', content)
      const { code, stdout } = await run(folder, 'config get name')
      expect([code, stdout]).toEqual([0, 'name = "Jos\u00e9"\n'])
    })
  })

  test('config.json in Latin-1 is refused by name, and left as it is', async () => {
    await withTemporaryFolder(async (folder) => {
      write(folder, 'p2p/config.json', Buffer.from('{"name": "Jos\u00e9"}', 'latin1'))
      const { code, stdout } = await run(folder, 'whoami --json')
      expect([code, JSON.parse(stdout).error.code]).toEqual([2, 'CONFIG_DAMAGED'])
      expect(JSON.parse(stdout).error.message).toMatch(/config\.json .*UTF-8/)
    })
  })

  test.each<[string, (json: string) => string | Buffer]>([
    ['a byte order mark', (json) => `${BOM}${json}`],
    ['UTF-16', utf16],
  ])('an identity with %s is read', async (_, spoil) => {
    await withTemporaryFolder(async (folder) => {
      write(folder, 'p2p-identity.json', spoil(JSON.stringify({ version: 1, secretKey: SECRET })))
      expect((await run(folder, 'whoami')).stdout).toContain(NPUB)
    })
  })

  test.each<[string, string | Buffer]>([
    ['a byte order mark', `${BOM}${NSEC}\r\n`],
    ['quotes', `"${NSEC}"\n`],
    ['UTF-16', utf16(`${NSEC}\r\n`)],
  ])('an nsec with %s is imported', async (_, content) => {
    await withTemporaryFolder(async (folder) => {
      writeFileSync(join(folder, 'key'), content)
      const { code, stdout } = await shell(folder, p2p('whoami --import - < key'))
      expect([code, stdout]).toEqual([0, expect.stringContaining(NPUB)])
    })
  })

  test.each<[string, string]>([
    ["$'caf\\xe9'", 'TEXT_NOT_UTF8'],
    ['', 'TEXT_EMPTY'],
    ["$'\\xef\\xbb\\xbf'", 'TEXT_EMPTY'],
  ])('a text on stdin: %s', async (text, code) => {
    await withTemporaryFolder(async (folder) => {
      const ran = await shell(folder, `printf %s ${text} | ${p2p('send - --json')}`)
      expect([ran.code, JSON.parse(ran.stdout).error.code]).toEqual([2, code])
    })
  })

  test('a folder on stdin is no fault of ours', async () => {
    await withTemporaryFolder(async (folder) => {
      const ran = await shell(folder, p2p('send - --json < /'))
      expect([ran.code, JSON.parse(ran.stdout).error.code]).toEqual([2, 'TEXT_EMPTY'])
    })
  })
})

describe('variables', () => {
  test.each(['"$P2P_SECRET_KEY"', "'$P2P_SECRET_KEY'", '$P2P_SECRET_KEY\r', `${BOM}$P2P_SECRET_KEY`])(
    'P2P_SECRET_KEY as %j is the key',
    async (shape) => {
      await withTemporaryFolder(async (folder) => {
        const env = { P2P_SECRET_KEY: shape.replace('$P2P_SECRET_KEY', () => NSEC) }
        expect((await run(folder, 'whoami', env)).stdout).toContain(NPUB)
      })
    },
  )

  test('P2P_RELAYS in quotes, and a carriage return behind it', async () => {
    await withTemporaryFolder(async (folder) => {
      const env = { P2P_RELAYS: '"ws://127.0.0.1:1,ws://127.0.0.1:2"\r' }
      const { stdout } = await run(folder, 'whoami --json', env)
      expect(JSON.parse(stdout).agent.relays.inbox).toEqual(['ws://127.0.0.1:1', 'ws://127.0.0.1:2'])
    })
  })

  test.each<[string, Record<string, string>, string]>([
    ['P2P_HOME', { P2P_HOME: '"$FOLDER/agent"' }, 'quotes'],
    ['P2P_HOME', { P2P_HOME: "'$FOLDER/agent'" }, 'quotes'],
    ['P2P_HOME', { P2P_HOME: '$FOLDER/agent\r' }, 'carriage return'],
    ['P2P_HOME', { P2P_HOME: '$FOLDER/agent ' }, 'space'],
    ['P2P_HOME', { P2P_HOME: '$' + 'HOME/agent' }, 'variable'],
    ['OPENCLAW_STATE_DIR', { OPENCLAW_STATE_DIR: '$FOLDER/agent\r' }, 'carriage return'],
    ['HOME', { HOME: '"$FOLDER"' }, 'quotes'],
  ])('%s as %j is refused by name, and makes nothing', async (name, env, why) => {
    await withTemporaryFolder(async (folder) => {
      const cwd = join(folder, 'cwd')
      mkdirSync(cwd)
      const real = Object.fromEntries(
        Object.entries(env).map(([key, value]) => [key, value.replace('$FOLDER', folder)]),
      )
      for (const command of ['whoami', 'status', 'doctor', 'completion bash -- p2p call ']) {
        const line = `${command} --json`
        // A folder by such a name would lie where it was started.
        const { code, stdout, stderr } =
          command === 'whoami' ? await shell(folder, p2p(line), { env: real, cwd }) : await run(folder, line, real)
        if (command.startsWith('completion')) continue
        const { error } = JSON.parse(stdout)
        expect([code, error.code, stderr]).toEqual([2, 'BAD_HOME', ''])
        expect(error.message).toMatch(new RegExp(`^${name} .*${why}`))
      }
      expect(readdirSync(cwd)).toEqual([])
      expect(readdirSync(folder)).toEqual(['cwd'])
    })
  })

  test('no HOME at all: the folder that the system knows, or a plain word', async () => {
    await withTemporaryFolder(async (folder) => {
      const line = `unset HOME; ${p2p('completion --json zsh > /dev/null')} && ${p2p('whoami --json --home "$PWD/agent"')}`
      expect((await shell(folder, line)).code).toBe(0)
    })
  })
})

describe('arguments', () => {
  test.each<[string, string]>([
    [`send $'caf\\xe9' --json`, 'argument 2 '],
    [`call $'caf\\xe9' topic --json`, 'argument 2 '],
    [`config set name $'caf\\xe9' --json`, 'argument 4 '],
    [`sendfile $'caf\\xe9.txt' --json`, 'argument 2 '],
    [`$'caf\\xe9' --json`, 'argument 1 '],
  ])('Latin-1 in %s is refused', async (words, named) => {
    await withTemporaryFolder(async (folder) => {
      const { code, stdout, stderr } = await shell(folder, p2p(words))
      expect([code, stderr]).toEqual([2, ''])
      const { error } = JSON.parse(stdout)
      expect(error.code).toBe('TEXT_NOT_UTF8')
      expect(error.message).toContain(named)
      expect(readdirSync(folder)).toEqual([])
    })
  })

  test('a script with Windows line ends runs', async () => {
    await withTemporaryFolder(async (folder) => {
      writeFileSync(
        join(folder, 'script'),
        `${p2p('config set name Ada')}\r\n${p2p('config get name')} \r\n${p2p('whoami --json')}\r\n`,
      )
      const { code, stdout } = await shell(folder, 'bash script')
      expect([code, stdout.split('\n').slice(0, 2)]).toEqual([0, ['name = "Ada"', 'name = "Ada"']])
      expect(JSON.parse(stdout.split('\n').slice(2).join('\n')).agent.name).toBe('Ada')
    })
  })

  test('--home with a carriage return is no other folder', async () => {
    await withTemporaryFolder(async (folder) => {
      const { code, stderr } = await shell(folder, p2p(`whoami --home "$PWD/agent"$'\\r'`))
      expect([code, stderr]).toEqual([2, expect.stringContaining('--home ends with a carriage return')])
      expect(readdirSync(folder)).toEqual([])
    })
  })

  test.each<[string, string]>([
    ['Jos\u00e9', 'Jose\u0301'],
    ['Jose\u0301', 'jos\u00e9'],
  ])('%j is found as %j, among contacts and among those on line', async (named, typed) => {
    await withPair({}, async ({ ada, ben }) => {
      await ben.json(['config', 'set', 'name', named])
      await ben.json(['announce'])
      await ada.json(['call', typed, 'by the name on line'])
      await ben.json(['answer', 'accept'])
      const call = await ada.json(['status'])
      const { npub } = (await ben.json(['whoami'])).agent as { npub: string }
      await ada.json(['contacts', 'add', npub, named])
      await ada.json(['send', 'hello', '--call', typed])
      await ada.json(['contacts', 'trust', typed])
      expect((await ada.json(['transcript', '--with', typed])).calls).toHaveLength(1)
      const twice = await ada.run(['contacts', 'add', 'ab'.repeat(32), typed, '--json'])
      expect(call.calls).toHaveLength(1)
      expect(JSON.parse(twice.stdout).error.code).toMatch(/PETNAME_TAKEN|BAD_AGENT/)
    })
  })

  test('of a table that is too long for one message, as much goes as is told', async () => {
    await withPair({}, async (pair) => {
      const { ada } = pair
      await startCall(pair)
      const table = '"Zürich","12,50","a ""quoted"" field"\r\n'.repeat(1_000)
      const { stdout } = await ada.run(['send', '-', '--json'], 0, table)
      const { error } = JSON.parse(stdout)
      const limit = Number(/at most (\d+) bytes/.exec(error.hint)?.[1])
      expect([Buffer.byteLength(table) > 19_000, error.code, limit > 10_000]).toEqual([true, 'TEXT_TOO_LONG', true])
      expect(error.hint).toContain('sendfile')
      const part = Buffer.from(table)
        .subarray(0, limit)
        .toString('utf8')
        .replace(/\ufffd+$/, '')
      expect((await ada.run(['send', '-'], 0, part)).code).toBe(0)
    })
  })

  test('owner.npub takes what apps copy', async () => {
    await withTemporaryFolder(async (folder) => {
      for (const typed of [`nostr:${NPUB}`, NPUB.toUpperCase(), NPUB]) {
        const { code, stdout } = await run(folder, `config set owner.npub ${typed}`)
        expect([code, stdout]).toEqual([0, `owner.npub = "${NPUB}"\n`])
      }
    })
  })
})
