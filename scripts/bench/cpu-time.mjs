// Preloaded into a child process (node --import cpu-time.mjs), it says at the end for how long all of its threads have computed.
process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  process.stderr.write(`computed for ${user + system} µs\n`)
})
