/**
 * The definition of `type: dynamodb` as a sink. The SDK is loaded when a connection is opened, so a check costs
 * nothing.
 */
import {
  defineSink,
  isNested,
  type Problem,
  type RecordType,
  type Sink,
  type SinkContext,
  type Type,
} from '@millrace/core'
import {
  documentFieldProblems,
  documentProblems,
  keyFields,
  keyProblems,
  nullProblems,
  undeletable,
  withNulls,
} from '@millrace/kinds'
import { dynamodbProblems, mostDigits, placeOf } from '@millrace/client-dynamodb'
import { guardFieldProblems, guardProblems } from './guard.ts'
import { indexProblems } from './indexes.ts'
import { type Options, options } from './options.ts'
import type { OpenTable } from './write.ts'

function accepts(o: Options, input: RecordType): Problem[] {
  const found = [
    ...keyProblems(o, input),
    ...documentFieldProblems(input),
    ...indexProblems(o, input),
    ...guardFieldProblems(o, input),
  ]
  const problem = (message: string, hint: string) => found.push({ code: 'bad_value', message, at: [], hint })
  for (const [name, { type }] of Object.entries(input.fields)) {
    const digits = decimalDigits(type)
    if (digits > mostDigits)
      problem(
        `the field \`${name}\` has decimals of ${digits} digits, but DynamoDB keeps ${mostDigits}`,
        'cast it to string or to a shorter decimal',
      )
    if (name === '') problem('an item cannot have an attribute without a name', 'rename it with `select`')
  }
  return found
}

/** Digits of the longest decimal, anywhere in the type; 0: there is none. */
function decimalDigits(type: Type): number {
  if (type.kind === 'decimal') return type.precision
  if (isNested(type)) return decimalDigits(type.of.type)
  if (type.kind !== 'object') return 0
  return Math.max(0, ...Object.values(type.record.fields).map((field) => decimalDigits(field.type)))
}

function mapping(type: Type): string | undefined {
  switch (type.kind) {
    case 'boolean':
      return 'BOOL'
    case 'integer':
    case 'bigint':
      return 'N'
    case 'number':
      return 'N; no infinity, no NaN, and nothing beyond 1E+126'
    case 'decimal':
      return type.precision > mostDigits ? undefined : 'N'
    case 'bytes':
      return 'B'
    case 'list':
      return 'L'
    case 'map':
    case 'object':
      return 'M'
    case 'json':
      return 'as it is'
    default:
      return type.kind === 'string' ? 'S' : 'S, as in JSON'
  }
}

function itemsSink(o: Options, ctx: SinkContext): Sink {
  let table: OpenTable | undefined
  const close = () => {
    table?.close()
    table = undefined
  }
  return {
    async open(opening) {
      close()
      const { openTable } = await import('./write.ts')
      table = await openTable(o, ctx, opening)
    },
    write: (records, context) => table!.write(records, context),
    close: () => Promise.resolve(close()),
  }
}

export const dynamodb = defineSink({
  kind: 'sink',
  type: 'dynamodb',
  summary: 'Documents in a table of DynamoDB, by key.',
  options,
  serves: ['documents'],
  check: (o) => [
    ...dynamodbProblems(o),
    ...documentProblems(o, o.write, () => undefined),
    ...guardProblems(o),
    ...nullProblems(o, o.guard ? 'a record without a value has none of the `guard` to compare' : undeletable(o)),
  ],
  capabilities: (o) => ({
    label: 'effectively-once',
    how: `${o.write} by ${keyFields(o)?.join(', ') ?? 'record id'}${o.guard ? `, over a smaller ${o.guard.field} only` : ''}${o.indexes ? '; indexes follow a moment later, and each write is paid once more for each of them' : ''}`,
    key: keyFields(o) ?? 'record_id',
    limits: {
      document: '400 KB, with the names of its attributes',
      'partition key': '2,048 bytes',
      'sort key': '1,024 bytes',
      number: '38 digits, from 1E-130 to 1E+126',
    },
    combines: o.write === 'set',
    part: o.attribute?.name,
    // A result that comes again may have an equal guard, and would not replace the one before.
    keyed: o.write !== 'insert' && !o.guard,
    onNull: o.on_null,
  }),
  writes: (o) => [placeOf(o)],
  accepts,
  mapping,
  create: (o, ctx) => withNulls(o, ctx, (each) => itemsSink(each, ctx)),
  async *query(o, env, query, signal) {
    const { queryTable } = await import('./query.ts')
    yield* queryTable(o, env, query, signal)
  },
  lookUp: ({ key, indexes = [] }, fields) =>
    [[key ?? []].flat(), ...indexes].some(([first]) => first !== undefined && fields.includes(first))
      ? 'index'
      : 'refused',
  async probe(o, env, signal) {
    const { probe } = await import('./query.ts')
    return probe(o, env, signal)
  },
})
