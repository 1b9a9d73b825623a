/** The `pipe` command: finds the command, parses its flags, runs it, and turns errors into text and an exit code. */
import { type Command, columns, help, parse } from './command.ts'
import { commands } from './commands/index.ts'
import { type Io, processIo } from './io.ts'
import { printError } from './print/error.ts'

/** Runs `pipe` with these words; returns the exit code and never throws. */
export async function main(words: readonly string[], io: Io): Promise<number> {
  try {
    const found = find(words)
    if (!found) return overview(words, io)
    const command = await found.load()
    if (wantsHelp(found.rest)) {
      io.out(help(command))
      return 0
    }
    return await command.run(parse(command, found.rest), io)
  } catch (error) {
    return printError(error, io, words.includes('--json'))
  }
}

function find(words: readonly string[]): { load(): Promise<Command>; rest: readonly string[] } | undefined {
  for (const n of [2, 1]) {
    const name = words.slice(0, n).join(' ')
    if (words.length >= n && Object.hasOwn(commands, name)) return { load: commands[name]!.load, rest: words.slice(n) }
  }
  return undefined
}

function wantsHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h')
}

// No command: the overview, which is an answer to `--help` and an error otherwise.
async function overview(words: readonly string[], io: Io): Promise<number> {
  const [first, second] = words
  if (first === '--version' || first === '-v') {
    const { version } = await import('./version.ts')
    io.out(`${version}\n`)
    return 0
  }
  if (first === 'help' && second !== undefined) return main([...words.slice(1), '--help'], io)
  const group = Object.keys(commands).filter((name) => name.startsWith(`${first} `))
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    io.out(overviewText(Object.keys(commands)))
    return 0
  }
  if (group.length > 0) {
    if (second === undefined || wantsHelp(words)) {
      io.out(overviewText(group))
      return second === undefined ? 2 : 0
    }
    io.err(
      `\`pipe ${first}\` has no \`${second}\`: it has ${listed(group.map((name) => name.slice(first.length + 1)))}.\n`,
    )
    return 2
  }
  const { closest } = await import('@millrace/core')
  const near = closest(first, [...new Set(Object.keys(commands).map((name) => name.split(' ')[0]!))])
  io.err(`\`pipe\` has no command \`${first}\`. ${near ? `Did you mean \`pipe ${near}\`?` : 'See `pipe --help`.'}\n`)
  return 2
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, -1).join(', ')}${names.length > 1 ? ' and ' : ''}${names.at(-1)}`

function overviewText(names: readonly string[]): string {
  const rows = names.map((name) => [name, commands[name]!.summary] as const)
  return `${['Typed data pipelines, checked before they run.', '', 'Usage: pipe COMMAND [arguments] [flags]', '', 'Commands:', ...columns(rows), '', '`pipe COMMAND --help` explains a command, with examples.'].join('\n')}\n`
}

if (import.meta.main) {
  const words = process.argv.slice(2)
  const io = processIo()
  process.on('uncaughtException', (error) => process.exit(printError(unhandled(error), io, words.includes('--json'))))
  process.exitCode = await main(words, io)
  // An abandoned connector may keep the process alive.
  setTimeout(() => process.exit(), 1000).unref()
}

/** An error that a connector or a function of the user left unhandled. The process ends as in a crash. */
function unhandled(error: unknown): Error {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const hint =
    'Nothing is lost: run again and it resumes from the last save. The stack names the connector or function that left a promise or callback behind.'
  return Object.assign(new Error(text), { code: 'unhandled', hint })
}
