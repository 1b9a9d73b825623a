/** COPY FROM S3 as this stand-in reads it: r_COPY.html, and its pages of parameters. Other options are refused. */
import { Refused } from './statements.ts'
import { afterBracket, plain, textOf, type Token } from './tokens.ts'

/** A statement that was understood. */
export interface CopyStatement {
  /** As PostgreSQL takes it. */
  readonly table: string
  /** Names, folded; empty: all columns. */
  readonly columns: readonly string[]
  readonly bucket: string
  readonly key: string
  readonly isManifest: boolean
  readonly isGzip: boolean
  readonly nothing: string
  readonly emptyAsNull: boolean
  readonly delimiter: string
  readonly headers: number
}

const unquoted = (token: Token | undefined): string =>
  (token?.text ?? '').replace(/^['"]|['"]$/g, '').replaceAll("''", "'")

/** The statement. Throws `Refused`. */
export function copyStatement(tokens: readonly Token[]): CopyStatement {
  const written = tokens.map(plain)
  const from = written.indexOf('FROM')
  if (from < 0) throw new Refused('COPY without FROM', '42601')
  const open = written.indexOf('(')
  const hasColumns = open > 0 && open < from
  const table = textOf(tokens.slice(1, hasColumns ? open : from))
    .trim()
    .toLowerCase()
  const columns = hasColumns
    ? tokens
        .slice(open + 1, afterBracket(tokens, open) - 1)
        .filter(({ text }) => text !== ',')
        .map((token) => unquoted(token).toLowerCase())
    : []
  const place = /^s3:\/\/([^/]+)\/(.*)$/.exec(unquoted(tokens[from + 1]))
  if (!place) throw new Refused('COPY reads from s3:// only', '42601')
  const found = parameters(tokens.slice(from + 2))
  if (found['IAM_ROLE'] === undefined) throw new Refused('COPY needs IAM_ROLE', '42601')
  if (found['CSV'] === undefined) throw new Refused('this stand-in reads CSV only')
  return {
    table,
    columns,
    bucket: place[1]!,
    key: place[2]!,
    isManifest: found['MANIFEST'] !== undefined,
    isGzip: found['GZIP'] !== undefined,
    nothing: found['NULL'] ?? '\\N',
    emptyAsNull: found['EMPTYASNULL'] !== undefined,
    delimiter: found['DELIMITER'] ?? ',',
    headers: Number(found['IGNOREHEADER'] ?? 0),
  }
}

/** The parameters, and whether each is followed by a value. */
const known: Readonly<Record<string, 'alone' | 'value' | RegExp>> = {
  MANIFEST: 'alone',
  CSV: 'alone',
  GZIP: 'alone',
  EMPTYASNULL: 'alone',
  IAM_ROLE: 'value',
  REGION: 'value',
  NULL: 'value',
  DELIMITER: 'value',
  IGNOREHEADER: 'value',
  DATEFORMAT: /^(auto|YYYY-MM-DD)$/,
  TIMEFORMAT: /^(auto|YYYY-MM-DD HH:MI:SS)$/,
  COMPUPDATE: /^(ON|OFF|PRESET)$/i,
  STATUPDATE: /^(ON|OFF)$/i,
  MAXERROR: /^0$/,
}

function parameters(tokens: readonly Token[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (let at = 0; at < tokens.length; ) {
    const name = plain(tokens[at++]!)
    if (name === 'FORMAT' || name === 'AS') continue
    const takes = Object.hasOwn(known, name) ? known[name]! : undefined
    if (takes === undefined)
      throw new Refused(`syntax error, or a parameter of COPY that is not known: ${name}`, '42601')
    if (takes === 'alone') {
      found[name] = ''
      continue
    }
    if (plain(tokens[at] ?? tokens[at - 1]!) === 'AS') at++
    const value = unquoted(tokens[at++])
    if (takes instanceof RegExp && !takes.test(value)) throw new Refused(`${name} ${value} is not known here`)
    found[name] = value
  }
  return found
}
