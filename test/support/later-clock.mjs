// Preloaded into a child process (node --import later-clock.mjs?ms=1200000) it sets the whole machine's clock forward by so many
// milliseconds, the times of files included.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const ahead = Number(new URL(import.meta.url).searchParams.get('ms'))
const { statSync, utimesSync } = fs
const Real = Date

await import(new URL(`wrong-clock.mjs?ms=${ahead}`, import.meta.url).href)

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

syncBuiltinESMExports()
