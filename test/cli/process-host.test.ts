// How the program writes to what it was started with; test/program/output.test.ts sees the same from outside.
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type NodeStream, openOutput } from '../../src/cli/process-host.ts'
import { newFolder } from '../support/temporary-home.ts'

/** A stream that keeps what it is given, and what it is asked to tell. */
function keptStream() {
  const kept: Uint8Array[] = []
  const hearers: ((error: Error) => void)[] = []
  const stream: NodeStream = {
    write(bytes, done) {
      kept.push(bytes)
      done()
    },
    on: (_, hear) => hearers.push(hear),
  }
  return { kept, hearers, stream }
}

const neverMade = () => {
  throw new Error('a stream was made')
}

test('a file is written to at once, without a stream', () => {
  const path = join(newFolder(), 'out')
  const output = openOutput(opened(path, constants.O_WRONLY | constants.O_CREAT), neverMade)
  let done = 0
  output.write('eins ', () => done++)
  output.write('zwei', () => done++)
  expect([readFileSync(path, 'utf8'), done]).toEqual(['eins zwei', 2])
})

// The commonest of all outputs: another program reads. Its end may be one that does not wait.
test('what a pipe has no room for goes through a stream, byte for byte, and all that follows', () => {
  const path = join(newFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const pipe = opened(path, constants.O_RDWR | constants.O_NONBLOCK)
  const { kept, hearers, stream } = keptStream()
  let made = 0
  const output = openOutput(pipe, () => {
    made++
    return stream
  })
  output.on('error', () => {})
  output.write('short ')
  expect(made).toBe(0)
  // Three bytes each: the pipe is full in the middle of one.
  const long = '\u20ac'.repeat(100_000)
  let done = 0
  output.write(long, () => done++)
  output.write(' end', () => done++)
  expect([made, hearers.length, done]).toEqual([1, 1, 2])
  const inPipe = Buffer.alloc(1_000_000)
  const length = readSync(pipe, inPipe)
  expect(length).toBeGreaterThan(0)
  expect(Buffer.concat([inPipe.subarray(0, length), ...kept]).toString()).toBe(`short ${long} end`)
})

test('who listens hears of a failure, after whoever has written', () => {
  const path = join(newFolder(), 'out')
  opened(path, constants.O_WRONLY | constants.O_CREAT)
  // One that is open to be read takes nothing.
  const output = openOutput(opened(path, constants.O_RDONLY), neverMade)
  const heard: string[] = []
  output.on('error', (error) => heard.push(`heard ${error.message}`))
  output.write('text', (error) => heard.push(`written ${error?.message}`))
  expect(heard).toEqual([expect.stringMatching(/^written EBADF/), expect.stringMatching(/^heard EBADF/)])
})

function opened(path: string, flags: number): number {
  const file = openSync(path, flags)
  onTestFinished(() => closeSync(file))
  return file
}
