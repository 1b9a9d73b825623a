/** `default`: a constant for a field without a value. */
import {
  DataError,
  defineTransform,
  type Field,
  fieldReader,
  fromJson,
  option,
  type Problem,
  type Row,
  typeText,
} from '@millrace/core'
import { lookUp, unchangedBut, withFields } from './fields.ts'
import { columnsWith, rowMaker } from './rows.ts'

export const defaults = defineTransform({
  kind: 'transform',
  type: 'default',
  summary: 'Replaces null and absent values with a constant; the fields are then no longer optional.',
  oneForOne: true,
  options: option.map(
    option.any("The constant, written as the field's type is in JSON."),
    'Fields and their constants.',
    {
      example: { Country: 'unknown' },
    },
  ),

  infer(config, { input }) {
    const problems: Problem[] = []
    const changes = new Map<string, Field>()
    for (const [name, constant] of Object.entries(config)) {
      const field = lookUp(input, name, [name], problems, true)
      if (!field) continue
      changes.set(name, { type: field.type, optional: false })
      try {
        fromJson(field.type)(constant)
      } catch (error) {
        const message = error instanceof DataError ? error.message : String(error)
        problems.push({
          code: 'wrong_type',
          message: `the default of \`${name}\`: ${message}`,
          at: [name],
          expected: typeText(field.type),
        })
      }
    }
    return { output: withFields(input, changes), problems, unchanged: unchangedBut(input, Object.keys(config)) }
  },

  create(config, { input }) {
    const names = Object.keys(config)
    const reads = names.map(fieldReader)
    const constants = names.map((name) => fromJson(input.fields[name]!.type)(config[name]))
    const make = rowMaker(columnsWith(input, names), input, true)
    const values = new Array<unknown>(names.length)
    const lacks = (row: Row): boolean => {
      for (let k = 0; k < reads.length; k++) if (reads[k]!(row) === null) return true
      return false
    }
    const fill = (row: Row): Row => {
      for (let k = 0; k < reads.length; k++) values[k] = reads[k]!(row) ?? constants[k]
      return make(row, values)
    }
    // If every record has its values, the rows are passed on unchanged.
    return { apply: ({ rows }) => ({ rows: rows.some(lacks) ? rows.map(fill) : rows }) }
  },
})
