// Preloaded into a child process (node --require peak-memory.cjs) it says at the end how much memory the process has held at most.
const { existsSync, readFileSync, writeSync } = require('node:fs')

const STATUS = '/proc/self/status'

// The kernel's ru_maxrss outlives exec: it would count what the process that started us held.
function peak() {
  if (!existsSync(STATUS)) return process.resourceUsage().maxRSS
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(STATUS, 'utf8'))?.[1])
}

process.on('exit', () => writeSync(2, `peak RSS ${Math.round(peak() / 1024)} MiB\n`))
