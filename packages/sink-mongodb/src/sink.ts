/**
 * The definition of `type: mongodb` as a sink. The driver is loaded when a connection is opened, so a check costs
 * nothing.
 */
import {
  defineSink,
  fieldOf,
  isNested,
  type Problem,
  type RecordType,
  type Sink,
  type SinkContext,
  type Type,
  typeText,
} from '@millrace/core'
import {
  documentFieldProblems,
  documentProblems,
  isLookedUp,
  keyFields,
  keyProblems,
  nullProblems,
  undeletable,
  withNulls,
} from '@millrace/kinds'
import { mongodbProblems, placeOf } from '@millrace/client-mongodb'
import { type Options, options } from './options.ts'
import type { OpenCollection } from './write.ts'

function checkOptions(o: Options): Problem[] {
  const indexable = (field: string) =>
    field === '' || field.startsWith('$') || /[.\0]/.test(field)
      ? 'MongoDB would take it for a path or an operator'
      : undefined
  return [...mongodbProblems(o), ...documentProblems(o, o.write, indexable), ...nullProblems(o, undeletable(o))]
}

function accepts(o: Options, input: RecordType): Problem[] {
  const isKey = keyFields(o)?.join() === '_id'
  const found = [...keyProblems(o, input), ...idProblems(o, input), ...(isKey ? [] : documentFieldProblems(input))]
  for (const [name, { type }] of Object.entries(input.fields)) {
    const wide = wideDecimal(type)
    if (wide)
      found.push({
        code: 'bad_value',
        message: `the field \`${name}\` has decimals of ${wide} digits, but MongoDB supports 34`,
        at: [],
        hint: 'cast it to string or to a shorter decimal',
      })
    if (/^\$|\0/.test(name))
      found.push({
        code: 'bad_value',
        message: `a document cannot have a field \`${name}\``,
        at: [],
        hint: 'rename it with `select`',
      })
  }
  return found
}

/** Contradictions between `id_type` and the key. */
function idProblems({ key, id_type: type = 'text' }: Options, input: RecordType): Problem[] {
  const names = keyFields({ key })
  const bad = (at: string, message: string, hint: string) => [{ code: 'bad_value', message, at: [at], hint }]
  if (type !== 'text' && names?.length !== 1)
    return bad('id_type', `\`id_type: ${type}\` needs a key of one field`, 'set `key` to the field that has the id')
  const of = names && fieldOf(input, names[0]!)?.type
  if (!of || of.kind === 'string' || type === 'value') return []
  if (type !== 'text')
    return bad('id_type', `\`id_type: ${type}\` needs a key of text, but it is ${typeText(of)}`, 'id_type: value')
  if (names.join() !== '_id') return []
  return bad('id_type', `\`_id\` is ${typeText(of)}, but would be written as text`, 'id_type: value')
}

/** Digits of a decimal that is too wide, anywhere in the type. */
function wideDecimal(type: Type): number | undefined {
  if (type.kind === 'decimal') return type.precision > 34 ? type.precision : undefined
  if (isNested(type)) return wideDecimal(type.of.type)
  if (type.kind !== 'object') return undefined
  for (const field of Object.values(type.record.fields)) {
    const wide = wideDecimal(field.type)
    if (wide) return wide
  }
  return undefined
}

function mapping(type: Type): string | undefined {
  switch (type.kind) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'integer':
      return 'int, double beyond 32 bits'
    case 'bigint':
      return 'long'
    case 'number':
      return 'double, int if it is whole'
    case 'decimal':
      return wideDecimal(type) ? undefined : 'decimal'
    case 'date':
      return 'date, midnight UTC'
    case 'timestamp':
      return 'date'
    case 'time':
      return 'string `HH:mm:ss`, with its fraction'
    case 'fine_timestamp':
      return `string \`yyyy-MM-ddTHH:mm:ss.${'S'.repeat(type.precision)}Z\`, since a date has milliseconds`
    case 'bytes':
      return 'binData'
    case 'list':
      return 'array'
    default:
      return type.kind === 'json' ? 'as it is' : 'object'
  }
}

function documentsSink(o: Options, ctx: SinkContext): Sink {
  let sink: OpenCollection | undefined
  return {
    async open({ signal }) {
      const { openCollection } = await import('./write.ts')
      sink = await openCollection(o, ctx, signal)
    },
    write: (records, { signal }) => sink!.write(records, signal),
    async close() {
      await sink?.close()
    },
  }
}

const idNames = { text: '', value: ' in its own type', objectid: ' as an ObjectId', uuid: ' as a UUID' } as const

export const mongodb = defineSink({
  kind: 'sink',
  type: 'mongodb',
  summary: 'Documents in a collection of MongoDB, by key.',
  options,
  serves: ['documents'],
  check: checkOptions,
  capabilities: (o) => ({
    label: 'effectively-once',
    how: `${o.write} by _id = ${keyFields(o)?.join(', ') ?? 'record id'}${idNames[o.id_type ?? 'text']}, w: majority, journalled`,
    key: keyFields(o) ?? 'record_id',
    limits: { document: '16 MB', number: '34 digits of a decimal, 64 bits of an integer' },
    combines: o.write === 'set',
    part: o.attribute?.name,
    keyed: o.write !== 'insert',
    onNull: o.on_null,
  }),
  accepts,
  mapping,
  writes: (o) => [placeOf(o)],
  create: (o, ctx) => withNulls(o, ctx, (each) => documentsSink(each, ctx)),
  async *query(o, env, query, signal) {
    const { queryCollection } = await import('./query.ts')
    yield* queryCollection(o, env, query, signal)
  },
  sorts: ({ kind }) => kind === 'string' || kind === 'integer' || kind === 'number',
  lookUp: (o, fields) => (isLookedUp(o, fields) ? 'index' : 'all'),
  async probe(o, env, signal) {
    const { probe } = await import('./query.ts')
    return probe(o, env, signal)
  },
})
