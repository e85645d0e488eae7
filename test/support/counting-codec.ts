// The smallest data a store can keep: an index that counts, and logs that count. What the store does not know, it cannot spoil.
import type { CallSecret } from '../../src/io/store/call-keys.ts'
import type { StoreCodec } from '../../src/io/store/codec.ts'
import type { StoreSnapshot } from '../../src/io/store/store.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'

export type CountingIndex = { version: 1; owner: string; count: number; calls: string[] }
export type CountingLog = { version: 1; count: number; text: string }

export const countingCodec: StoreCodec<CountingIndex, CountingLog> = {
  version: 1,
  logVersion: 1,
  empty: () => ({ version: 1, owner: '', count: 0, calls: [] }),
  parse: (value) => versioned(value, isIndex),
  parseLog: (value) => versioned(value, isLog),
  rebuild: (logs) => ({
    version: 1,
    owner: '',
    count: Math.max(0, ...[...logs.values()].map((log) => log.count)),
    calls: [...logs.keys()].sort(),
  }),
  open: (index) => index.calls,
  owner: (index) => (index.owner === '' ? undefined : index.owner),
}

export const CALL_ID = 'c0'.repeat(32)

/** A key pair for that call. */
export const CALL_SECRET: CallSecret = { call: CALL_ID, keys: randomKeys((length) => new Uint8Array(length).fill(7)) }

/** One more in the index and in the log of a call; its value is the new count. */
export function countUp({ index, logs }: StoreSnapshot<CountingIndex, CountingLog>, text = '') {
  const count = index.count + 1
  const log: CountingLog = { version: 1, count: (logs[CALL_ID]?.count ?? 0) + 1, text }
  return { snapshot: { index: { ...index, count, calls: [CALL_ID] }, logs: { ...logs, [CALL_ID]: log } }, value: count }
}

function versioned<T>(value: unknown, is: (value: unknown) => value is T): T | 'newer' | undefined {
  if (is(value)) return value
  const newer = typeof value === 'object' && value !== null && 'version' in value && value.version === 2
  return newer ? 'newer' : undefined
}

function isIndex(value: unknown): value is CountingIndex {
  return typeof value === 'object' && value !== null && 'calls' in value && 'version' in value && value.version === 1
}

function isLog(value: unknown): value is CountingLog {
  return typeof value === 'object' && value !== null && 'text' in value && 'version' in value && value.version === 1
}
