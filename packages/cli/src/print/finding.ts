/** Prints findings of `check`, for people and for tools. */
import { type Finding, hide, hiddenJson } from '@millrace/core'
import type { Io } from '../io.ts'

/** The printed fields of a finding. */
export interface Printable extends Omit<Finding, 'path'> {
  /** The profiles under which it was found, if several were checked. */
  readonly profiles?: readonly string[]
}

/** The formats of `--format`. */
export const formats = ['text', 'json', 'sarif', 'github'] as const
/** One of them. */
export type Format = (typeof formats)[number]

/** Findings in one of the formats. `textOf` returns a file's text, for the excerpt. */
export function printFindings(
  findings: readonly Printable[],
  format: Format,
  io: Io,
  textOf: (file: string) => string | undefined,
): void {
  switch (format) {
    case 'json':
      io.out(`${hiddenJson({ ok: !findings.some((f) => f.severity === 'error'), findings }, 2)}\n`)
      return
    case 'sarif':
      io.out(`${hiddenJson(sarif(findings), 2)}\n`)
      return
    case 'github':
      for (const f of findings)
        io.out(
          `::${f.severity} file=${f.file},line=${f.line},col=${f.col},title=${f.code}::${escapeCommand(hide(sentence(f)))}\n`,
        )
      return
    case 'text':
      for (const f of findings) io.err(`${text(f, textOf(f.file))}\n`)
  }
}

/** One finding with the line it is about. */
function text(f: Printable, source: string | undefined): string {
  const lines = [
    `${f.file}:${f.line}:${f.col}  ${f.severity} ${f.code}${f.profiles ? `  (${under(f.profiles)})` : ''}`,
    `  ${hide(f.message)}`,
  ]
  if (f.expected !== undefined)
    lines.push(`  expected ${f.expected}${f.got === undefined ? '' : `, got ${hide(f.got)}`}`)
  const excerpt = source?.split(/\r?\n/, f.line)[f.line - 1]
  if (excerpt !== undefined && excerpt.length < 200) {
    const margin = ' '.repeat(String(f.line).length)
    lines.push(
      `  ${f.line} | ${hide(excerpt, true)}`,
      `  ${margin} | ${' '.repeat(f.col - 1)}${'^'.repeat(f.endLine === f.line ? Math.max(1, f.endCol - f.col) : 1)}`,
    )
  }
  if (f.hint !== undefined) lines.push(`  ${hide(f.hint)}`)
  return `${lines.join('\n')}\n`
}

const under = (profiles: readonly string[]): string =>
  `${profiles.length === 1 ? 'profile' : 'profiles'} ${profiles.join(', ')}`

const sentence = (f: Printable): string =>
  [
    f.message,
    f.expected === undefined ? '' : `expected ${f.expected}${f.got === undefined ? '' : `, got ${f.got}`}`,
    f.hint ?? '',
    f.profiles ? under(f.profiles) : '',
  ]
    .filter(Boolean)
    .join(' — ')

// Workflow commands of GitHub: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
const escapeCommand = (message: string): string =>
  message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

// SARIF 2.1.0, the minimum that code scanning needs.
const sarif = (findings: readonly Printable[]) => ({
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
  version: '2.1.0',
  runs: [
    {
      tool: { driver: { name: 'millrace', rules: [...new Set(findings.map((f) => f.code))].map((id) => ({ id })) } },
      results: findings.map((f) => ({
        ruleId: f.code,
        level: f.severity,
        message: { text: sentence(f) },
        locations: [
          {
            physicalLocation: { artifactLocation: { uri: f.file }, region: { startLine: f.line, startColumn: f.col } },
          },
        ],
      })),
    },
  ],
})
