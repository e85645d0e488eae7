// What is deleted of calls that are over: their keys by themselves, the rest as the owner has set it or by hand. All of it is named.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { valueAt } from '../../scripts/json-path.ts'
import { schemaError } from '../support/json-schema.ts'
import { type AgentPair, type AgentProgram, startCall, withPair } from '../support/two-programs.ts'

const DAY = 86_400_000

test('a key is deleted 7 days after the end of its call, by whichever command runs then, and no sooner', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const id = await endedCall(pair)
    await ada.json(['status'], 6.9 * DAY)
    expect(existsSync(keyOf(ada, id))).toBe(true)
    const status = await ada.json(['status'], 7.01 * DAY)
    expect(status.notices).toContain(`deleted ${keyOf(ada, id)}`)
    expect([existsSync(keyOf(ada, id)), existsSync(keyOf(ben, id))]).toEqual([false, true])
    // The call itself is kept for as long as the owner wants.
    expect((await ada.json(['transcript', id], 8 * DAY)).transcript).toMatchObject({
      call: { secrecy: 'call' },
      verified: true,
    })
    expect((await ada.json(['status'], 8.1 * DAY)).notices).toEqual([])
  })
}, 60_000)

test('the key of a call that is not over stays, however old it is', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const id = await startCall(pair)
    for (const days of [3, 6, 9, 12]) {
      await ben.json(['send', `day ${days}`], days * DAY)
      await ada.json(['send', `and ${days}`], days * DAY)
    }
    expect([existsSync(keyOf(ada, id)), existsSync(keyOf(ben, id))]).toEqual([true, true])
    expect(valueAt(await ada.json(['status'], 12 * DAY), `.calls[id=${id}]`)).toMatchObject({
      state: 'active',
      secrecy: 'call',
    })
  })
}, 60_000)

test('the key of a call whose file is damaged stays while that call may be open, or over for less than 7 days', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const id = await startCall(pair)
    await ada.json(['status'])
    writeFileSync(logOf(ada, id), '{"version":3,')
    for (const days of [8, 13]) {
      await ada.json(['status'], days * DAY)
      expect(existsSync(keyOf(ada, id))).toBe(true)
    }
    expect((await ada.json(['status'], 14.1 * DAY)).notices).toContain(`deleted ${keyOf(ada, id)}`)
    expect([existsSync(keyOf(ada, id)), existsSync(keyOf(ben, id))]).toEqual([false, true])
  })
}, 60_000)

test('transcript.keep deletes calls, transcripts and files after so many days, 7 at the least for the call', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const id = await endedCall(pair)
    await ada.json(['transcript', id, '--format', 'markdown', '--max-chars', '10'])
    const [folder, transcript] = [
      join(p2pOf(ada), 'files', id.slice(0, 8)),
      join(p2pOf(ada), 'transcripts', `${id}.md`),
    ]
    expect([existsSync(folder), existsSync(transcript)]).toEqual([true, true])
    await ada.json(['config', 'set', 'transcript.keep', '10'])
    await ada.json(['status'], 9 * DAY)
    expect(existsSync(logOf(ada, id))).toBe(true)
    const { notices } = await ada.json(['status'], 11 * DAY)
    for (const path of [logOf(ada, id), transcript, folder]) expect(notices).toContain(`deleted ${path}`)
    expect(leftOf(ada, id)).toEqual([])
    expect(leftOf(ben, id)).not.toEqual([])
    expect((await ada.json(['transcript', id], 11 * DAY, 6)).error).toMatchObject({ code: 'NO_SUCH_CALL' })
  })
}, 60_000)

