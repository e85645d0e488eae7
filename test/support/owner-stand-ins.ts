// Stand-ins for what the owner is told through: programs that are scripts in a folder, and HTTP servers on port 0.
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { OwnerNotice } from '../../src/io/owner/notice.ts'
import { newFolder } from './temporary-home.ts'

export const SAMPLE_NOTICE: OwnerNotice = {
  id: 'ab'.repeat(32),
  facts: { id: 'ab'.repeat(32), text: 'May I?' },
  text: 'Your agent needs you.',
}

/** A program of that name in a folder of its own: a script of Node's. What it does not consume stays unread. */
export function writeProgram(name: string, script: string): { folder: string; path: string } {
  const folder = newFolder()
  const path = join(folder, name)
  writeFileSync(path, `#!${process.execPath}\n${script}\n`)
  chmodSync(path, 0o755)
  return { folder, path }
}

/**
 * For hook.command and owner.command: what it is told on stdin, and whatever stands behind its own words, goes to the end of a file.
 * A shell, which has done so before Node has started.
 */
export function noteTaker(file: string): string {
  return JSON.stringify(['/bin/sh', '-c', 'cat >> "$0"; printf "%s\\n" "$@" >> "$0"', file])
}

export type ReceivedRequest = { method: string; url: string; headers: IncomingHttpHeaders; body: string }

/** A server that keeps what it was sent; closed after the test, whatever hangs on it. */
export async function startHttpServer(
  answer: RequestListener,
): Promise<{ url: string; port: number; requests: ReceivedRequest[] }> {
  const requests: ReceivedRequest[] = []
  const http = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      requests.push({ method, url, headers, body: Buffer.concat(parts).toString() })
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  const address = http.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, port, requests }
}
