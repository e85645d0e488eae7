// A plain script with @rust-nostr/nostr-sdk: reads and opens its mailbox once, sends one private message, waits for the OK.
// node rust-nostr.cjs RELAY SECRET PEER
const sdk = require('@rust-nostr/nostr-sdk')

globalThis.WebSocket = require('ws')

async function main(relay, secret, peer) {
  sdk.loadWasmSync()
  const keys = sdk.Keys.parse(secret)
  const signer = sdk.NostrSigner.keys(keys)
  // A signer of its own: the client takes over the one that it is given.
  const client = new sdk.Client(sdk.NostrSigner.keys(keys))
  await client.addRelay(relay)
  await client.connect()
  const since = Math.floor(Date.now() / 1000) - 2 * 24 * 3600 - 600
  const filter = sdk.Filter.fromJson(JSON.stringify({ kinds: [1059], '#p': [keys.publicKey.toHex()], since }))
  const wraps = await client.fetchEvents(filter, sdk.Duration.fromSecs(120))
  let opened = 0
  for (const wrap of wraps.toVec()) {
    await sdk.UnwrappedGift.fromGiftWrap(signer, wrap)
    opened++
  }
  await client.sendPrivateMsgTo([relay], sdk.PublicKey.parse(peer), 'hello')
  console.log(JSON.stringify({ opened }))
  process.exit(0)
}

main(...process.argv.slice(2))