test('forget deletes what is kept of a call that is over, and names it', async () => {
  await withPair({}, async (pair) => {
    const { ada } = pair
    const open = await startCall(pair, 'still open')
    expect((await ada.json(['forget', open], 0, 6)).error).toMatchObject({ code: 'CALL_NOT_OVER' })
    expect(existsSync(keyOf(ada, open))).toBe(true)
    await ada.json(['end'])
    const id = await endedCall(pair)
    const folder = join(p2pOf(ada), 'files', id.slice(0, 8))
    const first = await ada.json(['forget', id.slice(0, 8)])
    expect(schemaError('forget', first)).toBeUndefined()
    const transcript = join(p2pOf(ada), 'transcripts', `${id}.md`)
    expect(first.forgotten).toEqual({ call: id, deleted: [keyOf(ada, id), transcript, logOf(ada, id)], kept: [folder] })
    expect(leftOf(ada, id)).toEqual([folder])
    // What a relay still has of it does not bring it back.
    expect(await ada.json(['inbox', '--deep'])).toMatchObject({ new: [] })
    expect(valueAt(await ada.json(['status']), `.calls[id=${id}]`)).toBeUndefined()
    // Whoever types it again hears what became of it; its files go by the same name.
    const again = await ada.json(['forget', id.slice(0, 8)], 0, 6)
    const was = expect.stringMatching(`^the call ${id.slice(0, 8)} was deleted here, 2`)
    expect(again.error).toMatchObject({ code: 'NO_SUCH_CALL', message: was, hint: expect.stringContaining(folder) })
    expect((await ada.json(['transcript', id], 0, 6)).error).toMatchObject({ code: 'NO_SUCH_CALL', message: was })
    const files = await ada.json(['forget', id.slice(0, 8), '--files'])
    expect(files.forgotten).toEqual({ call: id, deleted: [folder], kept: [] })
    expect(leftOf(ada, id)).toEqual([])
    expect((await ada.json(['forget', id, '--files'], 0, 6)).error).toMatchObject({
      code: 'NO_SUCH_CALL',
      message: was,
    })
    expect((await ada.json(['forget', 'no call'], 0, 6)).error).toMatchObject({ code: 'NO_SUCH_CALL' })
    const other = await endedCall(pair)
    const text = (await ada.run(['forget', other, '--files'])).stdout
    for (const path of [keyOf(ada, other), logOf(ada, other), join(p2pOf(ada), 'files', other.slice(0, 8))])
      expect(text).toContain(path)
    expect(leftOf(ada, other)).toEqual([])
  })
}, 90_000)

test('forget says what goes with it that nobody has seen or confirmed', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const id = await startCall(pair)
    await ben.json(['send', 'not read yet'])
    await ada.json(['end', 'not heard yet'])
    const { stdout } = await ada.run(['forget', id.slice(0, 8)])
    expect(stdout).toContain('1 unread item of it went with it')
    expect(stdout).toContain('had confirmed 1 of your 2 in it; the rest is not offered any more')
  })
}, 60_000)

/** A call in which ben has sent a file, ended and confirmed by both. */
async function endedCall(pair: AgentPair): Promise<string> {
  const { ada, ben } = pair
  const id = await startCall(pair, `a call ${Math.random()}`)
  await ben.json(['sendfile', 'a.txt', Buffer.from('some bytes').toString('base64'), '--call', id])
  await ada.json(['inbox'])
  await ada.json(['end', 'bye', '--call', id])
  for (const who of [ben, ada, ben]) await who.json(['inbox'])
  expect(valueAt(await ada.json(['status']), `.calls[id=${id}]`)).toMatchObject({ verified: true, secrecy: 'call' })
  return id
}

/** All that lies on the disk under the name of a call. */
function leftOf(who: AgentProgram, id: string): string[] {
  const names = (folder: string) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])
  const all = ['calls', 'transcripts', 'files'].flatMap((folder) => names(join(p2pOf(who), folder)))
  const known = readFileSync(join(p2pOf(who), 'state.json'), 'utf8')
  expect(JSON.parse(known).calls?.[id] === undefined).toBe(!existsSync(logOf(who, id)))
  return all.filter((path) => path.includes(id.slice(0, 8)))
}

function keyOf(who: AgentProgram, id: string): string {
  return join(p2pOf(who), 'calls', `${id}.key`)
}

function logOf(who: AgentProgram, id: string): string {
  return join(p2pOf(who), 'calls', `${id}.json`)
}

function p2pOf({ home }: AgentProgram): string {
  return join(home, '.openclaw', 'p2p')
}
