// Lines to relays that are not ours, which can be cut: they cannot be told to misbehave, but their connections can.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { SeededRandom } from '../relay/faults.ts'
import { type FaultSchedule, pause } from './fault-schedule.ts'

/** `cut`: ends all connections, and takes none for `ms` milliseconds; `hold`: lets nothing pass for `ms` milliseconds. */
export type Line = { url: string; cut(ms: number): Promise<void>; hold(ms: number): Promise<void>; close(): void }

/** Opens a line to a relay on loopback: a TCP proxy on another port. */
export async function openLine(relay: string): Promise<Line> {
  const { hostname, port } = new URL(relay)
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((client) => {
    if (isCut) return client.destroy()
    const ends = [client, connect({ host: hostname, port: Number(port), noDelay: true })] as const
    for (const [n, end] of ends.entries()) {
      const other = ends[1 - n]
      sockets.add(end)
      end.on('error', () => end.destroy())
      end.on('close', () => {
        sockets.delete(end)
        other?.destroy()
      })
      if (other) end.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `ws://127.0.0.1:${address.port}`,
    async cut(ms) {
      isCut = true
      cutAll()
      await pause(ms)
      isCut = false
    },
    async hold(ms) {
      for (const socket of sockets) socket.pause()
      await pause(ms)
      for (const socket of sockets) socket.resume()
    },
    close() {
      cutAll()
      server.close()
    },
  }
}

/** Cuts and holds lines at random, until `stop`. */
export function startCuts(lines: readonly Line[], random: SeededRandom): FaultSchedule {
  const faults: Record<string, number> = {}
  let going = true
  const loops = lines.map(async (line) => {
    while (going) {
      await pause(200 + random() * 1500)
      if (!going) break
      const kind = random() < 0.5 ? 'cut' : 'hold'
      faults[kind] = (faults[kind] ?? 0) + 1
      await line[kind](100 + random() * 900)
    }
  })
  return {
    faults,
    async stop() {
      going = false
      await Promise.all(loops)
    },
  }
}
