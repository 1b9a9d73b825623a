/** A stateful step for the crash jobs, as someone outside would write it in plain JavaScript: lines and a sum by group, given out at the end of the input. */
const text = (description) => ({ type: 'string', format: 'field', description })

export default {
  kind: 'transform',
  type: 'tally',
  summary: 'Counts rows and sums a field, by group.',
  stateful: true,
  options: {
    type: 'object',
    properties: { by: text('The field to group by.'), sum: text('The integer field to sum.') },
    required: ['by', 'sum'],
    additionalProperties: false,
  },
  infer({ by }, { input }) {
    const integer = { type: { kind: 'integer' }, optional: false }
    return { output: { fields: { [by]: input.fields[by], lines: integer, quantity: integer } }, problems: [] }
  },
  create({ by, sum }) {
    const groups = new Map()
    const changed = new Set()
    return {
      apply({ rows }) {
        for (const row of rows) {
          const key = row[by]
          const group = groups.get(key) ?? { lines: 0, quantity: 0 }
          groups.set(key, { lines: group.lines + 1, quantity: group.quantity + row[sum] })
          changed.add(key)
        }
        return { rows: [], origins: new Int32Array(), held: rows.length }
      },
      advance({ end }, out) {
        if (end) for (const [key, group] of groups) out.result({ [by]: key, ...group }, { key: [key] })
        return true
      },
      takeChanges() {
        const entries = [...changed].map((key) => [key, JSON.stringify(groups.get(key))])
        changed.clear()
        return entries
      },
      restore(saved) {
        for (const [key, value] of saved.entries()) groups.set(key, JSON.parse(value))
      },
    }
  },
}
