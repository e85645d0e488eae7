// Preloaded into a child process (node --import kill.mjs?at=12) it kills that process, as if the power had gone, right before
// its n-th step: a change of the disk, a write to a relay or to stdout. Without that many steps the process ends as it would.
import fs from 'node:fs'
import net from 'node:net'

const at = Number(new URL(import.meta.url).searchParams.get('at'))
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
