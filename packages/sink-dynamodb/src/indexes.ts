/** `indexes`: global secondary indexes, made with the table. */
import { fieldOf, type Problem, type RecordType, typeText } from '@millrace/core'
import { keyType } from '@millrace/client-dynamodb'
import type { TableIndex } from '@millrace/client-dynamodb/driver'
import type { Options } from './options.ts'

/** An index for each list of fields, named by them. The fields have been checked. */
export const indexesOf = (o: Options, schema: RecordType): TableIndex[] =>
  (o.indexes ?? []).map((fields) => ({
    name: nameOf(fields),
    key: fields.map((name) => ({ name, type: keyType(fieldOf(schema, name)!.type)! })),
  }))

const nameOf = (fields: readonly string[]): string => {
  const name = fields.join('.').replaceAll(/[^\w.-]/g, '_')
  return name.length < 3 ? `by.${name}` : name
}

/** Limits of a table: DynamoDB's developer guide, "Constraints". */
export function indexProblems(o: Options, input: RecordType): Problem[] {
  const found: Problem[] = []
  const wrong = (at: (string | number)[], message: string) =>
    found.push({ code: 'bad_value', message, at: ['indexes', ...at] })
  if ((o.indexes ?? []).length > 20) wrong([], 'a table of DynamoDB has at most 20 indexes')
  for (const [i, fields] of (o.indexes ?? []).entries()) {
    if (fields.length > 2) wrong([i], 'an index of DynamoDB has at most two fields')
    for (const [k, name] of fields.entries()) {
      const type = fieldOf(input, name)?.type
      if (type && !keyType(type))
        wrong([i, k], `\`${name}\` cannot be in an index of DynamoDB: it is ${typeText(type)}`)
    }
  }
  return found
}
