/** `where`: keeps the records for which a condition holds. */
import { defineTransform, option, type Problem } from '@millrace/core'
import { conditionAt, evaluator, failFor, narrowed } from './expressions.ts'
import { unchangedBut } from './fields.ts'
import { Kept } from './rows.ts'

export const where = defineTransform({
  kind: 'transform',
  type: 'where',
  summary: 'Keeps the records for which a condition holds and filters out all others.',
  options: option.expression('The condition.', { example: 'Quantity != 0' }),
  keeps: true,

  infer(text, { input }) {
    const problems: Problem[] = []
    const output = narrowed(input, conditionAt(text, input, [], problems))
    return { output, problems, unchanged: unchangedBut(input), keeps: text }
  },

  create(text, { input }) {
    const test = evaluator(text, input)
    return {
      apply({ rows }, out) {
        const kept = new Kept(rows)
        for (let i = 0; i < rows.length; i++) {
          try {
            if (test(rows[i]!) === true) kept.keep(i)
          } catch (error) {
            failFor(error, out, i)
          }
        }
        return kept.done()
      },
    }
  },
})
