/** Findings: the errors and warnings of a check. */
import type { Problem } from '../errors/index.ts'
import { catalogue, type FindingCode } from '../errors/catalogue.ts'
import { isTextValue } from './bind.ts'
import { lineAndColumn, nodeAt, type Place, placeWithin, type SpecNode } from './tree.ts'

/** One error or warning, with its place. */
export interface Finding {
  /** Stable; explained in the error catalogue. */
  readonly code: string
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** As shown to users: relative to the project folder. */
  readonly file: string
  /** 1-based; columns in UTF-16 units. */
  readonly line: number
  readonly col: number
  readonly endLine: number
  readonly endCol: number
  /** Where in the spec, as a path: `steps[2].where`. */
  readonly path: string
  readonly expected?: string
  readonly got?: string
  readonly hint?: string
}

/** Details of a finding other than its code and message. */
export interface FindingDetails {
  readonly expected?: string | undefined
  readonly got?: string | undefined
  readonly hint?: string | undefined
}

/** Collects findings, one per place and code, and sorts them by their place in the file. */
export interface Report {
  (code: FindingCode, at: Place, path: string, message: string, more?: FindingDetails): void
  /** A problem that a definition found inside the config `node`, which is at `path`. */
  problem(problem: Problem, node: SpecNode, path: string): void
  /** Something here cannot be judged because of an error that was reported before. */
  broken(): void
  /** Incremented by each error and each `broken`; warnings do not count. */
  errors(): number
  findings(): readonly Finding[]
}

/** `main`: the file whose findings come first; `before`: findings to start with. */
export function createReport(main = '', before: readonly Finding[] = []): Report {
  const found = new Map<string, Finding>()
  let errors = before.filter((finding) => finding.severity === 'error').length
  const rank = (finding: Finding) => (finding.file === main ? 0 : 1)
  const keyOf = (code: string, file: string, line: number, col: number, what: string) =>
    `${code} ${file}:${line}:${col} ${what}`
  // A mistake in a connection is one finding, however many sources and sinks use it.
  const said = new Set<string>()
  for (const finding of before)
    found.set(keyOf(finding.code, finding.file, finding.line, finding.col, finding.path), finding)
  const add = (code: string, at: Place, path: string, message: string, more: FindingDetails = {}) => {
    const { line, col } = lineAndColumn(at.file, at.start)
    const end = lineAndColumn(at.file, Math.max(at.end, at.start))
    const severity = catalogue[code]?.severity ?? 'error'
    const hint = more.hint ?? catalogue[code]?.hint
    const key = keyOf(code, at.file.path, line, col, path)
    if (severity === 'error') errors++
    const words = keyOf(code, at.file.path, line, col, message)
    if (found.has(key) || said.has(words)) return
    said.add(words)
    const finding: Finding = {
      code,
      severity,
      message,
      file: at.file.path,
      line,
      col,
      endLine: end.line,
      endCol: end.col,
      path,
      expected: more.expected,
      got: more.got,
      hint,
    }
    found.set(key, finding)
  }
  const report = add as unknown as Report
  report.problem = (problem, node, path) => {
    const place = nodeAt(node, problem.at)
    const last = problem.at.at(-1)
    const whole = place.found ? place.node.place : (place.key?.keyPlace ?? place.node.place)
    // The finding is about the key itself, and is shown there.
    const at =
      place.found && problem.span && place.node.kind === 'scalar'
        ? placeWithin(place.node, problem.span)
        : problem.key || keyCodes.has(problem.code)
          ? (place.key?.keyPlace ?? whole)
          : whole
    const values = valuesIn(place.found && problem.span ? place.node : undefined)
    const message = values.length > 0 ? `${problem.message} (${values.join(', ')})` : problem.message
    add(problem.code, at, last === undefined ? path : pathText(path, problem.at), message, problem)
  }
  report.broken = () => {
    errors++
  }
  report.errors = () => errors
  report.findings = () =>
    [...found.values()].sort(
      (a, b) => rank(a) - rank(b) || (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.col - b.col),
    )
  return report
}

/** What the values that were put into an expression are; never the values, which may come from outside. */
function valuesIn(node: SpecNode | undefined): readonly string[] {
  if (node?.kind !== 'scalar') return []
  return (node.inserts ?? []).map(({ start, end, written, isText }) => {
    const value = node.text.slice(start, end)
    const kind = isTextValue(value, isText) ? 'text' : /^[tf]/.test(value) ? 'a boolean' : 'a number'
    return `\`${written}\` is ${kind}`
  })
}

/** Runs `attempt` with a report that is discarded; true if it reported nothing. */
export function isQuiet(attempt: (report: Report) => void): boolean {
  let isRight = true
  const wrong = () => {
    isRight = false
  }
  attempt(Object.assign(wrong, { problem: wrong, broken: wrong, errors: () => 0, findings: () => [] }))
  return isRight
}

const keyCodes: ReadonlySet<string> = new Set(['unknown_key', 'duplicate_key', 'bad_field_name', 'schema_rule_ignored'])

/** A path as text: `steps[2].set.total`. */
export function pathText(base: string, parts: readonly (string | number)[]): string {
  let text = base
  for (const part of parts) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[\w$-]+$/.test(part)) text += text ? `.${part}` : part
    else text += `[${JSON.stringify(part)}]`
  }
  return text
}
