/** `drop`: removes fields. */
import { defineTransform, option, type Problem } from '@millrace/core'
import { lookUp, nameTaken, recordOf, unchangedBut } from './fields.ts'
import { mapRows, rowMaker } from './rows.ts'

export const drop = defineTransform({
  kind: 'transform',
  type: 'drop',
  summary: 'Removes the named fields and keeps all others.',
  oneForOne: true,
  options: option.list(option.field('A field to remove.'), 'The fields to remove.', {
    example: ['Description', 'UnitPrice'],
    min: 1,
  }),

  infer(names, { input }) {
    const problems: Problem[] = []
    for (const [i, name] of names.entries()) {
      lookUp(input, name, [i], problems)
      if (names.indexOf(name) !== i)
        problems.push({ ...nameTaken(name, [i]), message: `\`${name}\` is listed twice`, hint: 'remove one of them' })
    }
    const output = recordOf(
      Object.entries(input.fields).filter(([name]) => !names.includes(name)),
      input.open,
    )
    return {
      output,
      problems,
      unchanged: unchangedBut(input, names),
      push(columns) {
        // A removed date must still be parsed: an invalid text fails its record at the step before.
        const unread = columns.some(({ name, date }) => date && names.includes(name))
        return input.open || unread ? undefined : columns.filter(({ name }) => !names.includes(name))
      },
    }
  },

  create(names, { input }) {
    const kept = Object.keys(input.fields).filter((name) => !names.includes(name))
    const make = rowMaker(
      kept.map((name) => [name, name]),
      input,
      true,
    )
    return { apply: ({ rows }) => mapRows(rows, make) }
  },
})
