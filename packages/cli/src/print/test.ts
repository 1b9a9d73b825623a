/** Results of `pipe test`, as text and as JSON. */
import { type Difference, flowText } from '@millrace/core'
import type { CaseRun } from '../test-file.ts'
import { span } from './table.ts'

/** A case as lines of text. */
export function caseText({ case: one, result }: CaseRun, file: string): string {
  const { ok, durationMs, kills, crashes, error, isErrorWrong, isOpen } = result
  // Fast cases print the same text each time.
  const more = [...(durationMs < 1000 ? [] : [span(durationMs)]), ...(kills > 0 ? [`killed ${kills} times`] : [])]
  const lines = [`  ${ok ? 'ok  ' : 'FAIL'}  ${one.name}${more.length > 0 ? ` (${more.join(', ')})` : ''}`]
  if (isErrorWrong)
    lines.push(
      error
        ? `    the run failed: ${error.code}${error.place ? ` at ${error.place}` : ''}: ${error.message}`
        : '    the run did not fail as it should',
    )
  for (const text of result.imbalances) lines.push(`    it does not balance: ${text}`)
  if (isOpen) lines.push('    it expects nothing yet: `pipe test --update` writes down what comes out')
  for (const difference of result.differences) lines.push(...differenceLines(difference, file))
  const [crash] = crashes
  if (crash) lines.push(`    killed at ${crash.point}, first in epoch ${crash.epoch}, it gives something else:`)
  for (const { difference } of crashes) lines.push(...differenceLines(difference, file))
  return `${lines.join('\n')}\n`
}

function differenceLines({ sink, kind, expected, got, line, col }: Difference, file: string): string[] {
  const place = `(${file}:${line}:${col})`
  // Of these a case names only the fields that matter to it.
  const isPartial = sink === 'dead_letter' || sink === 'answers'
  const of = sink === 'dead_letter' ? letter : (record: unknown) => flowText(record)
  if (kind === 'missing') return [`    ${sink}: missing ${place}`, `      - ${flowText(expected)}`]
  if (kind === 'unexpected') return [`    ${sink}: unexpected ${place}`, `      + ${of(got)}`]
  if (kind === 'moved') return [`    ${sink}: at another place ${place}`, `        ${of(got)}`]
  const names = [...new Set([...Object.keys(expected!), ...(isPartial ? [] : Object.keys(got!))])]
  const changes = names
    .filter((name) => JSON.stringify(expected![name]) !== JSON.stringify(got![name]))
    .map((name) => `      ${name}: expected ${shown(expected![name])}, got ${shown(got![name])}`)
  return [`    ${sink}: changed ${place}`, `        ${flowText(expected)}`, ...changes]
}

/** The fields of a dead letter that say why it is there. */
function letter(record: Difference['got']): string {
  const { step, code, field, message, raw } = record!
  return flowText({ step, code, ...(field === undefined ? {} : { field }), message, raw })
}

const shown = (value: unknown): string => (value === undefined ? 'nothing' : flowText(value))

/** A case as data. */
export function caseJson({ case: one, result }: CaseRun, file: string): Record<string, unknown> {
  const { ok, durationMs, kills, differences, crashes, error, isErrorWrong, isOpen } = result
  return {
    file,
    line: one.line,
    col: one.col,
    name: one.name,
    ok,
    durationMs: Math.round(durationMs),
    differences,
    ...(error ? { error, expected: !isErrorWrong } : isErrorWrong ? { error: null, expected: false } : {}),
    ...(result.imbalances.length > 0 ? { imbalances: result.imbalances } : {}),
    ...(isOpen ? { open: true } : {}),
    ...(one.crashes ? { kills, crashes } : {}),
  }
}
