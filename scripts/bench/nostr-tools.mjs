// A plain script with nostr-tools: reads and opens its mailbox once, sends one private message, waits for the OK.
// node nostr-tools.mjs RELAY SECRET PEER

import * as nip17 from 'nostr-tools/nip17'
import { SimplePool, useWebSocketImplementation } from 'nostr-tools/pool'
import { finalizeEvent, getPublicKey } from 'nostr-tools/pure'
import { hexToBytes } from 'nostr-tools/utils'
import WebSocket from 'ws'

const [, , relay = '', secret = '', peer = ''] = process.argv
useWebSocketImplementation(WebSocket)
const key = hexToBytes(secret)
const auth = async (event) => finalizeEvent(event, key)
const pool = new SimplePool({ automaticallyAuth: () => auth })
const since = Math.floor(Date.now() / 1000) - 2 * 24 * 3600 - 600
// With the pool's default wait (4.4 s) a large mailbox is silently cut off.
const filter = { kinds: [1059], '#p': [getPublicKey(key)], since }
const wraps = await pool.querySync([relay], filter, { maxWait: 120_000 })
let opened = 0
for (const wrap of wraps) {
  nip17.unwrapEvent(wrap, key)
  opened++
}
await Promise.all(pool.publish([relay], nip17.wrapEvent(key, { publicKey: peer }, 'hello'), { onauth: auth }))
console.log(JSON.stringify({ opened }))
process.exit(0)
