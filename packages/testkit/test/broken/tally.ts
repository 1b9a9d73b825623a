/** Two small correct steps, a plain and a stateful one, and every way to break them that the suite must detect. */
import {
  codegenAllowed,
  defineTransform,
  type MemoryChange,
  option,
  type RecordType,
  type Row,
  type SavedMemory,
  type Transform,
} from '@millrace/core'
import { openSync } from 'node:fs'

const options = option.object({ bug: option.text('What to do wrong.', { default: '' }) })
const integer = { type: { kind: 'integer' }, optional: false } as const
const output: RecordType = { fields: { n: integer, half: { ...integer, type: { kind: 'number' } } } }

/** Halves n; an odd n goes to the output `odd`, a negative one fails, 0 is filtered. */
export const halve = defineTransform({
  kind: 'transform',
  type: 'halve',
  summary: 'Halves.',
  options,
  infer: ({ bug }) => ({
    output: bug === 'infers otherwise' ? { fields: { n: integer } } : output,
    sideOutputs: { odd: { fields: { n: integer } } },
    problems: [],
    unchanged: { n: bug === 'keeps what was not there' ? 'm' : 'n' },
  }),
  create({ bug }) {
    if (bug === 'opens in create') openSync('/', 'r')
    let calls = 0
    return {
      apply({ rows }, out) {
        if (bug === 'chokes on nothing' && rows.length === 0) throw new Error('nothing')
        const made: Row[] = []
        const origins: number[] = []
        const odd: Row[] = []
        const oddOrigins: number[] = []
        calls++
        for (const [i, row] of rows.entries()) {
          const n = row['n'] as number
          if (bug === 'changes its input') (row as Row)['n'] = 0
          if (bug === 'changes bytes' && row['bytes']) (row['bytes'] as Uint8Array)[0] = 1
          if (n < 0) out.fail(i, 'negative', { field: 'n' })
          if (n === 0 || (n < 0 && bug !== 'fails and passes')) continue
          if (n % 2) {
            odd.push({ n })
            oddOrigins.push(i)
            if (bug !== 'passes twice') continue
          }
          const half =
            bug === 'depends on the batch' ? n / 2 + i : bug === 'twin differs' && !codegenAllowed ? 0 : n / 2
          made.push(
            bug === 'shapes differ' && n === 4
              ? { half, n }
              : bug === 'wrong value'
                ? { n, half: half + 1 }
                : { n: bug === 'keeps what it changes' ? -n : n, half },
          )
          origins.push(bug === 'origins too far' ? i + 1 : i)
          if (bug === 'gives a record twice') {
            made.push({ n, half })
            origins.push(i)
          }
        }
        if (bug === 'origins fall') origins.reverse()
        if (bug === 'no origins') return { rows: made }
        if (bug === 'counts calls') made.forEach((row) => (row['half'] = calls))
        return {
          rows: made,
          origins: Int32Array.from(origins),
          sideOutputs: { odd: { rows: odd, origins: Int32Array.from(oddOrigins) } },
        }
      },
    }
  },
})

/** The same, declared as what it is not. */
const routingHalve = defineTransform({ ...halve, type: 'routing_halve', routes: true })
const deafHalve = defineTransform({ ...halve, type: 'deaf_halve', removesRepeats: () => 'forever' })

/** Counts rows by name; emits the counts at the end. */
export const tally = defineTransform({
  kind: 'transform',
  type: 'tally',
  summary: 'Counts.',
  options,
  stateful: true,
  counts: true,
  keyedBy: () => ['name'],
  memory: ({ bug }, { input }) =>
    bug === 'depends on all fields'
      ? Object.keys(input.fields)
      : bug === 'depends on nothing'
        ? 'names'
        : input.fields['name']!.type.kind,
  infer: () => ({
    output: { fields: { name: { type: { kind: 'string' }, optional: false }, count: integer } },
    problems: [],
  }),
  create: ({ bug }, { partitionedBy }) => counting(bug, partitionedBy !== undefined),
})

/** The same, undeclared. */
export const secretTally = defineTransform({ ...tally, type: 'secret_tally', stateful: false, counts: false })

function counting(bug: string, apart: boolean): Transform {
  const counts = new Map<string, number>()
  const splits = new Map<string, string>()
  const changed = new Set<string>()
  return {
    apply(records) {
      const { rows } = records
      for (const [i, row] of rows.entries()) {
        const name = String(row['name'])
        const more = bug === 'counts by turns' ? (counts.get(name) ?? 0) + Number(records.id(i).split('@')[1]) : 1
        counts.set(name, (counts.get(name) ?? 0) + more)
        const at = bug === 'reads all from the first split' ? 0 : i
        if (apart && bug !== 'names no split') splits.set(name, records.origin(at)!.batch.split)
        if (bug !== 'forgets a change' || name !== 'bob') changed.add(name)
      }
      return { rows: [], origins: new Int32Array(), held: bug === 'holds too many' ? rows.length + 1 : rows.length }
    },
    advance(_watermark, out) {
      for (const [name, count] of counts) out.result({ name, count }, { key: [name] })
      return true
    },
    takeChanges() {
      const names = [...changed]
      if (bug !== 'repeats its changes') changed.clear()
      const entries = names.map((name, i): MemoryChange => {
        const key = bug === 'keys clash' ? String(i) : name
        const count = String(counts.get(name))
        return splits.has(name) ? [key, count, splits.get(name)!] : [key, count]
      })
      if (bug === 'clears at the cut') counts.clear()
      return bug === 'names a key twice' ? [...entries, ...entries] : entries
    },
    changeCount: () => changed.size + (bug === 'tells of too many changes' ? 1 : 0),
    ...(bug === 'never restores'
      ? {}
      : {
          restore(saved: SavedMemory) {
            for (const [name, count, split] of saved.entries()) {
              if (split !== undefined) splits.set(name, split)
              counts.set(name, bug === 'restores wrong' ? 0 : Number(count))
              if (bug === 'takes what it restored for a change') changed.add(name)
            }
          },
        }),
  }
}

export default [halve, routingHalve, deafHalve, tally, secretTally]
