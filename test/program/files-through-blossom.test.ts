// Files that are too large for relays: through a Blossom server, sent and received by the real program.
import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agentEnv, PROGRAM, startProcess } from '../../scripts/processes.ts'
import { type BlossomServer, startBlossom } from '../support/blossom-server.ts'
import { NO_PRELOAD, peakMemory } from '../support/preloads.ts'
import { type AgentPair, type AgentProgram, startCall, withPair } from '../support/two-programs.ts'

let server: BlossomServer
beforeEach(async () => {
  server = await startBlossom()
})
afterEach(() => server.close())

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const filesOf = (agent: AgentProgram) => join(agent.home, '.openclaw', 'p2p', 'files')

/** The names of received files. */
function receivedFiles(agent: AgentProgram): string[] {
  if (!existsSync(filesOf(agent))) return []
  return readdirSync(filesOf(agent), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^[0-9a-f]{8}\//.test(name),
  )
}

function newFile(folder: string, size = 400_000, name = 'data.bin'): { path: string; bytes: Buffer } {
  const bytes = randomBytes(size)
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return { path, bytes }
}

async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Milliseconds by which everybody's clock is ahead. */
let ahead = 0

/** Two agents in a call, ada with the server and ben willing to ask this machine. */
async function withServer(body: (pair: AgentPair & { call: string }) => Promise<void>): Promise<void> {
  ahead = 0
  await withPair({ now: () => Math.floor((Date.now() + ahead) / 1000) }, async (pair) => {
    await pair.ada.json(['config', 'set', 'file.server', server.url])
    await pair.ben.json(['config', 'set', 'file.allowPrivate', 'true'])
    await body({ ...pair, call: await startCall(pair) })
  })
}

/** Runs a command with a preload that tells its peak memory in MiB. */
async function runMeasuringMemory(agent: AgentProgram, relay: string, cwd: string, args: string[]) {
  const env = agentEnv(agent.home, [relay])
  const ran = await startProcess(process.execPath, [...peakMemory.flags, PROGRAM, ...args, '--json'], { cwd, env })
    .ended
  const { stdout, stderr, code } = ran
  expect([code, stderr]).toEqual([0, expect.stringMatching(/peak RSS \d+/)])
  return { json: JSON.parse(stdout), stderr, mib: Number(/peak RSS (\d+)/.exec(stderr)?.[1]) }
}

it('brings a file that does not sit in memory, on either side', async () => {
  const megabytes = Number(process.env.P2P_FILE_MB ?? 64)
  await withServer(async ({ relay, ada, ben, folder, call }) => {
    const path = join(folder, 'large.bin')
    const file = openSync(path, 'w')
    for (let n = 0; n < 8; n++) writeSync(file, randomBytes(65_536), 0, 65_536, n * 1_000_003)
    truncateSync(path, megabytes * 1024 * 1024)
    const base = await runMeasuringMemory(ada, relay.url, folder, ['status'])
    const sent = await runMeasuringMemory(ada, relay.url, folder, ['sendfile', path])
    expect(sent.json.file).toMatchObject({
      name: 'large.bin',
      size: megabytes * 1024 * 1024,
      chunks: 1,
      state: 'relayed',
    })
    const got = await runMeasuringMemory(ben, relay.url, folder, ['inbox'])
    console.log(`${megabytes} MB: peak RSS of status ${base.mib} MiB, sendfile ${sent.mib} MiB, inbox ${got.mib} MiB`)
    const saved = join(filesOf(ben), call.slice(0, 8), 'large.bin')
    const { sha256: x } = sent.json.file
    expect(got.json.new).toMatchObject([{ type: 'file', path: saved, size: megabytes * 1024 * 1024, sha256: x }])
    const hash = createHash('sha256')
    const buffer = readFileSync(saved)
    expect(hash.update(buffer).digest('hex')).toBe(x)
    expect(buffer.equals(readFileSync(path))).toBe(true)
    expect(statSync(saved).mode & 0o777).toBe(0o600)
    for (const { mib } of [sent, got]) {
      expect(mib).toBeLessThan(200)
      expect(mib - base.mib).toBeLessThan(megabytes)
    }
  })
}, 60_000)

it('uploads nothing before there is a call to send it in', async () => {
  await withPair({}, async ({ ada, folder }) => {
    await ada.json(['config', 'set', 'file.server', server.url])
    const { path } = newFile(folder)
    expect(await ada.json(['sendfile', path], 0, 6)).toMatchObject({ error: { code: 'NO_CALL' } })
    expect(server.seen).toEqual([])
  })
})

it('is asked for in time, also by a clock that is wrong', async () => {
  await withServer(async ({ ada, folder }) => {
    for (const clock of [7200_000, -7200_000]) {
      const { file } = await ada.json(['sendfile', newFile(folder).path], clock)
      expect(file).toMatchObject({ state: 'relayed' })
    }
  })
})

