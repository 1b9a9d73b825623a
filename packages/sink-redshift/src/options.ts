/** The options, their checks, and how values are stored. */
import { option, type Problem, type RecordType, type Static, type Type } from '@millrace/core'
import { glueOptions, glueProblems } from '@millrace/client-glue'
import { nameProblem, type PostgresOptions, postgresOptions, postgresProblems } from '@millrace/client-postgres'
import { keyProblems, s3Options, s3Problems } from '@millrace/client-s3'
import {
  type ColumnRules,
  defaultRoll,
  type Roll,
  rollOf,
  tableAccepts,
  tableExisting,
  tableOptions,
  tableProblems,
} from '@millrace/kinds'
import { columnType, mostTextBytes } from './columns.ts'

export const options = option.object({
  ...postgresOptions,
  url: option.optional(postgresOptions.url),
  ...s3Options,
  path: option.text('What the keys of staged files begin with, as a folder of the bucket.', {
    tuning: true,
    default: 'millrace/',
  }),
  iam_role: option.optional(
    option.text('The role with which Redshift reads the bucket: its ARN, several for a chain, or `default`.', {
      example: 'arn:aws:iam::123456789012:role/load',
    }),
  ),
  load: option.oneOf(['copy', 'glue'], 'Who loads what is staged: Redshift itself, by COPY, or a job of AWS Glue.', {
    tuning: true,
    default: 'copy',
  }),
  glue: option.optional(option.object(glueOptions, 'The job that loads, for `load: glue`.', { tuning: true })),
  ...tableOptions,
  existing: tableExisting,
  create: option.boolean('False: the table must exist. It is created otherwise, by COPY only.', {
    tuning: true,
    default: true,
  }),
  max_text_bytes: option.integer('The length of VARCHAR columns of a new table, in bytes.', {
    tuning: true,
    default: mostTextBytes,
    min: 1,
    max: mostTextBytes,
  }),
  roll: option.optional(
    option.object(
      {
        size: option.size('The compressed size of a load; approximate.', { tuning: true, default: '128MiB' }),
        records: option.integer('The number of records in a load; approximate.', {
          tuning: true,
          default: 1_000_000,
          min: 1,
        }),
        time: option.duration('How long records wait for a load.', { tuning: true, default: '60s' }),
      },
      'When staged records are loaded. The first limit that is reached applies.',
    ),
  ),
  part_size: option.size('The compressed size of a staged file. Redshift reads several at once.', {
    tuning: true,
    default: '8MiB',
  }),
  compupdate: option.oneOf(['off', 'on', 'preset'], 'COMPUPDATE of COPY: whether it chooses encodings.', {
    tuning: true,
    default: 'off',
  }),
  statupdate: option.oneOf(['off', 'on'], 'STATUPDATE of COPY: whether it updates statistics.', {
    tuning: true,
    default: 'off',
  }),
  after_load: option.oneOf(['delete', 'keep'], 'What becomes of staged files once they are loaded.', {
    tuning: true,
    default: 'delete',
  }),
})
/** The resolved options. */
export type Options = Static<typeof options>

/** How to connect. `url` is set. */
export const connectionOf = (o: Options): PostgresOptions => ({ ...o, url: o.url! })

/** The bounds of a load. */
export const boundsOf = (o: Options): Roll => rollOf(o) ?? defaultRoll

/** Redshift's management guide, "Names and identifiers" and "Quotas and limits". */
const rules: ColumnRules = {
  system: 'Redshift',
  mostColumns: 1598,
  foldsCase: true,
  nameProblem: (name) => nameProblem(name, 127),
}

const role = /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/

const bad = (at: string, message: string, hint?: string): Problem => ({
  code: 'bad_value',
  at: [at],
  message,
  ...(hint === undefined ? {} : { hint }),
})

/** Contradictions between options, independent of the records. */
export function optionProblems(o: Options): Problem[] {
  const found = [...s3Problems(o), ...keyProblems(o.path, ['path']), ...loadProblems(o), ...tableProblems(o, rules)]
  const schema = rules.nameProblem(o.schema)
  if (schema) found.push(bad('schema', `\`${o.schema}\` is not a valid name: ${schema}`))
  // They become part of a statement, in which a backslash may be special.
  // oxlint-disable-next-line no-control-regex
  if (/['"\\\u0000-\u001f]/.test(o.path))
    found.push(bad('path', 'quotes, backslashes and control characters are not allowed'))
  if (o.iam_role !== undefined && o.iam_role !== 'default' && !o.iam_role.split(/,(?=arn:)/).every((r) => role.test(r)))
    found.push(bad('iam_role', `\`${o.iam_role}\` is not the ARN of a role`, 'arn:aws:iam::ACCOUNT:role/NAME'))
  // Redshift's developer guide, "Loading data files": 1 MB to 1 GB; less is for small loads.
  if (o.part_size < 65_536 || o.part_size > 512 * 1024 * 1024)
    found.push(bad('part_size', 'a staged file has 64 KiB to 512 MiB, since it is held in memory'))
  return found
}

function loadProblems(o: Options): Problem[] {
  const missing = (name: string): Problem => ({
    code: 'missing_key',
    at: [],
    message: `\`load: ${o.load}\` needs \`${name}\``,
  })
  if (o.load === 'glue')
    return [
      ...(o.glue ? glueProblems(o.glue, o).map((problem) => ({ ...problem, at: ['glue', ...problem.at] })) : []),
      ...(o.glue ? [] : [missing('glue')]),
      ...(o.write === 'merge'
        ? [bad('write', '`load: glue` only appends: what a job does by key is not known', 'load: copy')]
        : []),
    ]
  return [
    ...(o.url === undefined ? [missing('url')] : postgresProblems(connectionOf(o))),
    ...(o.iam_role === undefined ? [missing('iam_role')] : []),
    ...(o.glue ? [bad('glue', '`glue` is for `load: glue` only')] : []),
  ]
}

/** Redshift's developer guide, "DECIMAL or NUMERIC type". */
const mostDigits = 38

/** Problems with writing records of this type. */
export function accepts(o: Options, input: RecordType): Problem[] {
  const found = tableAccepts(o, input, rules)
  for (const [name, { type }] of Object.entries(input.fields))
    if (type.kind === 'decimal' && type.precision > mostDigits)
      found.push({
        code: 'bad_value',
        at: [],
        message: `the field \`${name}\` has ${type.precision} digits, and a decimal of Redshift at most ${mostDigits}`,
        hint: 'convert it with `cast`, or to a string',
      })
  return found
}

/** How a type is stored. */
export const mapping = (type: Type): string => columnType(type, mostTextBytes)
