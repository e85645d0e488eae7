// Preloaded into a child process (CLOCK_AHEAD_MS=1200000 node --require later-clock.cjs) it sets the whole machine's clock forward
// by so many milliseconds, the times of files included.
const fs = require('node:fs')

const ahead = Number(process.env.CLOCK_AHEAD_MS)
const { statSync, utimesSync } = fs
const Real = Date

require('./wrong-clock.cjs')

fs.statSync = (...args) => {
  const stats = statSync(...args)
  // By the time of the program its compiled code is found, which is good for any clock.
  if (args[0] === process.argv[1]) return stats
  if (stats !== undefined && typeof stats.mtimeMs === 'number') stats.mtimeMs += ahead
  return stats
}

fs.utimesSync = (path, atime, mtime) => utimesSync(path, earlier(atime), earlier(mtime))

function earlier(time) {
  return new Real(time.getTime() - ahead)
}
