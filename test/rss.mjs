// Preloaded into a child process (node --import rss.mjs) it says at the end how much memory the process has held at most.
import { writeSync } from 'node:fs'

process.on('exit', () => writeSync(2, `peak RSS ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB\n`))
