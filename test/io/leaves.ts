// A process that asks and tells the relays in its arguments, closes the pool and then has nothing more to do.
import { openRelays } from '../../src/io/relays.ts'
import { randomKeys } from '../../src/nostr/crypto.ts'
import { wrapFor } from '../plain-client.ts'

const keys = randomKeys()
const relays = process.argv.slice(2)
const pool = openRelays({ keys, now: Date.now })
const filter = { kinds: [1059], '#p': [keys.pubkey] }
const event = wrapFor(keys, Math.floor(Date.now() / 1000))

const [answers, receipts] = await Promise.all([
  pool.fetch(
    relays.map((relay) => ({ relay, name: 'inbox', filter, page: true, live: true })),
    { deadline: Date.now() + 20_000 },
  ),
  pool.publish([{ event, relays }], { deadline: Date.now() + 20_000 }),
])
// Lost live subscriptions are being waited for, a question is open, and so is a publication.
void pool.fetch(
  relays.map((relay) => ({ relay, name: 'again', filter })),
  { deadline: Date.now() + 20_000 },
)
void pool.publish([{ event, relays }], { deadline: Date.now() + 20_000 })
void pool.next(Date.now() + 20_000)
setImmediate(() => {
  pool.close()
  const result = {
    complete: answers.map(({ complete }) => complete),
    accepted: receipts.map(({ accepted }) => accepted),
    closedAt: Date.now(),
  }
  process.stdout.write(JSON.stringify(result))
})
