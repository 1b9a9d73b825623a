/** `select`: keeps these fields, in this order, optionally renamed. */
import { defineTransform, type Problem } from '@millrace/core'
import { recordOf } from './fields.ts'
import { pairs, pick, pickOption } from './pick.ts'
import { mapRows, rowMaker } from './rows.ts'

export const select = defineTransform({
  kind: 'transform',
  type: 'select',
  summary: 'Keeps the named fields, in this order, optionally renamed; all others are removed.',
  oneForOne: true,
  options: pickOption('The fields of the output.', ['InvoiceNo', { country: 'Country' }]),

  infer(items, { input }) {
    const problems: Problem[] = []
    const picked = pick(items, input, [], problems)
    if (items.length === 0) problems.push({ code: 'bad_value', message: '`select` lists no fields', at: [] })
    return {
      output: problems.length ? undefined : recordOf(picked.map(({ to, field }) => [to, field])),
      problems,
      unchanged: Object.fromEntries(picked.map(({ to, from }) => [to, from])),
      push(columns) {
        const pushed = picked.map(({ to, from }) => {
          const column = columns.find(({ name }) => name === from)
          return column && { ...column, name: to }
        })
        // A removed date must still be parsed: an invalid text fails its record at the step before.
        const unread = columns.some(({ name, date }) => date && !picked.some(({ from }) => from === name))
        return !unread && pushed.every((column) => column !== undefined) ? pushed : undefined
      },
    }
  },

  create(items, { input }) {
    const make = rowMaker(
      pairs(items).map(({ to, from }) => [to, from]),
      input,
      false,
    )
    return { apply: ({ rows }) => mapRows(rows, make) }
  },
})
