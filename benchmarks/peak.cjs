// Loaded before a measured program: tells its peak memory (KiB) on file descriptor 3 when it ends.
process.on('exit', () => {
  try {
    require('node:fs').writeSync(3, `${process.resourceUsage().maxRSS}\n`)
  } catch {}
})
