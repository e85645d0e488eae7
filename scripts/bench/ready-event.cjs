// The least that sending can cost: plain Node and ws connect, ask what is waiting, publish an event that was made before, and exit.
// node ready-event.cjs RELAY FILTER EVENT
const WebSocket = require('ws')

const [, , relay = '', filter = '{}', event = '{}'] = process.argv
const socket = new WebSocket(relay)
let left = 2
socket.on('open', () => {
  socket.send(`["REQ","q",${filter}]`)
  socket.send(`["EVENT",${event}]`)
})
socket.on('message', (data) => {
  const [type] = JSON.parse(data.toString())
  if (type === 'EOSE' || type === 'OK') left -= 1
  if (left === 0) process.exit(0)
})
socket.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
