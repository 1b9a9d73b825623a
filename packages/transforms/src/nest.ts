/** `nest`: combines fields into an object. */
import { defineTransform, type Field, option, type Problem } from '@millrace/core'
import { badName, nameTaken, recordOf, unchangedBut } from './fields.ts'
import { pairs, pick, pickOption } from './pick.ts'
import { type Column, rowMaker } from './rows.ts'

export const nest = defineTransform({
  kind: 'transform',
  type: 'nest',
  summary: 'Moves fields into an object, which takes the place of the first of them.',
  oneForOne: true,
  options: option.map(
    pickOption('The fields of the object.', ['street', { zip: 'postal_code' }]),
    'Objects and their fields.',
    {
      example: { address: ['street', 'city'] },
    },
  ),

  infer(config, { input }) {
    const problems: Problem[] = []
    const usedBy = new Map<string, string>()
    const objects = new Map<string, Field>()
    for (const [name, items] of Object.entries(config)) {
      const bad = badName(name, [name], true)
      if (bad) problems.push(bad)
      const picked = pick(items, input, [name], problems)
      if (items.length === 0)
        problems.push({ code: 'bad_value', message: `\`${name}\` would have no fields`, at: [name] })
      for (const { from, at } of picked) {
        const other = usedBy.get(from)
        if (other !== undefined && other !== name)
          problems.push({
            code: 'duplicate_field',
            message: `\`${from}\` is already in \`${other}\``,
            at,
            hint: 'a field can move into one object only',
          })
        usedBy.set(from, name)
      }
      objects.set(name, {
        type: { kind: 'object', record: recordOf(picked.map(({ to, field }) => [to, field])) },
        optional: false,
      })
    }
    for (const name of objects.keys())
      if (Object.hasOwn(input.fields, name) && !usedBy.has(name)) problems.push(nameTaken(name, [name], true))
    if (problems.length) return { problems }
    const fields = layout(Object.keys(input.fields), config).map(
      (name) => [name, objects.get(name) ?? input.fields[name]!] as const,
    )
    return { output: recordOf(fields, input.open), problems, unchanged: unchangedBut(input, [...usedBy.keys()]) }
  },

  create(config, { input }) {
    const objects = Object.keys(config)
    const makers = objects.map((name) =>
      rowMaker(
        pairs(config[name]!).map(({ to, from }) => [to, from]),
        input,
        false,
      ),
    )
    const columns = layout(Object.keys(input.fields), config).map(
      (name): Column => [name, Object.hasOwn(config, name) ? objects.indexOf(name) : name],
    )
    const make = rowMaker(columns, input, true)
    const values = new Array<unknown>(objects.length)
    return {
      apply({ rows }) {
        return {
          rows: rows.map((row) => {
            for (let k = 0; k < values.length; k++) values[k] = makers[k]!(row, [])
            return make(row, values)
          }),
        }
      },
    }
  },
})

/** The names of the output in order: each object takes the place of the first of its fields. */
function layout(
  names: readonly string[],
  config: Readonly<Record<string, readonly (string | Record<string, string>)[]>>,
): string[] {
  const objectOf = new Map<string, string>()
  for (const [object, items] of Object.entries(config)) for (const { from } of pairs(items)) objectOf.set(from, object)
  const order = new Set<string>()
  for (const name of names) order.add(objectOf.get(name) ?? name)
  return [...order]
}
