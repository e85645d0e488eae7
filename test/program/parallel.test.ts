// Twenty commands of one agent at once: every seq once, nothing lost, nobody waits forever.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { NO_PRELOAD } from '../support/preloads.ts'
import { messagesOf, startCall, withPair } from '../support/two-programs.ts'

test('twenty commands of one agent at once take turns', async () => {
  await withPair({}, async (pair) => {
    const { ada, ben } = pair
    const call = await startCall(pair)
    const waiting = ada.start(['wait', '30', '--for', 'message', '--json'], 0, '', NO_PRELOAD)
    const sends = Array.from({ length: 14 }, (_, i) => ada.run(['send', `from ada ${i}`, '--json'], 0, '', NO_PRELOAD))
    const others = [['inbox'], ['announce'], ['announce'], ['status'], ['list']].map((args) =>
      ada.run([...args, '--json'], 0, '', NO_PRELOAD),
    )
    const done = await Promise.all([...sends, ...others])
    expect(done.map((ran) => [ran.code, ran.stderr])).toEqual(done.map(() => [0, '']))
    await ben.json(['send', 'enough'])
    expect((await waiting.ended).stdout).toContain('enough')

    const log = JSON.parse(readFileSync(`${ada.home}/.openclaw/p2p/calls/${call}.json`, 'utf8'))
    const own = Object.values(log.entries).flatMap((entry) => seqOf(entry) ?? [])
    expect(own.sort((a, b) => a - b)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1))
    await ben.json(['inbox'])
    const [one, other] = await Promise.all([messagesOf(ada, call), messagesOf(ben, call)])
    expect(one).toHaveLength(15)
    expect(other).toEqual(one)
  })
})

// The seq of an own rumor in a call file: those have no time at which they were heard.
function seqOf(entry: unknown): number | undefined {
  if (typeof entry !== 'object' || entry === null || 'heard' in entry || !('rumor' in entry)) return undefined
  const rumor: unknown = entry.rumor
  const tags: unknown = typeof rumor === 'object' && rumor !== null && 'tags' in rumor ? rumor.tags : []
  const seq: unknown = Array.isArray(tags) ? tags.find((t) => Array.isArray(t) && t[0] === 'seq')?.[1] : undefined
  return typeof seq === 'string' ? Number(seq) : undefined
}
