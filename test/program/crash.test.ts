// A command that dies before any of its steps has never said what it does not remember: afterwards nothing is lost,
// nothing is there twice, and both sides hold the same call.
import { expect, test } from 'vitest'
import { valueAt } from '../../scripts/json-path.ts'
import { loadIdentity } from '../../src/io/home/identity.ts'
import { homeOf } from '../../src/io/home/paths.ts'
import { readCallKey } from '../../src/io/store/call-keys.ts'
import { parseEvent, tag } from '../../src/nostr/event.ts'
import { unwrap } from '../../src/nostr/nip59-unwrap.ts'
import { killAtStep } from '../support/preloads.ts'
import { type AgentProgram, messagesOf, startCall, stringField, withPair } from '../support/two-programs.ts'

/** `P2P_STEPS=1` dies before every single step, which takes two minutes. */
const STRIDE = Number(process.env.P2P_STEPS ?? 8)
const PATIENCE = STRIDE === 1 ? 900_000 : 180_000

/** After so many kills what they have left goes out: each of them owes one word more, so the next ones would take ever more steps. */
const LEFT_AT_MOST = 4

/** Runs a command again and again, killed before its first, its second … step, until it comes through. */
async function runKilledAtEveryStep(
  who: AgentProgram,
  args: (n: number) => string[],
  every: number,
): Promise<{ texts: string[]; kills: number }> {
  const texts: string[] = []
  for (let n = 1, kills = 0; n < 400; n += every) {
    const ran = await who.run(args(n), 0, '', killAtStep(n))
    if (ran.code === null) {
      kills++
      if (kills % LEFT_AT_MOST === 0) await who.json(['status'])
      continue
    }
    // It came through: from here on it makes a promise.
    // An end that was written down by the one before is said already.
    const said = args(n)[0] === 'end' && /no call is active/.test(ran.stderr)
    if (!said) expect(ran).toMatchObject({ code: 0, stderr: '' })
    texts.push(args(n).at(-1) ?? '')
    return { texts, kills }
  }
  throw new Error('it never comes through')
}

test(
  'send, killed before its steps',
  async () => {
    await withPair({}, async (pair) => {
      const { ada, ben } = pair
      const call = await startCall(pair)
      const { texts, kills } = await runKilledAtEveryStep(ada, (n) => ['send', `try ${n}`], STRIDE)
      expect(kills).toBeGreaterThan(40 / STRIDE)
      await ada.json(['status'])
      await ben.json(['inbox'])
      await ada.json(['end'])
      await ben.json(['status'])
      await ada.json(['status'])
      const ours = await messagesOf(ada, call)
      expect(ours).toEqual(await messagesOf(ben, call))
      expect(new Set(ours).size).toBe(ours.length)
      expect(ours).toEqual(expect.arrayContaining(texts))
      // What a killed command had written down went out with the next one; its number is taken once.
      expect(ours.length).toBeGreaterThan(1)
      const { transcript } = await ada.json(['transcript', call])
      expect(transcript).toMatchObject({ verified: true })
    })
  },
  PATIENCE,
)

test(
  'call and answer, killed before their steps: no public key of a call goes out whose secret is not on the disk',
  async () => {
    await withPair({}, async ({ ada, ben, relay }) => {
      const npub = stringField((await ben.json(['whoami'])).agent, 'npub')
      await ada.json(['whoami'])
      // Each of them hangs up what the one before has left, so they take ever more steps: these are the first of each.
      for (let n = 1; n < 60; n += STRIDE) await ada.run(['call', npub, `try ${n}`, '--again'], 0, '', killAtStep(n))
      await ada.json(['call', npub, 'the last', '--again'])
      await ben.json(['inbox'])
      const { calls } = await ada.json(['status'])
      const id = stringField(Array.isArray(calls) ? calls.find(({ state }) => state === 'ringing') : undefined, 'id')
      // What a killed one has written down is said already, and goes out with the next command.
      for (let n = 1; n < 80; n += STRIDE) await ben.run(['answer', 'accept', '--call', id], 0, '', killAtStep(n))
      await ben.json(['status'])
      await ada.json(['inbox'])
      await ada.json(['send', 'under a key', '--call', id])
      expect(await ben.json(['inbox'])).toMatchObject({ new: [{ text: 'under a key' }] })
      for (const who of [ada, ben]) {
        const status = await who.json(['status'])
        expect(valueAt(status, `.calls[id=${id}]`)).toMatchObject({ state: 'active', secrecy: 'call' })
      }
      let told = 0
      for (const { frame } of relay.seen) {
        const wrap = frame[0] === 'EVENT' ? parseEvent(frame[1]) : undefined
        for (const [to, from] of [
          [ben, ada],
          [ada, ben],
        ] as const) {
          const opened = wrap?.kind === 1059 ? unwrap(wrap, identityOf(to)) : undefined
          const ek = opened?.ok === true ? tag(opened.rumor, 'ek') : undefined
          if (opened?.ok !== true || ek === undefined) continue
          const call = tag(opened.rumor, 'call-id') ?? opened.rumor.id
          expect(readCallKey(homeOf(undefined, { HOME: from.home }), call)).toMatchObject({ pubkey: ek })
          told++
        }
      }
      expect(told).toBeGreaterThan(1)
    })
  },
  PATIENCE,
)

function identityOf({ home }: AgentProgram) {
  return loadIdentity(homeOf(undefined, { HOME: home }), {})
}

test(
  'inbox and end, killed before their steps',
  async () => {
    await withPair({}, async (pair) => {
      const { ada, ben } = pair
      const call = await startCall(pair)
      for (const n of [1, 2, 3]) await ada.json(['send', `word ${n}`])
      await runKilledAtEveryStep(ben, () => ['inbox', '--quiet'], STRIDE)
      await runKilledAtEveryStep(ben, () => ['end'], STRIDE)
      await ada.json(['status'])
      await ben.json(['status'])
      // Hers is verified once she has heard that he has her end.
      await ada.json(['status'])
      expect(await messagesOf(ben, call)).toEqual(['word 1', 'word 2', 'word 3'])
      expect(await messagesOf(ada, call)).toEqual(['word 1', 'word 2', 'word 3'])
      for (const who of [ada, ben])
        expect((await who.json(['transcript', call])).transcript).toMatchObject({ verified: true })
    })
  },
  PATIENCE,
)
