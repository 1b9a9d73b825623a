/**
 * The statements that this stand-in takes: each has a page of Redshift's developer guide that describes it
 * (docs.aws.amazon.com/redshift/latest/dg/PAGE). Everything else is refused, since PostgreSQL would take much that
 * Redshift does not.
 */
import { createTable } from './create-table.ts'
import { findWords, plain, textOf, type Token } from './tokens.ts'

/** The pages, by the first words of a statement. */
export const statements: readonly (readonly [words: string, page: string])[] = [
  ['BEGIN', 'r_BEGIN.html'],
  ['START TRANSACTION', 'r_BEGIN.html'],
  ['COMMIT', 'r_COMMIT.html'],
  ['ROLLBACK', 'r_ROLLBACK.html'],
  ['LOCK', 'r_LOCK.html'],
  ['COPY', 'r_COPY.html'],
  ['CREATE TABLE', 'r_CREATE_TABLE_NEW.html'],
  ['CREATE TEMP TABLE', 'r_CREATE_TABLE_NEW.html'],
  ['CREATE TEMPORARY TABLE', 'r_CREATE_TABLE_NEW.html'],
  ['CREATE SCHEMA', 'r_CREATE_SCHEMA.html'],
  ['DROP TABLE', 'r_DROP_TABLE.html'],
  ['DROP SCHEMA', 'r_DROP_SCHEMA.html'],
  ['ALTER TABLE', 'r_ALTER_TABLE.html'],
  ['INSERT INTO', 'r_INSERT_30.html'],
  ['UPDATE', 'r_UPDATE.html'],
  ['DELETE', 'r_DELETE.html'],
  ['SELECT', 'r_SELECT_synopsis.html'],
  ['WITH', 'r_WITH_clause.html'],
]

/** What PostgreSQL has and Redshift has not: c_unsupported-postgresql-features.html, -functions.html, -types.html. */
export const unsupported: readonly string[] = [
  'ON CONFLICT',
  'RETURNING',
  'DISTINCT ON',
  'ON COMMIT',
  'FOR UPDATE',
  'FOR SHARE',
  'FROM STDIN',
  'TO SAVEPOINT',
  'LATERAL',
  'GENERATED ALWAYS',
  'JSONB',
  'JSON',
  'BYTEA',
  'UUID',
  'SERIAL',
  'BIGSERIAL',
  'REGCLASS',
  'TO_REGCLASS',
  'HASHTEXTEXTENDED',
  'PG_ADVISORY_XACT_LOCK',
  'PG_ADVISORY_LOCK',
  'CHECK',
]

/** A statement is refused. */
export class Refused extends Error {
  readonly code: string

  constructor(message: string, code = '0A000') {
    super(message)
    this.code = code
  }
}

/** Throws `Refused` for what Redshift does not know. */
export function checkStatement(tokens: readonly Token[]): void {
  const written = tokens.map(plain)
  const words = written.join(' ')
  if (!statements.some(([first]) => words === first || words.startsWith(`${first} `)))
    throw new Refused(`${textOf(tokens.slice(0, 3)).trim()}: no statement that this stand-in knows from the manual`)
  const wrong = unsupported.find((each) => findWords(tokens, each.split(' ')) >= 0)
  if (wrong) throw new Refused(`${wrong} is not supported by Redshift`)
}

/** What PostgreSQL is asked instead. `lastCopy`: the rows of the last COPY of the session. */
export function translated(tokens: readonly Token[], lastCopy: number): string {
  const made = tokens.map((token): Token => {
    // Names are folded, also quoted ones: r_names.html.
    if (token.kind === 'name') return { ...token, text: token.text.toLowerCase() }
    return token
  })
  const at = findWords(made, ['PG_LAST_COPY_COUNT', '(', ')'])
  if (at >= 0) made.splice(at, 3, { kind: 'other', text: String(lastCopy), before: made[at]!.before })
  return textOf(createTable(made))
}
