// A process that asks and tells the relays in its arguments, closes the pool and then has nothing more to do.
import { openPool } from '../../../src/io/relay/pool.ts'
import { randomKeys } from '../../../src/nostr/crypto.ts'
import { emptyWrapFor } from '../../support/nostr-client.ts'

const keys = randomKeys()
const relays = process.argv.slice(2)
const pool = openPool({ keys, now: Date.now, backoffMs: 30_000, retry: { firstMs: 30_000, longestMs: 60_000 } })
const deadline = Date.now() + 60_000
const filter = { kinds: [1059], '#p': [keys.pubkey] }
const event = emptyWrapFor(keys, Math.floor(Date.now() / 1000))
const inbox = relays.map((relay) => ({ relay, name: 'inbox', filter, page: true, live: true }))
// So many at once that Node warns where listeners pile up.
const people = relays.flatMap((relay) =>
  Array.from({ length: 12 }, () => ({ relay, name: 'people', filter: { kinds: [30315] } })),
)

const [answers, receipts] = await Promise.all([
  pool.fetch([...inbox, ...people], { deadline }),
  pool.publish([{ event, relays }], { deadline }),
])
// Lost live subscriptions are being waited for, questions are open, and so are publications.
void pool.fetch(people, { deadline })
void pool.publish([{ event, relays }], { deadline })
void pool.next(deadline)
setImmediate(() => {
  pool.close()
  const result = {
    complete: answers.slice(0, relays.length).map(({ complete }) => complete),
    accepted: receipts.map(({ accepted }) => accepted),
    closedAt: Date.now(),
  }
  process.stdout.write(JSON.stringify(result))
})
