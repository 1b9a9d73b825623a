/**
 * `${env:NAME:-default}`, `${var:name}`, `${secret:name}` and `$${` in the texts of a tree. Interpolation happens after
 * parsing, in values only, never in keys, and inserted text is not interpolated again. Text that consists of a single
 * interpolation is later read as the type of its option. Secrets stay references.
 */
import { closest } from '../errors/closest.ts'
import { pathText, type Report } from './finding.ts'
import type { Insert, Place, ScalarNode, SpecNode, TextPart } from './tree.ts'

/** The value of a var. `isText`: it was declared as text. */
export interface VarValue {
  readonly text: string
  readonly isText: boolean
}

/** What interpolations can refer to. */
export interface Values {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The value of each declared var; undefined: declared but without a value (reported at its declaration). */
  readonly vars: ReadonlyMap<string, VarValue | undefined>
  /** The secret has a value. */
  hasSecret(name: string): boolean
}

/** The tree with all interpolations replaced. Nodes without any are kept as they are. */
export function interpolate(node: SpecNode, path: string, values: Values, report: Report): SpecNode {
  if (node.kind === 'scalar')
    return typeof node.value === 'string' && node.value.includes('${') ? fill(node, path, values, report) : node
  if (node.kind === 'list')
    return { ...node, items: node.items.map((item, i) => interpolate(item, `${path}[${i}]`, values, report)) }
  return {
    ...node,
    entries: node.entries.map((entry) => ({
      ...entry,
      value: interpolate(entry.value, pathText(path, [entry.key]), values, report),
    })),
  }
}

function fill(node: ScalarNode, path: string, values: Values, report: Report): ScalarNode {
  const parts: TextPart[] = []
  const inserts: Insert[] = []
  let plain = ''
  let last = 0
  const text = node.value as string
  const pattern = /\$\$\{|\$\{([^}]*)(\}?)/g
  let count = 0
  let broken = false
  for (const match of text.matchAll(pattern)) {
    plain += text.slice(last, match.index)
    last = match.index + match[0].length
    if (match[0] === '$${') {
      plain += '${'
      continue
    }
    count++
    const at = placeOf(node, match[0])
    const value =
      match[2] === '}' ? lookUp(match[1]!, at, path, values, report) : unreadable(match[0], at, path, report)
    if (value === undefined) broken = true
    else if ('text' in value) {
      inserts.push({
        start: plain.length,
        end: plain.length + value.text.length,
        written: match[0],
        isText: value.isText,
      })
      plain += value.text
    } else {
      if (plain) parts.push(plain)
      plain = ''
      parts.push(value)
    }
  }
  plain += text.slice(last)
  const isWhole = count === 1 && /^\$\{[^}]*\}$/.test(text)
  if (broken) return { ...node, broken }
  if (parts.length === 0) return { ...node, value: plain, text: plain, inserts, inserted: isWhole }
  if (plain) parts.push(plain)
  const shown = parts.map((part) => (typeof part === 'string' ? part : `\${secret:${part.$secret}}`)).join('')
  return { ...node, value: shown, text: shown, parts }
}

/** Where the interpolation is in the file, if it is there literally. */
function placeOf(node: ScalarNode, written: string): Place {
  const { file, start, end } = node.place
  const at = file.text.slice(start, end).indexOf(written)
  return at < 0 ? node.place : { file, start: start + at, end: start + at + written.length }
}

type Found = VarValue | { readonly $secret: string }

function lookUp(inside: string, at: Place, path: string, values: Values, report: Report): Found | undefined {
  const match = /^\s*(env|var|secret):(\w[\w.-]*?)(?::-([^]*))?\s*$/.exec(inside)
  if (!match || (match[3] !== undefined && match[1] !== 'env')) return unreadable(`\${${inside}}`, at, path, report)
  const name = match[2]!
  if (match[1] === 'env') {
    const value = values.env[name] || match[3]
    if (value === undefined)
      report('env_missing', at, path, `the environment variable \`${name}\` is not set`, {
        hint: `set it, or give a default: \${env:${name}:-default}`,
      })
    return value === undefined ? undefined : { text: value, isText: false }
  }
  if (match[1] === 'var') {
    if (!values.vars.has(name)) {
      const near = closest(name, values.vars.keys())
      report('var_unknown', at, path, `no var \`${name}\` is declared`, {
        hint: near ? `did you mean \`${near}\`?` : `declare it: vars: { ${name}: { type: string } }`,
      })
    }
    return values.vars.get(name)
  }
  if (!values.hasSecret(name))
    report('secret_missing', at, path, `the secret \`${name}\` has no value`, {
      hint: `set ${secretVariable(name)}, or put it into a file \`${name}\` in the folder given by --secrets-dir`,
    })
  return { $secret: name }
}

function unreadable(written: string, at: Place, path: string, report: Report): undefined {
  report('bad_interpolation', at, path, `\`${written}\` is not an interpolation`, {
    expected: '${env:NAME}, ${env:NAME:-default}, ${var:name} or ${secret:name}',
    hint: 'write `$${` for a literal `${`',
  })
  return undefined
}

/** The environment variable that holds a secret: `MILLRACE_SECRET_DB_PASSWORD` for `db-password`. */
export const secretVariable = (name: string): string =>
  `MILLRACE_SECRET_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