it('announces nothing that the server has not taken', async () => {
  await withServer(async ({ ada, ben, folder }) => {
    const { path } = newFile(folder)
    server.faults.refuse = [402, 'pay 21 sats']
    const refused = await ada.json(['sendfile', path], 0, 4)
    expect(refused.error).toMatchObject({
      code: 'UPLOAD_REFUSED',
      message: expect.stringMatching(/402: "pay 21 sats"$/),
    })
    await server.close()
    expect(await ada.json(['sendfile', path], 0, 3)).toMatchObject({ error: { code: 'UPLOAD_FAILED' } })
    expect(await ben.json(['inbox'])).toMatchObject({ new: [] })
    server = await startBlossom()
  })
})

describe('a file on a server', () => {
  it('is not asked for inside our own network unless that is allowed', async () => {
    await withServer(async ({ ada, ben, folder }) => {
      await ben.json(['config', 'set', 'file.allowPrivate', 'false'])
      await ada.json(['sendfile', newFile(folder).path])
      const { new: items } = await ben.json(['inbox'])
      expect(items).toEqual([
        expect.objectContaining({ type: 'file', text: 'data.bin', reason: expect.stringMatching(/file.allowPrivate/) }),
      ])
      expect(server.seen.map((s) => s.method)).toEqual(['PUT'])
      const shown = await ben.run(['inbox', '--all'])
      expect(shown.stdout).toMatch(/not taken: it lies in a private network/)
    })
  })

  it('is tried again with later commands, for seven days, and until then status says how it stands', async () => {
    await withServer(async ({ ada, ben, folder, call }) => {
      const { path, bytes } = newFile(folder)
      await ada.json(['sendfile', path])
      server.faults.refuse = [404, 'gone']
      const minute = 60_000
      const { new: none, notices } = await ben.json(['inbox'])
      expect([none, notices]).toEqual([[], [expect.stringMatching(/400000 bytes.*could not be fetched yet/)]])
      const asked = () => server.seen.filter((s) => s.method === 'GET').length
      expect(asked()).toBe(1)
      // Not at once again, …
      const { transfers } = await ben.json(['status'])
      expect(transfers).toEqual([
        expect.objectContaining({
          ...{ call, name: 'data.bin', size: bytes.length, have: 0, of: bytes.length + 16, unit: 'bytes' },
          ...{ direction: 'incoming', state: 'retrying', error: 'the server answered 404' },
        }),
      ])
      expect(asked()).toBe(1)
      expect((await ben.run(['status'])).stdout).toMatch(/0 of 400016 bytes here, tried again later/)
      // … but a minute later; half of it comes, and the rest with another command.
      Object.assign(server.faults, { refuse: undefined, truncate: true })
      ahead = minute
      await ben.json(['status'], ahead)
      expect(asked()).toBe(2)
      server.faults.truncate = false
      ahead = 10 * minute
      const { new: items } = await ben.json(['status'], ahead)
      expect(items).toMatchObject([{ type: 'file', sha256: sha256(bytes), size: bytes.length }])
      expect(server.seen.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/)
      expect(await ben.json(['status'])).toMatchObject({ transfers: [] })
    })
  })

  it('is given up in the end', async () => {
    await withServer(async ({ ada, ben, folder }) => {
      await ada.json(['sendfile', newFile(folder).path])
      server.faults.refuse = [404, 'gone']
      await ben.json(['inbox'])
      ahead = 7.1 * 24 * 3600_000
      const { new: items } = await ben.json(['inbox'], ahead)
      expect(items).toMatchObject([{ type: 'file', reason: expect.stringMatching(/not be fetched for 7 days/) }])
    })
  })

  it('is fetched also when the call that it came in is over', async () => {
    await withServer(async ({ ada, ben, folder, call }) => {
      const { path, bytes } = newFile(folder)
      await ada.json(['sendfile', path])
      await ada.json(['end'])
      server.faults.refuse = [503, 'later']
      expect(await ben.json(['inbox'])).toMatchObject({ new: [{ type: 'end' }] })
      await ada.json(['inbox'])
      // Nothing is owed or unread any more: the file alone keeps the call in sight.
      expect(await ben.json(['status'])).toMatchObject({ new: [], transfers: [{ call }] })
      expect(await ben.json(['transcript', call])).toMatchObject({ transcript: { verified: true } })
      ahead = 60_000
      server.faults.refuse = undefined
      const { new: items } = await ben.json(['inbox'], ahead)
      expect(items).toMatchObject([{ type: 'file', sha256: sha256(bytes), call }])
    })
  })

  it('that is not what was announced is refused for good, after three times', async () => {
    await withServer(async ({ ada, ben, folder }) => {
      await ada.json(['sendfile', newFile(folder).path])
      server.faults.wrongBytes = true
      for (ahead of [0, 60_000]) expect(await ben.json(['inbox'], ahead)).toMatchObject({ new: [] })
      ahead = 300_000
      const { new: items } = await ben.json(['inbox'], ahead)
      expect(items).toMatchObject([{ type: 'file', reason: 'what lies there is not what was announced, 3 times' }])
      expect(receivedFiles(ben)).toEqual([])
      server.faults.wrongBytes = false
      ahead = 3600_000
      expect(await ben.json(['inbox'], ahead)).toMatchObject({ new: [] })
    })
  })

  it('comes after a portal has shown its page, a server was down, and half of it came', async () => {
    await withServer(async ({ ada, ben, folder }) => {
      const { path, bytes } = newFile(folder)
      await ada.json(['sendfile', path])
      const [[x = '', blob = Buffer.alloc(0)] = []] = [...server.blobs]
      const answers: (() => void)[] = [
        () => server.blobs.set(x, Buffer.from('<html>Sign in to the network</html>')),
        () => Object.assign(server.faults, { redirect: 'http://portal.example/' }),
        () => Object.assign(server.faults, { refuse: [503, ''] }),
        () => server.blobs.set(x, blob.subarray(0, 1_000)),
      ]
      for (const [n, misbehave] of answers.entries()) {
        Object.assign(server.faults, { redirect: undefined, refuse: undefined })
        server.blobs.set(x, blob)
        misbehave()
        expect([n, (await ben.json(['inbox'], ahead)).new]).toEqual([n, []])
        ahead += 4_000_000
      }
      server.blobs.set(x, blob)
      expect(await ben.json(['inbox'], ahead)).toMatchObject({ new: [{ type: 'file', sha256: sha256(bytes) }] })
    })
  })

  it('is fetched by commands that wait, and by none that has something else to do', async () => {
    await withServer(async ({ ada, ben, folder }) => {
      const waiting = ben.start(['wait', '20', '--for', 'file', '--json'])
      const { path, bytes } = newFile(folder)
      await ada.json(['sendfile', path])
      const { code, stdout } = await waiting.ended
      expect([code, JSON.parse(stdout).new]).toEqual([0, [expect.objectContaining({ sha256: sha256(bytes) })]])
      await ada.json(['sendfile', newFile(folder, 300_000, 'two.bin').path])
      await ben.json(['send', 'thanks'])
      expect(server.seen.filter((s) => s.method === 'GET')).toHaveLength(1)
      expect(await ben.json(['announce'])).toMatchObject({ ok: true })
      expect(receivedFiles(ben)).toHaveLength(2)
      expect(await ben.json(['inbox'])).toMatchObject({ new: [{ type: 'file', text: 'two.bin' }] })
    })
  })

  it('does not keep a command that waits from hearing of other things', async () => {
    await withServer(async ({ ada, ben, folder }) => {
      server.faults.stall = 100_000
      await ada.json(['sendfile', newFile(folder).path])
      const waiting = ben.start(['wait', '30', '--for', 'message', '--json'])
      await waitUntil(() => server.sent() > 0)
      await ada.json(['send', 'did you get it?'])
      const { code, stdout, ms } = await waiting.ended
      expect([code, JSON.parse(stdout).new]).toMatchObject([0, [{ type: 'message', text: 'did you get it?' }]])
      expect(ms).toBeLessThan(15_000)
      delete server.faults.stall
      // What was here by then is not asked for again.
      expect(await ben.json(['inbox'])).toMatchObject({ new: [{ type: 'file' }] })
      expect(server.seen.at(-1)?.headers.range).toBe('bytes=100000-')
    })
  })

  it('is fetched on by the next command when one was killed', async () => {
    await withServer(async ({ ada, ben, folder }) => {
      server.faults.stall = 100_000
      const { path, bytes } = newFile(folder)
      await ada.json(['sendfile', path])
      const reading = ben.start(['inbox'], 0, '', NO_PRELOAD)
      const parts = join(filesOf(ben), '.fetched')
      const arrived = () => existsSync(parts) && readdirSync(parts).some((name) => statSync(join(parts, name)).size > 0)
      await waitUntil(arrived)
      reading.stop()
      await reading.ended
      delete server.faults.stall
      expect(await ben.json(['inbox'])).toMatchObject({ new: [{ type: 'file', sha256: sha256(bytes) }] })
      expect(server.seen.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/)
    })
  })

  it('may be too large for us', async () => {
    await withServer(async ({ ada, ben, folder }) => {
      await ben.json(['config', 'set', 'file.fetchMax', '300000'])
      await ada.json(['sendfile', newFile(folder).path])
      const { new: items } = await ben.json(['inbox'])
      expect(items).toMatchObject([{ type: 'file', reason: expect.stringMatching(/larger than 300000 bytes/) }])
      expect(server.seen.filter((s) => s.method === 'GET')).toEqual([])
    })
  })
})
