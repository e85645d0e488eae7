// Preloaded into a child process (KILL_AT_STEP=12 node --require kill-at-step.cjs) it kills that process, as if the power had gone,
// right before its n-th step: a change of the disk, a write to a relay or to stdout. Without that many steps the process ends as it would.
const fs = require('node:fs')
const net = require('node:net')

const at = Number(process.env.KILL_AT_STEP)
const DISK = [
  'openSync',
  'writeSync',
  'writeFileSync',
  'fsyncSync',
  'renameSync',
  'linkSync',
  'mkdirSync',
  'rmdirSync',
  'unlinkSync',
  'rmSync',
  'appendFileSync',
]
let steps = 0

for (const name of DISK) fs[name] = counted(fs[name])
net.Socket.prototype.write = counted(net.Socket.prototype.write)

function counted(real) {
  return function (...args) {
    if (++steps === at) process.kill(process.pid, 'SIGKILL')
    return real.apply(this, args)
  }
}
