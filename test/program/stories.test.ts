// Every story of test/stories: the program as its users meet it. They are the specification of the command line.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, test, vi } from 'vitest'
import { agentEnv, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'
import { startRun } from '../support/runs.ts'
import { runStory } from '../support/story/story.ts'

const folder = fileURLToPath(new URL('../stories/', import.meta.url))
const stories = readdirSync(folder).filter((file) => file.endsWith('.txt'))

// What a run loads late takes seconds here while other files load it too, and the first command of a story has eight in all.
beforeAll(async () => {
  const relay = await startRelay()
  await withTemporaryFolder(
    (home) => startRun(['call', '01'.repeat(32), 'x', '--timeout', '60'], { env: agentEnv(home, [relay.url]) }).ended,
  )
  await relay.close()
})

// Side by side, for some of them wait for relays that say nothing; few, for every command is a process.
vi.setConfig({ maxConcurrency: 4, testTimeout: 120_000 })

describe.concurrent('stories', () => {
  for (const story of stories) test(story.replace('.txt', ''), () => runStory(`${folder}${story}`))
})
