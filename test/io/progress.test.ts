// What a person at a terminal and an agent in a pipe hear of long work.
import { expect, it } from 'vitest'
import { openProgress } from '../../src/io/progress.ts'

function recordProgress(drawing: boolean) {
  const [said, drawn]: [string[], string[]] = [[], []]
  let ms = 0
  const draw = drawing ? (text: string) => drawn.push(text) : undefined
  const progress = openProgress('uploading', { say: (line) => said.push(line), draw, now: () => ms })
  for (; ms < 21_000; ms += 100) progress.at(ms * 1000, 42_000_000)
  progress.end()
  return { said, drawn }
}

it('is a line now and then where there is no terminal', () => {
  expect(recordProgress(false).said).toEqual(['uploading: 3%, 1.5 MB of 42.0 MB', 'uploading: 27%, 11.5 MB of 42.0 MB'])
})

it('is one line that changes, and is gone in the end, where there is one', () => {
  const { said, drawn } = recordProgress(true)
  expect(said).toEqual([])
  expect(drawn.length).toBeGreaterThan(90)
  expect(drawn.at(-2)).toMatch(/^uploading: 49%, 20.9 MB of 42.0 MB$/)
  expect(drawn.at(-1)).toBe('')
})

it('says nothing of what is over soon, and no share where nobody knows the whole', () => {
  const said: string[] = []
  let ms = 0
  const progress = openProgress('fetching', { say: (line) => said.push(line), draw: undefined, now: () => ms })
  progress.at(1, 0)
  ms = 1000
  progress.at(500_000, 0)
  expect(said).toEqual([])
  ms = 2000
  progress.at(900_000, 0)
  progress.end()
  expect(said).toEqual(['fetching: 900 kB'])
})
