/**
 * A command as data: its flags, arguments and examples are declared once, and the parser, `--help` and the generated
 * docs derive from them.
 *
 * Parsing uses `util.parseArgs` of Node, made strict, with our own messages. A word that starts with `-` is a flag;
 * `--` ends the flags. Help and unknown words never load a command's imports: each command is in its own file, which
 * the table in commands/index.ts imports on demand.
 *
 * Decision: docs/decisions/20261121-flags-without-a-library.md
 */
import { parseArgs } from 'node:util'
import { closest, MillraceError } from '@millrace/core'
import type { Io } from './io.ts'

/** One flag. `text` takes a value, `pair` two, `list` may be given several times, `boolean` takes none. */
export interface Flag {
  readonly type: 'boolean' | 'text' | 'list' | 'pair'
  /** The placeholder for the value in help: `NAME`. */
  readonly value?: string
  readonly description: string
}

type Value<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F['type'] extends 'list'
    ? readonly string[]
    : F['type'] extends 'pair'
      ? readonly [string, string] | undefined
      : string | undefined

/** The parsed flags, by name, and the arguments in order. */
export interface Given<F extends Readonly<Record<string, Flag>> = Readonly<Record<string, Flag>>> {
  readonly flags: { readonly [K in keyof F]: Value<F[K]> }
  readonly args: readonly string[]
}

/**
 * A command of `pipe`. `run` returns the exit code: 0 ok, 1 the run failed, 2 the spec or the command line is wrong, 3
 * the environment is wrong.
 */
export interface Command<F extends Readonly<Record<string, Flag>> = Readonly<Record<string, Flag>>> {
  /** As typed: `run`, `schema infer`. */
  readonly name: string
  /** One sentence. */
  readonly summary: string
  /** Additional text for its own help. */
  readonly details?: string
  /** `[name, description]`; a name in brackets is optional, `...` after it takes several. */
  readonly args?: readonly (readonly [name: string, description: string])[]
  readonly flags: F
  /** `[command line, description]`; a test parses each. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  run(given: Given<F>, io: Io): Promise<number>
}

/** Returns its argument, typed by its flags. */
export const defineCommand = <const F extends Readonly<Record<string, Flag>>>(command: Command<F>): Command => command

/** A mistake on the command line; exit code 2. */
export const usageError = (message: string, hint?: string): MillraceError =>
  new MillraceError('usage', message, { exitCode: 2, hint })

/** The flags and arguments of `words`. Throws a `usage` error that names the problem and the closest flag. */
export function parse(command: Command, words: readonly string[]): Given {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, flag]) => [
      name,
      { type: flag.type === 'boolean' ? 'boolean' : 'string', multiple: flag.type === 'list' } as const,
    ]),
  )
  const { tokens } = parseArgs({ args: [...words], options, allowPositionals: true, strict: false, tokens: true })
  const flags: Record<string, unknown> = {}
  for (const [name, flag] of Object.entries(command.flags))
    flags[name] = flag.type === 'boolean' ? false : flag.type === 'list' ? [] : undefined
  const seconds = new Set<number>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const flag = Object.hasOwn(command.flags, token.name) ? command.flags[token.name]! : undefined
    if (!flag) throw unknownFlag(command, token.rawName)
    if (flag.type === 'boolean') {
      if (token.value !== undefined) throw usageError(`--${token.name} takes no value.`)
      flags[token.name] = true
    } else {
      // Without `strict`, a flag would take the next flag as its value. A single minus may begin a value: `--sort
      // -price`.
      if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
        throw usageError(`--${token.name} needs a value: --${token.name} ${flag.value ?? 'VALUE'}.`)
      }
      if (flag.type === 'list') (flags[token.name] as string[]).push(token.value)
      else if (flag.type === 'pair') {
        const at = token.index + (token.inlineValue ? 1 : 2)
        const second = tokens.find((each) => each.kind === 'positional' && each.index === at)
        if (second?.kind !== 'positional')
          throw usageError(`--${token.name} needs two values: --${token.name} ${flag.value ?? 'VALUE VALUE'}.`)
        flags[token.name] = [token.value, second.value]
        seconds.add(at)
      } else flags[token.name] = token.value
    }
  }
  const positionals = tokens.flatMap((token) =>
    token.kind === 'positional' && !seconds.has(token.index) ? [token.value] : [],
  )
  const expected = command.args ?? []
  const least = expected.filter(([name]) => !name.startsWith('[')).length
  const most = expected.some(([name]) => name.includes('...')) ? Infinity : expected.length
  if (positionals.length < least)
    throw usageError(
      `\`pipe ${command.name}\` needs ${expected[positionals.length]![0]}: ${expected[positionals.length]![1]}`,
      seeHelp(command),
    )
  if (positionals.length > most)
    throw usageError(`\`pipe ${command.name}\` does not take \`${positionals[most]}\`.`, seeHelp(command))
  return { flags: flags as Given['flags'], args: positionals }
}

const seeHelp = (command: Command): string => `See \`pipe ${command.name} --help\`.`

function unknownFlag(command: Command, raw: string): MillraceError {
  const near = closest(raw.replace(/^-+/, ''), Object.keys(command.flags))
  return usageError(`\`pipe ${command.name}\` has no flag ${raw}.`, near ? `Did you mean --${near}?` : seeHelp(command))
}

/** The text of `pipe <command> --help`. */
export function help(command: Command): string {
  const args = (command.args ?? []).map(([name]) => name).join(' ')
  const flags: [string, Flag][] = [
    ...Object.entries(command.flags),
    ['help', { type: 'boolean', description: 'Show this help.' }],
  ]
  const lines = [command.summary, '', `Usage: pipe ${command.name}${args ? ` ${args}` : ''} [flags]`]
  if (command.details) lines.push('', command.details)
  if (command.args?.length) lines.push('', 'Arguments:', ...columns(command.args))
  lines.push(
    '',
    'Flags:',
    ...columns(
      flags.map(([name, flag]) => [
        `--${name}${flag.type === 'boolean' ? '' : ` ${flag.value ?? 'VALUE'}`}`,
        flag.description,
      ]),
    ),
  )
  lines.push('', 'Examples:', ...command.examples.flatMap(([line, does]) => [`  ${line}`, `      ${does}`]))
  return `${lines.join('\n')}\n`
}

/** Two columns, the second aligned. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
