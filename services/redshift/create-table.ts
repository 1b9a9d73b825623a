/**
 * CREATE TABLE and ALTER TABLE as PostgreSQL takes them: keys are dropped, since Redshift enforces none; what says how
 * data is spread goes too; VARCHAR(n) counts bytes, by a CHECK; TEXT is VARCHAR(256); VARBYTE is bytea.
 */
import { afterBracket, plain, textOf, type Token, tokensOf } from './tokens.ts'

/** Clauses that only Redshift has, or that mean nothing there: r_CREATE_TABLE_NEW.html. */
const dropped: readonly RegExp[] = [
  /^DISTSTYLE \w+/,
  /^DISTKEY \( [^)]* \)/,
  /^DISTKEY/,
  /^((COMPOUND|INTERLEAVED) )?SORTKEY \( [^)]* \)/,
  /^SORTKEY( AUTO)?/,
  /^ENCODE \w+/,
  /^BACKUP (YES|NO)/,
  /^PRIMARY KEY( \( [^)]* \))?/,
  /^UNIQUE( \( [^)]* \))?/,
  /^REFERENCES \S+( \( [^)]* \))?/,
]

/** The tokens, changed if they are such a statement. */
export function createTable(tokens: readonly Token[]): readonly Token[] {
  const written = tokens.map(plain)
  const open = written.indexOf('(')
  const isCreate = written[0] === 'CREATE' && written.slice(0, 4).includes('TABLE') && open >= 0
  if (written[0] === 'ALTER' && written[1] === 'TABLE') return column(tokens, written.indexOf('COLUMN') + 1)
  if (!isCreate) return tokens
  const end = afterBracket(tokens, open)
  const items = split(tokens.slice(open + 1, end - 1))
    .map((item) => column(without(item), 0))
    .filter((item) => item.length > 0)
  const inner = items.map(textOf).join(',')
  const rest = textOf(without(tokens.slice(end)))
  return tokensOf(`${textOf(tokens.slice(0, open))} (${inner})${rest}`)
}

/** What is between commas. */
function split(tokens: readonly Token[]): Token[][] {
  const items: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token.text === '(') depth++
    if (token.text === ')') depth--
    if (token.text === ',' && depth === 0) items.push([])
    else items.at(-1)!.push(token)
  }
  return items
}

/** Without the clauses that are dropped. */
function without(tokens: readonly Token[]): Token[] {
  const left: Token[] = []
  for (let at = 0; at < tokens.length; ) {
    const words = tokens.slice(at).map(plain).join(' ')
    const clause = dropped.map((each) => each.exec(words)?.[0]).find((each) => each !== undefined)
    if (clause === undefined) left.push(tokens[at++]!)
    else at += clause.split(' ').length
  }
  return left
}

/** A column's definition; its name is at `from`. */
function column(tokens: readonly Token[], from: number): readonly Token[] {
  const text = textOf(tokens)
  const name = tokens[from]?.text
  const after = textOf(tokens.slice(from + 1))
  const before = textOf(tokens.slice(0, from + 1))
  const type =
    /^\s*(varchar|character\s+varying|nvarchar|text|varbyte|varbinary|binary\s+varying|char|bpchar)\b(?:\s*\(\s*(\d+|max)\s*\))?/i.exec(
      after,
    )
  if (!type || name === undefined) return tokens
  const rest = after.slice(type[0].length)
  if (/^var(byte|binary)|^binary/i.test(type[1]!)) {
    const length = Number(type[2] ?? 64_000)
    return tokensOf(`${before} bytea${rest} CHECK (octet_length(${name}) <= ${length})`)
  }
  if (/char$/i.test(type[1]!) && !/var/i.test(type[1]!)) return tokensOf(text)
  const length = type[2]?.toLowerCase() === 'max' ? 65_535 : Number(type[2] ?? 256)
  return tokensOf(`${before} varchar(${length})${rest} CHECK (octet_length(${name}) <= ${length})`)
}
