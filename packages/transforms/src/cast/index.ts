/**
 * `cast`: changes the types of fields. Nothing is rounded: a value that the new type cannot represent exactly is a data
 * error.
 */
import {
  checkDateFormat,
  checkZone,
  DataError,
  type DateChoices,
  type DateReading,
  defineTransform,
  type Field,
  fieldReader,
  option,
  parseType,
  type Problem,
  typeText,
} from '@millrace/core'
import { dateChoices } from '../date-choices.ts'
import { conversionOf } from './conversion.ts'
import { lookUp, unchangedBut, withFields } from '../fields.ts'
import { columnsWith, Passed, rowMaker } from '../rows.ts'

const typeExample = 'decimal(10,2)'
const options = option.map(
  option.anyOf(
    [
      option.text('The new type.', { example: typeExample }),
      option.object({
        to: option.text('The new type.', { example: 'timestamp' }),
        formats: option.optional(
          option.anyOf(
            [
              option.text('A date format.'),
              option.list(option.text('A date format.'), 'Date formats; the first that matches wins.', { min: 1 }),
            ],
            'Date formats: Java letters (`M/d/yyyy`), `iso`, `epoch_s` or `epoch_ms`.',
          ),
        ),
        zone: option.text('The time zone of dates without an offset.', { default: 'UTC', example: 'Europe/Berlin' }),
        ...dateChoices,
      }),
    ],
    'The new type of one field.',
  ),
  'Fields and their new types.',
  { example: { Quantity: 'integer', UnitPrice: typeExample } },
)

type CastConfig =
  | string
  | (DateChoices & {
      readonly to: string
      readonly formats?: string | readonly string[] | undefined
      readonly zone?: string
    })

interface CastRule {
  readonly to: Field | undefined
  readonly written: string
  readonly at: readonly string[]
  readonly dates: DateReading
}

function ruleOf(config: CastConfig): CastRule {
  if (typeof config === 'string')
    return { to: parseType(config), written: config, at: [], dates: { formats: [], zone: 'UTC' } }
  const { to, formats = [], zone = 'UTC', fold, fraction } = config
  return {
    to: parseType(to),
    written: to,
    at: ['to'],
    dates: { formats: typeof formats === 'string' ? [formats] : formats, zone, fold, fraction },
  }
}

export const cast = defineTransform({
  kind: 'transform',
  type: 'cast',
  summary: 'Changes the type of fields; a value that does not fit exactly is a data error.',
  oneForOne: true,
  options,

  infer(config, { input }) {
    const problems: Problem[] = []
    const changes = new Map<string, Field>()
    for (const [name, given] of Object.entries(config)) {
      const rule = ruleOf(given as CastConfig)
      const field = lookUp(input, name, [name], problems, true)
      const at = [name, ...rule.at]
      if (!rule.to) problems.push({ code: 'bad_type', message: `\`${rule.written}\` is not a type`, at })
      for (const format of rule.dates.formats) {
        const wrong = checkDateFormat(format)
        if (wrong) problems.push({ code: 'bad_date_format', message: wrong, at: [name, 'formats'] })
      }
      const zone = checkZone(rule.dates.zone)
      if (zone) problems.push({ code: 'unknown_zone', message: zone, at: [name, 'zone'] })
      if (!field || !rule.to) continue
      changes.set(name, { type: rule.to.type, optional: field.optional || rule.to.optional })
      if (problems.some((problem) => problem.at[0] === name)) continue
      const conversion = conversionOf(field.type, rule.to.type, rule.dates)
      if ('wrong' in conversion)
        problems.push({
          code: 'wrong_type',
          message: `\`${name}\`: ${conversion.wrong}`,
          at,
          got: typeText(field.type),
          hint: conversion.hint,
        })
    }
    // With an unknown type, nothing can be checked in the steps that follow.
    const names = Object.keys(config)
    if (changes.size < names.length) return { problems }
    return { output: withFields(input, changes), problems, unchanged: unchangedBut(input, names) }
  },

  create(config, { input }) {
    const names = Object.keys(config)
    const reads = names.map(fieldReader)
    const converts = names.map((name) => {
      const rule = ruleOf(config[name] as CastConfig)
      const conversion = conversionOf(input.fields[name]!.type, rule.to!.type, rule.dates)
      if ('wrong' in conversion) throw new Error(conversion.wrong)
      return conversion.convert
    })
    const make = rowMaker(columnsWith(input, names), input, true)
    const values = new Array<unknown>(names.length)
    return {
      apply({ rows }, out) {
        const passed = new Passed(rows.length)
        for (let i = 0; i < rows.length; i++) {
          const row = rows[i]!
          let k = 0
          try {
            for (; k < values.length; k++) {
              const value = reads[k]!(row)
              values[k] = value === null ? null : converts[k]!(value)
            }
          } catch (error) {
            if (!(error instanceof DataError)) throw error
            out.fail(i, error.code, { field: pathOf(names[k]!, error.field), message: error.message })
            continue
          }
          passed.add(make(row, values), i)
        }
        return passed.done()
      },
    }
  },
})

const pathOf = (name: string, inside: string | undefined): string =>
  inside === undefined ? name : inside.startsWith('[') ? name + inside : `${name}.${inside}`
