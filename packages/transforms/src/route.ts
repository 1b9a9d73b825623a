/**
 * `route`: named outputs. Each record goes to the first whose condition holds, or to the one named by `else` if none
 * does. Without `else`, such a record is filtered out.
 */
import { defineTransform, option, type Problem, type RecordType, type Row } from '@millrace/core'
import { conditionAt, evaluator, failFor, narrowed } from './expressions.ts'
import { unchangedBut } from './fields.ts'

interface Branch {
  readonly name: string
  readonly condition: string
}

function branchesOf(config: Readonly<Record<string, string>>): {
  branches: readonly Branch[]
  rest: string | undefined
} {
  const { else: rest, ...conditions } = config
  return { branches: Object.entries(conditions).map(([name, condition]) => ({ name, condition })), rest }
}

export const route = defineTransform({
  kind: 'transform',
  type: 'route',
  summary: 'Sends each record to the first named output whose condition holds.',
  routes: true,
  options: {
    ...option.map(option.expression('The condition.'), 'Outputs and their conditions, in order.', {
      example: { big: 'Quantity > 100', credit: 'InvoiceNo.startsWith("C")', else: 'rest' },
    }),
    properties: { else: option.optional(option.text('The name of the output for all others.')) },
  },

  check(config) {
    const { branches, rest } = branchesOf(config)
    const problems: Problem[] = []
    if (branches.length === 0)
      problems.push({ code: 'bad_value', message: '`route` has no output with a condition', at: [] })
    for (const { name } of branches) if (!isName(name)) problems.push(noName(name, [name], true))
    if (rest !== undefined && !isName(rest))
      problems.push({ ...noName(rest, ['else'], false), hint: '`else` names the output for all others' })
    if (branches.some(({ name }) => name === rest))
      problems.push({
        code: 'duplicate_id',
        message: `\`${rest}\` has a condition, so it cannot take all others as well`,
        at: ['else'],
      })
    return problems
  },

  infer(config, { input }) {
    const { branches, rest } = branchesOf(config)
    const problems: Problem[] = []
    const sideOutputs: [string, RecordType][] = branches.map(({ name, condition }) => [
      name,
      narrowed(input, conditionAt(condition, input, [name], problems)),
    ])
    if (rest !== undefined) sideOutputs.push([rest, input])
    return { sideOutputs: Object.fromEntries(sideOutputs), problems, unchanged: unchangedBut(input) }
  },

  create(config, { input }) {
    const { branches, rest } = branchesOf(config)
    const names = branches.map(({ name }) => name)
    if (rest !== undefined) names.push(rest)
    const tests = branches.map(({ condition }) => evaluator(condition, input))
    const last = rest === undefined ? -1 : tests.length
    const choose = (row: Row): number => {
      for (let k = 0; k < tests.length; k++) if (tests[k]!(row) === true) return k
      return last
    }
    return {
      apply({ rows }, out) {
        const outputs = names.map(() => ({ rows: [] as Row[], origins: [] as number[] }))
        for (let i = 0; i < rows.length; i++) {
          const row = rows[i]!
          try {
            const chosen = choose(row)
            if (chosen < 0) continue
            outputs[chosen]!.rows.push(row)
            outputs[chosen]!.origins.push(i)
          } catch (error) {
            failFor(error, out, i)
          }
        }
        const sideOutputs = names.map(
          (name, k) => [name, { rows: outputs[k]!.rows, origins: Int32Array.from(outputs[k]!.origins) }] as const,
        )
        return { rows: [], origins: new Int32Array(0), sideOutputs: Object.fromEntries(sideOutputs) }
      },
    }
  },
})

/** Whether a text can name an output. */
export const isName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)

const noName = (name: string, at: Problem['at'], key: boolean): Problem => ({
  code: 'bad_name',
  message: `\`${name}\` is not a valid name for an output`,
  at,
  key,
  expected: 'letters, digits, `_` and `-`, starting with a letter or digit',
})
